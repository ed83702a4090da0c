"""hgan-mini, the last run: left and right, behind and in front.

Every scene stands beside its mirror image, and words and regions are told which of two things is on which side. The region
encoder rests, so that regions are computed once and a step is what comes after them. Local alone is not taught: it is what the
two other levels leave to it.

Needs `python -m scripts.toytown more`, which writes build/toytown-train: the train scenes with eight captions of every tag.
"""

from hgan.train_config import TrainConfig

config = TrainConfig(
    data={"../shared/flickr8k": 1, "build/toytown-train": 2},
    dev=("../shared/flickr8k", "assets/toytown"),
    out="runs/hgan_mini_sides",
    start="runs/hgan_mini_sum/weighed",
    level_weights=(0.2, 0.6, 0.2),
    seed=17,
    epochs=3,
    batch_size=128,
    captions=2,
    frozen_regions=True,
    lr=4e-4,
    text_lr=1e-4,
    level_weight={"global": 0.1, "cross": 0.1},
    teacher_weight=0.5,
    teacher_temperature=0.1,
    grounding_weight=0.2,
    side_weight=0.5,
    twins=True,
    false_captions=True,
    ema=0.99,
    workers=1,
)
