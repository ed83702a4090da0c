"""Pictures and sentences through the two towers, in batches: the one way for training, evaluation, gallery and
search."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tqdm import tqdm

from .io.pixels import Picture, pixel_values
from .model.hgan import HGANModel
from .processing import HGANProcessor
from .types import ImageGraph, TextGraph, concatenate


def to_pixels(images: Sequence[Picture], model: HGANModel) -> torch.Tensor:
    """What `HGANProcessor` gives for pictures, by the same function: (B, 3, S, S).

    Raises:
        ValueError: as `hgan.io.pixels.as_picture`.
    """
    return pixel_values(images, model.config.image_size, model.config.image_mean, model.config.image_std)


@torch.no_grad()
def encode_images(model: HGANModel, images: Sequence[Picture]) -> ImageGraph:
    """One batch of pictures through the picture tower, on the model's device; the result is on the CPU."""
    return model.encode_image(to_pixels(images, model).to(model.device)).to("cpu")


@torch.no_grad()
def encode_texts(
    model: HGANModel, processor: HGANProcessor, texts: Sequence[str], batch_size: int = 128, progress: bool = False
) -> TextGraph:
    """Sentences through the sentence tower, in batches of like length; the result is in the order given, on the CPU."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts = []
    for start in tqdm(range(0, len(order), batch_size), desc="sentences", unit="batch", disable=not progress):
        batch = processor(text=[texts[i] for i in order[start : start + batch_size]]).to(model.device)
        graph: TextGraph = model.encode_text(**batch)
        parts.append(graph.to("cpu"))
    place = torch.empty(len(order), dtype=torch.long)
    place[torch.tensor(order)] = torch.arange(len(order))
    return concatenate(parts)[place]
