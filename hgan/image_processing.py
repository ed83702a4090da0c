"""The image processor on its own: the same pixels as everywhere else (see `hgan.io.pixels`)."""

from __future__ import annotations

from typing import Any

from transformers import BatchFeature
from transformers.image_processing_utils import BaseImageProcessor
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from .config import HGANConfig
from .io.pixels import RESAMPLE, pixel_values


class HGANImageProcessor(ViTImageProcessorPil):
    """The settings of ViT's processor, under whose name it is saved, with this project's way from a picture to pixels."""

    @classmethod
    def from_config(cls, config: HGANConfig) -> HGANImageProcessor:
        """The one that belongs to a model."""
        return cls(
            size={"height": config.image_size, "width": config.image_size},
            image_mean=[config.image_mean] * 3,
            image_std=[config.image_std] * 3,
            resample=RESAMPLE,
        )

    @classmethod
    def like(cls, other: BaseImageProcessor | None) -> BaseImageProcessor | None:
        """The same settings, with these pixels; anything but ViT's processor as it is."""
        if type(other).__name__.removesuffix("Pil").removesuffix("Fast") != "ViTImageProcessor":  # of any backend
            return other
        assert other is not None
        same: HGANImageProcessor = cls.from_dict(other.to_dict())
        return same

    def preprocess(self, images: Any, *_: Any, **settings: Any) -> BatchFeature:
        """`pixel_values` (B, 3, S, S) of pictures of any kind that `hgan.io.pixels.as_picture` takes.

        Raises:
            ValueError: a picture cannot be read; other settings than the processor's own.
        """
        odd = sorted(name for name, value in settings.items() if value is not None and name != "return_tensors")
        if odd or settings.get("return_tensors") not in ("pt", None):
            raise ValueError(
                f"got {', '.join(odd) or 'return_tensors'} for a picture, but expected pictures alone, and 'pt' for "
                "return_tensors: the other settings are the checkpoint's"
            )
        size: Any = self.size
        side = size["height"] if isinstance(size, dict) else size.height
        return BatchFeature({"pixel_values": pixel_values(images, side, self.image_mean[0], self.image_std[0])})

    def to_dict(self) -> dict[str, Any]:
        """As ViT's own, so that any transformers opens a checkpoint."""
        return {**super().to_dict(), "image_processor_type": "ViTImageProcessor"}
