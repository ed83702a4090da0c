"""hgan-mini: MobileNetV2 and MiniLM, fine-tuned on photographs.

The committed checkpoint is the last epoch of this run, the one that trains the first blocks too, with
score_threshold 0.2 and nms_threshold
0.35 set afterwards (its model card says why).
"""

from hgan.train_config import TrainConfig

config = TrainConfig(
    data=("../shared/flickr8k",),
    dev="../shared/flickr8k",
    out="runs/hgan_mini",
    backbone="../shared/init/mobilenet_v2_imagenet",
    seed=17,
    epochs=9,
    batch_size=128,
    captions=2,
    frozen_blocks=7,
    frozen_epochs=8,
    lr=6e-4,
    backbone_lr=2e-4,
    text_lr=1e-4,
    precision="bfloat16",
)
