"""Photographs and Toy Town together, going on from `configs/hgan_mini_photos.py`."""

from hgan.training.config import TrainConfig

config = TrainConfig(
    data={"../shared/flickr8k": 1, "assets/toytown": 3},
    dev=("../shared/flickr8k", "assets/toytown"),
    out="runs/hgan_mini_joint",
    start="runs/hgan_mini_photos/best",
    model={"score_threshold": 0.15, "nms_threshold": 0.45},
    seed=17,
    epochs=4,
    batch_size=128,
    captions=2,
    crop=0.5,
    frozen_blocks=7,
    frozen_epochs=4,
    lr=5e-4,
    backbone_lr=1.5e-4,
    text_lr=8e-5,
    teacher_weight=0.5,
    teacher_temperature=0.1,
    precision="bfloat16",
)
