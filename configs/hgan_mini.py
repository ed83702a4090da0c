"""hgan-mini: MobileNetV2 and MiniLM, fine-tuned on photographs and on Toy Town together."""

from hgan.train_config import TrainConfig

config = TrainConfig(
    data={"../shared/flickr8k": 1, "assets/toytown": 2},
    dev=("../shared/flickr8k", "assets/toytown"),
    out="runs/hgan_mini",
    backbone="../shared/init/mobilenet_v2_imagenet",
    model={"score_threshold": 0.15, "nms_threshold": 0.45},
    seed=17,
    epochs=10,
    batch_size=128,
    captions=2,
    frozen_blocks=7,
    frozen_epochs=9,
    lr=6e-4,
    backbone_lr=2e-4,
    text_lr=1e-4,
    teacher_weight=0.5,
    precision="bfloat16",
)
