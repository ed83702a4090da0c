"""Regions of whole pictures, computed once: for runs in which the region encoder rests (`TrainConfig.frozen_regions`).

They are kept on disk in half precision, a file for so many pictures, so that an interrupted run takes up what is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import ImageOps
from tqdm import tqdm

from ..checkpoint import fingerprint
from ..data.samples import Look
from ..encoding import to_pixels
from ..io.files import atomic
from ..io.images import open_image
from ..io.left_out import LeftOut, log
from ..io.names import written
from ..io.pixels import square
from ..model.hgan import HGANModel
from ..types import Regions, concatenate

CHUNK, BATCH = 256, 32  # pictures a file, and pictures that go through the encoder together


class KnownRegions:
    """Regions of pictures and of mirror images, by path. Pictures that cannot be read are named, and stand in `unread`.

    Args:
        model: whose region encoder is asked, as it is now.
        looks: what is going to be asked for.
        folder: where they are kept; what another model's encoder gave is not taken from there.
        progress: show a progress bar.
    """

    def __init__(self, model: HGANModel, looks: Iterable[Look], folder: Path, progress: bool = True) -> None:
        wanted = list(dict.fromkeys(looks))
        chunks = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
        encoder = fingerprint(model, "regions.")
        parts, read = [], list[Look]()
        for chunk in tqdm(chunks, desc="regions", unit="chunk", disable=not progress):
            said = json.dumps([encoder, [(str(path), _size(path), mirrored) for path, mirrored in chunk]])
            kept = folder / f"{hashlib.sha256(said.encode()).hexdigest()[:24]}.pt"
            if not kept.exists():
                with atomic(kept) as temporary:
                    torch.save(_regions(model, chunk), temporary)
            found = torch.load(kept, weights_only=True)
            unread = set(found.pop("unread", []))
            read += [look for place, look in enumerate(chunk) if place not in unread]
            if found:
                parts.append(Regions(**found))
        if not parts:
            raise ValueError(f"got {len(wanted):,} pictures of which none can be read, but expected some to train on")
        self.rows = {look: row for row, look in enumerate(read)}
        self.unread = {path for path, _ in wanted} - {path for path, _ in read}
        self.regions = concatenate(parts)
        log([LeftOut(written(str(path)), "it cannot be read, and is not trained on") for path in sorted(self.unread)])

    def __call__(self, looks: Sequence[Look]) -> Regions:
        """Regions of these pictures, in float32, cut to the most that one of them has."""
        found = self.regions[torch.tensor([self.rows[look] for look in looks])]
        most = max(1, int(found.mask.sum(1).max()))
        whole = found.image_feature.float()
        cut = found.map(lambda tensor: tensor[:, :most].float() if tensor.is_floating_point() else tensor[:, :most])
        return Regions(**{**vars(cut), "image_feature": whole})


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


@torch.no_grad()
def _regions(model: HGANModel, looks: Sequence[Look]) -> dict[str, Any]:
    """The fields of the `Regions` of pictures that can be read, and the places of the others as "unread"."""
    training = model.training
    model.eval()
    parts, unread = [], list[int]()
    for start in range(0, len(looks), BATCH):
        seen = []
        for place, (path, mirrored) in enumerate(looks[start : start + BATCH], start):
            try:
                picture = open_image(path)
            except (ValueError, OSError):
                unread.append(place)
                continue
            seen.append(square(ImageOps.mirror(picture) if mirrored else picture, model.config.image_size))
        if seen:
            regions, _ = model.encode_regions(to_pixels(seen, model).to(model.device))
            parts.append(regions.to("cpu"))
    model.train(training)
    if not parts:
        return {"unread": unread}
    fields = vars(concatenate(parts))
    halves = {name: fields[name].half() for name in ("features", "image_feature")}
    return {**fields, **halves, "unread": unread}
