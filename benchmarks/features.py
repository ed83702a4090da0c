"""Region and word features of a dataset, extracted once from a checkpoint in half precision and kept on disk.

A chunk of records is a file whose name says what is in it, so that an interrupted extraction goes on where it was, and a
dataset that has grown or changed is extracted again only where it did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm import tqdm

from hgan.data.folder import Record
from hgan.encoding import to_pixels
from hgan.io.files import atomic
from hgan.io.images import open_image
from hgan.model.hgan import HGANModel
from hgan.processing import HGANProcessor
from hgan.types import OBJECT, Regions, Words

CHUNK = 256  # records
PICTURES, SENTENCES = 32, 128  # that go through a tower together


@dataclass(frozen=True)
class Features:
    """Features of n pictures and their c captions, flat: the regions of one picture after those of the one before."""

    region_counts: Int[Tensor, pictures]
    region_features: Float[Tensor, "regions features"]  # half
    boxes: Float[Tensor, "regions 4"]
    kinds: Int[Tensor, regions]
    image_features: Float[Tensor, "pictures features"]  # half
    caption_counts: Int[Tensor, pictures]
    word_counts: Int[Tensor, captions]
    word_features: Float[Tensor, "words hidden"]  # half
    sentence_features: Float[Tensor, "captions hidden"]  # half

    def without_cells(self) -> Features:
        """Detections alone."""
        objects = self.kinds == OBJECT
        image_index = torch.arange(len(self.region_counts)).repeat_interleave(self.region_counts)
        counts = torch.bincount(image_index[objects], minlength=len(self.region_counts))
        kept = {"region_features": self.region_features[objects], "boxes": self.boxes[objects]}
        return Features(**{**vars(self), **kept, "kinds": self.kinds[objects], "region_counts": counts})

    def regions(self, rows: Tensor) -> Regions:
        """The regions of some pictures, padded, in float32."""
        index, mask = _places(self.region_counts, rows)
        nothing = torch.zeros(mask.shape)
        return Regions(
            self.region_features[index].float() * mask[..., None],
            self.boxes[index] * mask[..., None],
            mask,
            self.image_features[rows].float(),
            self.kinds[index].long() * mask,
            nothing.long() - 1,
            nothing,
        )

    def words(self, captions: Tensor) -> Words:
        """The words of some captions, padded, in float32."""
        index, mask = _places(self.word_counts, captions)
        return Words(
            self.word_features[index].float() * mask[..., None], mask, self.sentence_features[captions].float()
        )


def join(parts: Sequence[Features]) -> Features:
    """Pictures of all parts, one part after the other."""
    return Features(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Features)})


def extract(
    model: HGANModel, processor: HGANProcessor, model_sha256: str, records: Sequence[Record], cache: Path
) -> Features:
    """Features of records with captions, from the cache as far as they are there.

    Args:
        model: in eval mode.
        model_sha256: `hgan.checkpoint.fingerprint` of it.
        cache: folder; the model has one of its own in it.
    """
    parts = []
    starts = range(0, len(records), CHUNK)
    for start in tqdm(starts, desc="features", unit="chunk"):
        chunk = records[start : start + CHUNK]
        said = json.dumps([[r.id, r.path.stat().st_size, r.captions] for r in chunk]).encode()
        path = cache / model_sha256[:12] / f"{hashlib.sha256(said).hexdigest()[:24]}.pt"
        if not path.exists():
            features = _of_chunk(model, processor, chunk)
            with atomic(path) as temporary:
                torch.save(vars(features), temporary)
        parts.append(Features(**torch.load(path, weights_only=True)))
    return join(parts)


@torch.no_grad()
def _of_chunk(model: HGANModel, processor: HGANProcessor, records: Sequence[Record]) -> Features:
    found = []
    for start in range(0, len(records), PICTURES):
        pictures = [open_image(record.path) for record in records[start : start + PICTURES]]
        regions, _ = model.encode_regions(to_pixels(pictures, model).to(model.device))
        found.append(regions.to("cpu"))
    texts = [caption for record in records for caption in record.captions]
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    words: list[Tensor] = [torch.empty(0)] * len(texts)
    sentences: list[Tensor] = [torch.empty(0)] * len(texts)
    for start in range(0, len(order), SENTENCES):
        chosen = order[start : start + SENTENCES]
        read = model.encode_words(**processor(text=[texts[n] for n in chosen]).to(model.device)).to("cpu")
        for n, row, mask, sentence in zip(chosen, read.features, read.mask, read.sentence_feature, strict=True):
            words[n], sentences[n] = row[mask].half(), sentence.half()
    return Features(
        region_counts=torch.cat([r.mask.sum(1) for r in found]),
        region_features=torch.cat([r.features[r.mask] for r in found]).half(),
        boxes=torch.cat([r.boxes[r.mask] for r in found]),
        kinds=torch.cat([r.kinds[r.mask] for r in found]).to(torch.int8),
        image_features=torch.cat([r.image_feature for r in found]).half(),
        caption_counts=torch.tensor([len(record.captions) for record in records]),
        word_counts=torch.tensor([len(row) for row in words]),
        word_features=torch.cat(words),
        sentence_features=torch.stack(sentences),
    )


def _places(counts: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Where the nodes of some rows lie in the flat arrays, padded with place 0, and which of them are real."""
    start = counts.cumsum(0) - counts
    most = max(1, int(counts[rows].max()))
    mask = torch.arange(most) < counts[rows, None]
    return (start[rows, None] + torch.arange(most)) * mask, mask
