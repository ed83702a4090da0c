"""Pictures of more than 8 bits a sample, made 8 bits: grey of 10 to 32 bits, signed or not, and floating point.

What is white is said by the file where it says so (BitsPerSample and MaxSampleValue of a TIFF, sBIT of a PNG); else the
largest value decides:

integers   the fewest of 8, 10, 12, 14, 16 bits that hold it; the largest value itself beyond 16 bits
floats     1 for values up to 1; the largest value for values up to 16; from there on as integers
negatives  the smallest value is black and the largest is white

What is no number is black. All of it is done in blocks of lines, so that it takes little memory besides the picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image

from .memory import _first, _numbers

_BLOCK = 1 << 18  # pixels that are worked on at a time
_DEPTHS = (8, 10, 12, 14, 16)
_DARK = 16.0  # floats up to this are no 8-bit values


@dataclass(frozen=True)
class Depth:
    """What a file says of its samples; None where it says nothing."""

    bits: int | None = None  # that matter
    white: int | None = None  # the largest value there can be
    signed: bool = False
    inverted: bool = False  # 0 is white
    deep: bool = False  # 16 bits a colour, of which Pillow keeps the upper 8


PLAIN = Depth()


def depth_of(image: Image.Image, file: BinaryIO) -> Depth:
    """What the header of an opened picture says of its samples; `file` is left where it was."""
    deep = any(";16" in str(tile) for tile in getattr(image, "tile", ())) and image.mode in (
        "RGB",
        "RGBA",
        "LA",
        "RGBX",
    )
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        bits, most = _first(tags, 258), _numbers(tags, 281)
        signed = _first(tags, 339) == 2
        grey = image.mode.startswith("I") or image.mode == "F"
        return Depth(
            bits if 8 < bits < 16 else 15 if signed and bits == 16 else None,
            most[0] if most else None,
            signed,
            grey and _numbers(tags, 262) == [0],
            deep,
        )
    if image.format == "PNG" and image.mode.startswith("I"):
        return Depth(_significant_bits(file), deep=deep)
    return Depth(deep=deep)


def _significant_bits(file: BinaryIO) -> int | None:
    """The sBIT chunk of a PNG, which stands before its pixels."""
    before = file.tell()
    try:
        file.seek(8)
        for _ in range(64):
            head = file.read(8)
            if len(head) < 8 or head[4:] == b"IDAT":
                return None
            (length,) = struct.unpack(">I", head[:4])
            if head[4:] == b"sBIT":
                return max(file.read(min(length, 4)), default=None)
            file.seek(length + 4, 1)
        return None
    finally:
        file.seek(before)


def grey_to_rgb(image: Image.Image, depth: Depth = PLAIN) -> Image.Image:
    """An 8-bit RGB picture of a grey one of mode I, I;16 or F."""
    black, white = _ends(*_extremes(image), image.mode == "F", depth)
    rgb = Image.new("RGB", image.size)
    for top, values in _blocks(image):
        with np.errstate(all="ignore"):
            # 65535 / 255 = 257, so that 16 bits are divided by a whole number.
            scaled = np.nan_to_num((values - black) / ((white - black) / 255), nan=0.0, posinf=255, neginf=0)
        eight = scaled.clip(0, 255).astype(np.uint8)
        rgb.paste(Image.fromarray(255 - eight if depth.inverted else eight).convert("RGB"), (0, top))
    return rgb


def _blocks(image: Image.Image) -> Iterator[tuple[int, np.ndarray]]:
    width, height = image.size
    lines = max(1, _BLOCK // max(1, width))
    for top in range(0, height, lines):
        yield top, np.asarray(image.crop((0, top, width, min(height, top + lines)))).astype(np.float64)


def _extremes(image: Image.Image) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for _, values in _blocks(image):
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _ends(low: float, high: float, floating: bool, depth: Depth) -> tuple[float, float]:
    """The values that become 0 and 255."""
    if low < 0:
        return low, high if high > low else low + 1
    if depth.white and depth.white >= high and not floating:
        return 0.0, float(depth.white)
    if floating and high <= _DARK:
        return 0.0, high if high > 1 else 1.0
    if depth.bits and high < 2**depth.bits:
        return 0.0, float(2**depth.bits - 1)
    if depth.bits:
        return 0.0, max(65535.0, high)
    return 0.0, next((2.0**bits - 1 for bits in _DEPTHS if high <= 2**bits - 1), high)


def brightened(image: Image.Image) -> Image.Image:
    """A picture of 16 bits a colour whose values end at 10, 12 or 14 bits, of which Pillow has kept the upper 8 bits of 16."""
    bands = [high for _, high in _pairs(image)]
    colours = bands[:-1] if image.mode in ("RGBA", "LA") else bands
    white = next((2 ** (bits - 8) - 1 for bits in _DEPTHS[1:4] if 0 < max(colours) < 2 ** (bits - 8)), None)
    if white is None:
        return image
    table = [min(255, value * 255 // white) for value in range(256)]
    same = list(range(256))
    return image.point([v for high in bands for v in (table if high <= white else same)])


def _pairs(image: Image.Image) -> list[tuple[int, int]]:
    found = image.getextrema()
    return [found] if len(image.getbands()) == 1 else list(found)  # type: ignore[list-item, arg-type]
