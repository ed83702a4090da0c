"""The one way from a picture to the numbers the model takes: for the processor, the encoder, training and every page.

Whatever comes in becomes an upright 8-bit RGB picture, is resized to a square without keeping its aspect (bilinear), and
scaled: (value / 255 - mean) / std.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from .depth import grey_to_rgb
from .images import MAX_PIXELS, open_image, upright

RESAMPLE = Image.Resampling.BILINEAR
Picture = str | Path | bytes | Image.Image | np.ndarray | Tensor
_CHANNELS = (1, 3, 4)
_TAKEN = (
    "a file, its bytes, a PIL picture, or an array or tensor of shape (height, width), (height, width, channels) or "
    "(channels, height, width) with 1, 3 or 4 channels, as uint8 or as floats from 0 to 1"
)


def as_picture(source: Picture, name: str | None = None) -> Image.Image:
    """An upright 8-bit RGB picture of whatever is given.

    Args:
        source: a file or its bytes; a PIL picture, turned by its EXIF note as a file is; a numpy array or a tensor, grey
            (H, W), or with 1, 3 or 4 channels that stand last or first. Where both can be, they stand last in an array and
            first in a tensor. Values are uint8, bool, uint16 (see `hgan.io.depth`), other integers from 0 to 255, or floats
            from 0 to 1. A fourth channel is alpha over white.
        name: what to call it in an error.

    Raises:
        ValueError: anything else; a picture that cannot be read.
    """
    if isinstance(source, Image.Image):
        return upright(source, name or "the picture")
    if isinstance(source, str | Path | bytes):
        return open_image(source, name)
    first, what = isinstance(source, Tensor), ""
    if isinstance(source, Tensor):
        what = f"{source.layout} on {source.device}"
        try:
            source = source.detach().cpu()
            source = (source.float() if source.is_floating_point() else source).numpy()
        except (RuntimeError, TypeError, NotImplementedError):  # sparse, quantised, or without numbers
            raise ValueError(f"got a tensor that does not hold plain numbers ({what}), but expected {_TAKEN}") from None
    if not isinstance(source, np.ndarray):
        raise ValueError(f"got {type(source).__name__}, but expected {_TAKEN}")
    what = f"{name + ': ' if name else ''}got {'tensor' if first else 'ndarray'} of shape {source.shape}"
    return _of_array(source, first, what)


def _of_array(array: np.ndarray, channels_first: bool, what: str) -> Image.Image:
    if array.ndim == 3:
        places = [place for place in ((0, 2) if channels_first else (2, 0)) if array.shape[place] in _CHANNELS]
        if not places:
            raise ValueError(f"{what}, but expected {_TAKEN}")
        array = np.moveaxis(array, places[0], 2)
        array = array[..., 0] if array.shape[2] == 1 else array
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(f"{what}, but expected {_TAKEN}")
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise ValueError(f"{what}, but expected at most {MAX_PIXELS:,} pixels in all")
    if array.dtype == np.uint16 and array.ndim == 2:
        return grey_to_rgb(Image.fromarray(np.ascontiguousarray(array)))
    return upright(Image.fromarray(np.ascontiguousarray(_eight_bits(array, what))))


def _eight_bits(array: np.ndarray, what: str) -> np.ndarray:
    """Values as uint8."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{what} and type {array.dtype}, but expected uint8, or floats from 0 to 1")
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "f":
        if not (low >= 0 and high <= 1 + 1e-6):  # NaN fails too
            raise ValueError(
                f"{what} and floats from {low:.4g} to {high:.4g}, but expected floats from 0 to 1: scale them, or pass "
                "normalised pixels to the model as pixel_values"
            )
        return (array.astype(np.float32) * 255).round().clip(0, 255).astype(np.uint8)
    if array.dtype == np.uint16 and high > 255:
        return (array // 257).astype(np.uint8)
    if low < 0 or high > 255:
        raise ValueError(f"{what} and values from {low:.4g} to {high:.4g}, but expected whole numbers from 0 to 255")
    return array.astype(np.uint8)


def as_list(pictures: Any) -> list[Picture]:
    """One picture, or several (a batch as one array or tensor of four dimensions too), as a list.

    Raises:
        ValueError: none, or something that holds no pictures.
    """
    if isinstance(pictures, np.ndarray | Tensor):
        pictures = list(pictures) if pictures.ndim == 4 else [pictures]
    elif isinstance(pictures, str | Path | bytes | Image.Image):
        pictures = [pictures]
    elif isinstance(pictures, bytearray | memoryview):
        pictures = [bytes(pictures)]
    elif isinstance(pictures, dict) or hasattr(pictures, "read") or not isinstance(pictures, Iterable):
        raise ValueError(f"got {type(pictures).__name__}, but expected {_TAKEN}, or a list of these")
    found = list(pictures)
    if not found:
        raise ValueError("got no pictures, but expected at least one")
    return found


def square(image: Image.Image, size: int, box: tuple[float, float, float, float] | None = None) -> Image.Image:
    """An RGB picture, or what of it lies in `box` (XYXY pixels), as the square of `size` pixels that the model takes."""
    return image.resize((size, size), RESAMPLE, box=box)


def pixels(image: Image.Image, mean: float, std: float) -> Float[Tensor, "3 height width"]:
    """An RGB picture as normalised pixels, channels first."""
    array = torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1)
    return (array.float() / 255 - mean) / std


def pixel_values(pictures: Any, size: int, mean: float, std: float) -> Float[Tensor, "batch 3 size size"]:
    """Pictures of any kind that `as_picture` takes, as the model takes them; one at a time, so that large ones do not add up.

    Raises:
        ValueError: as `as_picture`; no picture.
    """
    listed = as_list(pictures)
    names = [f"picture {n} of {len(listed)}" if len(listed) > 1 else None for n in range(1, len(listed) + 1)]
    return torch.stack(
        [
            pixels(square(as_picture(p, None if isinstance(p, str | Path) else name), size), mean, std)
            for p, name in zip(listed, names, strict=True)
        ]
    )
