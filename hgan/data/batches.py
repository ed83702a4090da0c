"""Training batches: augmentation, several captions a picture, padding. Every sample is a function of (seed, epoch,
index) alone,
so that a resumed run sees exactly what the unbroken one would have seen."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from PIL import Image, ImageEnhance
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..images import open_image
from ..labels import label_index
from ..processing import HGANProcessor
from ..types import Batched
from .folder import Box, Record

# A mirrored picture makes a liar of such a caption.
_SIDED = re.compile(r"\b(left|right)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Batch(Batched):
    """B pictures, T texts sorted by length, at most G known boxes a picture."""

    pixel_values: Float[Tensor, "batch 3 size size"]
    input_ids: Int[Tensor, "texts tokens"]
    attention_mask: Int[Tensor, "texts tokens"]
    word_index: Int[Tensor, "texts tokens"]
    owner: Int[Tensor, texts]  # row of the picture a text belongs to
    boxes: Float[Tensor, "batch targets 4"]
    labels: Int[Tensor, "batch targets"]
    scores: Float[Tensor, "batch targets"]
    box_mask: Bool[Tensor, "batch targets"]
    has_boxes: Bool[Tensor, batch]
    ids: tuple[str, ...] = ()

    def text_blocks(self, size: int) -> list[dict[str, Int[Tensor, "texts tokens"]]]:
        """The texts in blocks of `size`, each cut to its longest: the inputs of the sentence tower."""
        blocks = []
        for start in range(0, len(self.owner), size):
            mask = self.attention_mask[start : start + size]
            most = int(mask.sum(1).max())
            parts = (self.input_ids[start : start + size], mask, self.word_index[start : start + size])
            blocks.append(
                {n: p[:, :most] for n, p in zip(("input_ids", "attention_mask", "word_index"), parts, strict=True)}
            )
        return blocks


@dataclass(frozen=True)
class Sample:
    """One picture, augmented, before it is padded into a batch."""

    id: str
    image: Image.Image
    captions: list[str]
    regions: list[Box] | None


class TrainingSet(Dataset[Any]):
    """Augmented samples of records; set `epoch` before each pass.

    Args:
        records: with at least one caption each.
        size: side of the picture in pixels.
        captions: drawn for each picture and epoch, without replacement where there are enough.
        crop: least share of the area that a random crop keeps; 1 switches cropping off.
        seed: of every random choice.
    """

    def __init__(self, records: list[Record], size: int, captions: int, crop: float, seed: int) -> None:
        bare = next((r.id for r in records if not r.captions), None)
        if bare is not None:
            raise ValueError(f"got picture {bare} without captions, but expected at least one to train on")
        self.records, self.size, self.captions, self.crop, self.seed = records, size, captions, crop, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.records)

    def order(self) -> list[int]:
        """The shuffled order of this epoch."""
        return np.random.default_rng((self.seed, self.epoch)).permutation(len(self)).tolist()

    def __getitem__(self, index: int) -> Sample:
        record = self.records[index]
        rng = random.Random(f"{self.seed} {self.epoch} {index}")
        count = min(self.captions, len(record.captions))
        captions = rng.sample(record.captions, count) + rng.choices(record.captions, k=self.captions - count)
        image = open_image(record.path)
        window = _window(rng, self.crop)
        mirror = rng.random() < 0.5 and not any(_SIDED.search(c) for c in captions)
        width, height = image.size
        x0, y0, x1, y1 = window
        image = image.resize(
            (self.size, self.size), Image.Resampling.BILINEAR, box=(x0 * width, y0 * height, x1 * width, y1 * height)
        )
        if mirror:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if self.crop < 1:
            image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.2))
            image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.8, 1.2))
        regions = None if record.regions is None else move_boxes(record.regions, window, mirror)
        return Sample(record.id, image, captions, regions)


def _window(rng: random.Random, least: float) -> tuple[float, float, float, float]:
    if least >= 1:
        return (0.0, 0.0, 1.0, 1.0)
    share, aspect = rng.uniform(least, 1), rng.uniform(0.8, 1.25)
    width, height = min(1.0, (share * aspect) ** 0.5), min(1.0, (share / aspect) ** 0.5)
    x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return (x, y, x + width, y + height)


def move_boxes(regions: tuple[Box, ...], window: tuple[float, float, float, float], mirror: bool) -> list[Box]:
    """Boxes seen through a window (normalised XYXY) and perhaps mirrored; those cut to under a quarter are left out."""
    wx0, wy0, wx1, wy1 = window
    moved = []
    for region in regions:
        x0, y0, x1, y1 = region.box
        nx0, nx1 = ((min(max(x, wx0), wx1) - wx0) / (wx1 - wx0) for x in (x0, x1))
        ny0, ny1 = ((min(max(y, wy0), wy1) - wy0) / (wy1 - wy0) for y in (y0, y1))
        before = (x1 - x0) * (y1 - y0)
        after = (nx1 - nx0) * (wx1 - wx0) * (ny1 - ny0) * (wy1 - wy0)
        if before <= 0 or after < before / 4:
            continue
        box = (1 - nx1, ny0, 1 - nx0, ny1) if mirror else (nx0, ny0, nx1, ny1)
        moved.append(Box(box, region.label, region.score))
    return moved


def pixels(image: Image.Image, mean: float, std: float) -> Float[Tensor, "3 height width"]:
    """An RGB picture as normalised pixels, channels first."""
    array = torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1)
    return (array.float() / 255 - mean) / std


class Collate:
    """Samples to a `Batch`.

    Args:
        processor: for its tokenizer.
        labels: display labels of the model.
        mean, std: of pixels in [0, 1].
    """

    def __init__(self, processor: HGANProcessor, labels: list[str], mean: float, std: float) -> None:
        self.processor, self.labels, self.mean, self.std = processor, list(labels), mean, std

    def __call__(self, samples: list[Sample]) -> Batch:
        # Sorted by length, so that the trainer can cut them into blocks with little padding.
        pairs = sorted(
            ((row, caption) for row, s in enumerate(samples) for caption in s.captions), key=lambda pair: len(pair[1])
        )
        text = self.processor(text=[caption for _, caption in pairs])
        owner = torch.tensor([row for row, _ in pairs])
        most = max(1, max(len(s.regions or ()) for s in samples))
        boxes, labels = torch.zeros(len(samples), most, 4), torch.full((len(samples), most), -1)
        scores, mask = torch.zeros(len(samples), most), torch.zeros(len(samples), most, dtype=torch.bool)
        for row, sample in enumerate(samples):
            for column, region in enumerate(sample.regions or ()):
                boxes[row, column] = torch.tensor(region.box)
                index = label_index(region.label, self.labels)
                labels[row, column] = -1 if index is None else index
                scores[row, column] = region.score
                mask[row, column] = True
        return Batch(
            torch.stack([pixels(s.image, self.mean, self.std) for s in samples]),
            text["input_ids"],
            text["attention_mask"],
            text["word_index"],
            owner,
            boxes,
            labels,
            scores,
            mask,
            torch.tensor([s.regions is not None for s in samples]),
            tuple(s.id for s in samples),
        )


def loader(data: TrainingSet, collate: Collate, batch_size: int, start: int, workers: int) -> DataLoader[Batch]:
    """Batches of the set's current epoch from batch `start` on; a last batch that is not full is dropped."""
    order = data.order()
    batches = [order[i : i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)]
    return DataLoader(
        data,
        batch_sampler=batches[start:],
        collate_fn=collate,
        num_workers=workers,
        # Its own: a loader draws a seed from the global generator, and a resumed run opens one more loader.
        generator=torch.Generator(),
    )
