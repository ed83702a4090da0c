"""A beginning, not part of hgan-mini: photographs and scenes together again after `hgan_mini_sides.py`.

The region encoder rests. Local alone is not taught: it is what the two other levels leave to it.

Needs `python -m scripts.toytown more`, which writes build/toytown-train: the train scenes with eight captions of every tag.
"""

from hgan.training.config import TrainConfig

config = TrainConfig(
    data={"../shared/flickr8k": 1, "build/toytown-train": 1},
    dev=("../shared/flickr8k", "assets/toytown"),
    out="runs/hgan_mini_both",
    start="runs/hgan_mini_sides/best",
    level_weights=(0.2, 0.6, 0.2),
    seed=17,
    epochs=1,
    batch_size=128,
    captions=2,
    frozen_regions=True,
    lr=4e-4,
    text_lr=1e-4,
    level_weight={"global": 0.1, "cross": 0.1},
    teacher_weight=0.5,
    teacher_temperature=0.1,
    grounding_weight=0.2,
    side_weight=3.0,
    mirrored_pairs=True,
    false_captions=True,
    ema=0.98,
    workers=1,
)
