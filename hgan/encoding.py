"""Pictures and sentences through the two towers, in batches: the one way for training, evaluation, gallery and
search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from PIL import Image
from tqdm import tqdm

from .ahead import one_ahead
from .data.folder import Record
from .images import open_image
from .model.hgan import HGANModel
from .pixels import Picture, pixel_values
from .processing import HGANProcessor
from .types import ImageGraph, TextGraph, concatenate


def to_pixels(images: Sequence[Picture], model: HGANModel) -> torch.Tensor:
    """What `HGANProcessor` gives for pictures, by the same function: (B, 3, S, S).

    Raises:
        ValueError: as `hgan.pixels.as_picture`.
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


def encode_records(
    model: HGANModel, records: Iterable[Record], batch_size: int = 32, progress: bool = False
) -> ImageGraph:
    """Pictures of a dataset through the picture tower; a picture that cannot be read is an error."""
    records = list(records)
    parts = []
    chunks = [records[i : i + batch_size] for i in range(0, len(records), batch_size)]
    decoded = one_ahead(_decode, chunks)
    for images in tqdm(decoded, total=len(chunks), desc="pictures", unit="batch", disable=not progress):
        parts.append(encode_images(model, images))
    return concatenate(parts)


def _decode(records: list[Record]) -> list[Image.Image]:
    return [open_image(record.path) for record in records]
