"""Pictures of a training run, decoded once and kept as one tensor, and what is seen of them, cut on the device."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from tqdm import tqdm

from ..io.images import open_image
from ..io.left_out import LeftOut, log
from ..io.names import written
from ..io.pixels import square

_GREY = (0.299, 0.587, 0.114)  # luminance of RGB (ITU-R 601, as Pillow has it)
BLOCK = 64  # pictures that a decoding thread is given at a time


class Pictures:
    """Squares of `size` pixels of every picture, on a device: 200 kB a picture at 256 pixels.

    Args:
        paths: of pictures; each is decoded once. Those that cannot be read are logged, and stand in `unread`.
        size: side of the squares, which is what the model is shown of a whole picture.
        device: where they are kept.
        progress: show a progress bar.

    Raises:
        ValueError: not one can be read.
    """

    def __init__(self, paths: Iterable[Path], size: int, device: torch.device, progress: bool = True) -> None:
        wanted = list(dict.fromkeys(paths))
        self.unread: set[Path] = set()
        self.rows: dict[Path, int] = {}
        kept = np.empty((len(wanted), size, size, 3), np.uint8)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            decoded = pool.map(partial(_decode, size=size), wanted, chunksize=BLOCK)
            bar = tqdm(decoded, desc="decoding", total=len(wanted), unit="picture", disable=not progress)
            for path, found in zip(wanted, bar, strict=True):
                if isinstance(found, str):
                    self.unread.add(path)
                    log([LeftOut(written(str(path)), f"{found}; it is not trained on")])
                else:
                    kept[len(self.rows)] = found
                    self.rows[path] = len(self.rows)
        if not self.rows:
            raise ValueError(f"got {len(wanted):,} pictures of which none can be read, but expected some to train on")
        self.pixels: UInt8[Tensor, "pictures 3 size size"] = (
            torch.from_numpy(kept[: len(self.rows)]).permute(0, 3, 1, 2).contiguous().to(device)
        )

    def __call__(
        self,
        paths: Iterable[Path],
        windows: Float[Tensor, "batch 4"],
        mirror: Bool[Tensor, batch],
        light: Float[Tensor, "batch 2"],
    ) -> Float[Tensor, "batch 3 size size"]:
        """What is seen of pictures: a window of each, perhaps mirrored, brighter, or with more contrast; values in [0, 1]."""
        rows = torch.tensor([self.rows[path] for path in paths]).to(self.pixels.device, non_blocking=True)
        return view(self.pixels[rows], windows, mirror, light)


def view(
    pixels: UInt8[Tensor, "batch 3 size size"],
    windows: Float[Tensor, "batch 4"],
    mirror: Bool[Tensor, batch],
    light: Float[Tensor, "batch 2"],
) -> Float[Tensor, "batch 3 size size"]:
    """Crops, mirrors and relights a batch on its device.

    Args:
        pixels: whole pictures.
        windows: normalised XYXY of what is seen of each.
        mirror: which are seen mirrored, after the crop.
        light: factors of brightness, then of contrast (as Pillow's ImageEnhance).

    Returns:
        Values in [0, 1], on the pixels' device.
    """
    device, size = pixels.device, pixels.shape[-1]
    windows, light = windows.to(device, non_blocking=True), light.to(device, non_blocking=True)
    low, high = windows[:, :2], windows[:, 2:]
    scale, shift = high - low, low + high - 1  # grid_sample's coordinates run from -1 to 1
    flip = torch.where(mirror.to(device, non_blocking=True), -1.0, 1.0)
    steps = (torch.arange(size, device=device) * 2 + 1) / size - 1
    x = steps * (scale[:, 0] * flip)[:, None] + shift[:, 0, None]  # (B, S)
    y = steps * scale[:, 1, None] + shift[:, 1, None]
    grid = torch.stack([x[:, None].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], -1)
    seen = F.grid_sample(pixels.float() / 255, grid, padding_mode="border", align_corners=False)
    bright, contrast = light[:, :1, None, None], light[:, 1:, None, None]
    seen = (seen * bright).clamp(0, 1)
    grey = (seen * seen.new_tensor(_GREY)[:, None, None]).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    return (grey + (seen - grey) * contrast).clamp(0, 1)


def _decode(path: Path, size: int) -> np.ndarray | str:
    """A picture as a square of RGB, or why it cannot be read."""
    try:
        return np.asarray(square(open_image(path), size), np.uint8)
    except (ValueError, OSError) as error:
        return written(str(error))
