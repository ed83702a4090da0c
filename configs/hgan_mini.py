"""hgan-mini: photographs and Toy Town together, words grounded, going on from the mean of the two runs before it.

Needs `python -m scripts.toytown more`, which writes build/toytown-train: the train scenes with eight captions of every tag.
"""

from hgan.training.config import TrainConfig

config = TrainConfig(
    data={"../shared/flickr8k": 1, "build/toytown-train": 3},
    dev=("../shared/flickr8k", "assets/toytown"),
    out="runs/hgan_mini",
    start={"runs/hgan_mini_joint/best": 0.65, "runs/hgan_mini_photos/best": 0.35},
    model={"image_size": 256},
    image_size=224,
    seed=17,
    epochs=8,
    batch_size=128,
    captions=2,
    crop=0.5,
    frozen_blocks=7,
    frozen_epochs=8,
    lr=5e-4,
    backbone_lr=1.5e-4,
    text_lr=8e-5,
    teacher_weight=0.5,
    teacher_temperature=0.1,
    grounding_weight=0.2,
    ema=0.998,
    precision="bfloat16",
    workers=1,
)
