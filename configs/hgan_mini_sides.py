"""A beginning, not part of hgan-mini: sides, left and right, behind and in front. On scenes alone and in small batches.

Every scene stands beside its mirror image, and words and regions are told which of two things is on which side. A first try,
an epoch in batches of 128 with photographs between and `side_weight` 0.5, left sides at chance; `hgan_mini_both.py` comes
after. The region encoder rests, so that regions are computed once and a step is what comes after them.

Needs `python -m scripts.toytown more`, which writes build/toytown-train: the train scenes with eight captions of every tag.
"""

from hgan.training.config import TrainConfig

config = TrainConfig(
    data={"build/toytown-train": 2},
    dev=("assets/toytown",),
    out="runs/hgan_mini_sides",
    start="runs/hgan_mini_sum/weighed",
    seed=17,
    epochs=1,
    batch_size=32,
    captions=2,
    frozen_regions=True,
    lr=5e-4,
    text_lr=1e-4,
    level_weight=1.0,
    grounding_weight=0.2,
    side_weight=3.0,
    mirrored_pairs=True,
    false_captions=True,
    ema=0.98,
    workers=1,
)
