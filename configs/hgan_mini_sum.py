"""hgan-mini, the last run: the levels together, and what tells a caption from a false one.

Before it each level was taught to rank alone, and came to say what the others say; here nearly all of the loss is that of their
sum. Captions of scenes come with false versions: sides, colours or a number exchanged.

Needs `python -m scripts.toytown more`, which writes build/toytown-train: the train scenes with eight captions of every tag.
"""

from hgan.training.config import TrainConfig

config = TrainConfig(
    data={"../shared/flickr8k": 1, "build/toytown-train": 3},
    dev=("../shared/flickr8k", "assets/toytown"),
    out="runs/hgan_mini_sum",
    start="runs/hgan_mini/weighed",
    model={"image_size": 256},
    image_size=224,
    seed=17,
    epochs=3,
    batch_size=128,
    captions=2,
    crop=0.5,
    frozen_blocks=7,
    frozen_epochs=3,
    lr=2.5e-4,
    backbone_lr=8e-5,
    text_lr=6e-5,
    level_weight=0.05,
    teacher_weight=0.5,
    teacher_temperature=0.1,
    grounding_weight=0.2,
    false_captions=True,
    ema=0.99,
    precision="bfloat16",
    workers=1,
)
