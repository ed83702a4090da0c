"""hgan-mini-2, from nothing but ImageNet's EfficientNet-Lite0 and MiniLM to the checkpoint: photographs and Toy Town together.

Needs `python -m scripts.toytown more`, which writes build/toytown-train: the train scenes with eight captions of every tag.
Without a GPU it takes days; `scripts/gpu_training.py` takes it to one.
"""

from hgan.training.config import TrainConfig

config = TrainConfig(
    data={"../shared/flickr8k": 6, "build/toytown-train": 10},
    dev=("../shared/flickr8k", "assets/toytown"),
    out="runs/hgan_mini_2",
    backbone="../shared/init/efficientnet_lite0_imagenet",
    model={
        "image_size": 256,
        "image_mean": 127 / 255,
        "image_std": 128 / 255,
        "backbone_taps": [5, 11, -1],
        "backbone_channels": [40, 112, 1280],
        "pyramid_dim": 128,
        "head_kernel": 5,
        "side_tower": True,
        "max_regions": 20,
        "score_threshold": 0.15,
        "nms_between_labels": 0.75,
        "label_threshold": 0.5,
        "edge_things": 8,
        "edge_words": 5,
        "edge_values": True,
        "counts": True,
        "content_words": True,
        "levels_apart": True,
    },
    seed=17,
    epochs=20,
    batch_size=384,
    captions=2,
    crop=0.5,
    lr=9e-4,
    backbone_lr=2.5e-4,
    text_lr=1e-4,
    edge_lr=3e-3,
    level_weight=0.2,
    detection_weight=0.7,
    teacher_weight=0.5,
    teacher_temperature=0.1,
    grounding_weight=0.2,
    edge_weight=0.5,
    group_weight=0.5,
    false_weight=0.5,
    mirrored_pairs=True,
    false_captions=True,
    ema=0.998,
    minutes=8.1,
    patience=20,
    workers=12,
)
