"""Where hgan-mini starts: MobileNetV2 and MiniLM, fine-tuned on photographs alone.

The last epoch trains the first blocks too; its weights are the ones taken on.
"""

from hgan.training.config import TrainConfig

config = TrainConfig(
    data={"../shared/flickr8k": 1},
    dev=("../shared/flickr8k",),
    out="runs/hgan_mini_photos",
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
