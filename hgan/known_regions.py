"""Regions of whole pictures, computed once: for runs in which the region encoder rests (`TrainConfig.frozen_regions`).

They are kept on disk in half precision, a file for so many pictures, so that an interrupted run takes up what is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from PIL import ImageOps
from tqdm import tqdm

from .build import fingerprint
from .data.batches import Look
from .encoding import to_pixels
from .files import atomic
from .images import open_image
from .model.hgan import HGANModel
from .types import Regions, concatenate

CHUNK, BATCH = 256, 32  # pictures a file, and pictures that go through the encoder together


class KnownRegions:
    """Regions of pictures and of mirror images, by path.

    Args:
        model: whose region encoder is asked, as it is now.
        looks: what is going to be asked for.
        folder: where they are kept; what another model's encoder gave is not taken from there.
        progress: show a progress bar.
    """

    def __init__(self, model: HGANModel, looks: Iterable[Look], folder: Path, progress: bool = True) -> None:
        wanted = list(dict.fromkeys(looks))
        self.rows = {look: row for row, look in enumerate(wanted)}
        chunks = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
        encoder = fingerprint(model, "regions.")
        parts = []
        for chunk in tqdm(chunks, desc="regions", unit="chunk", disable=not progress):
            said = json.dumps([encoder, [(str(path), path.stat().st_size, mirrored) for path, mirrored in chunk]])
            kept = folder / f"{hashlib.sha256(said.encode()).hexdigest()[:24]}.pt"
            if not kept.exists():
                with atomic(kept) as temporary:
                    torch.save(vars(_regions(model, chunk)), temporary)
            parts.append(Regions(**torch.load(kept, weights_only=True)))
        self.regions = concatenate(parts)

    def __call__(self, looks: Sequence[Look]) -> Regions:
        """Regions of these pictures, in float32, cut to the most that one of them has."""
        found = self.regions[torch.tensor([self.rows[look] for look in looks])]
        most = max(1, int(found.mask.sum(1).max()))
        whole = found.image_feature.float()
        cut = found.map(lambda tensor: tensor[:, :most].float() if tensor.is_floating_point() else tensor[:, :most])
        return Regions(**{**vars(cut), "image_feature": whole})


@torch.no_grad()
def _regions(model: HGANModel, looks: Sequence[Look]) -> Regions:
    training = model.training
    model.eval()
    parts = []
    for start in range(0, len(looks), BATCH):
        pictures = [(open_image(path), mirrored) for path, mirrored in looks[start : start + BATCH]]
        seen = [ImageOps.mirror(picture) if mirrored else picture for picture, mirrored in pictures]
        regions, _ = model.encode_regions(to_pixels(seen, model).to(model.device))
        parts.append(regions.to("cpu"))
    model.train(training)
    joined = concatenate(parts)
    return Regions(**{**vars(joined), "features": joined.features.half(), "image_feature": joined.image_feature.half()})
