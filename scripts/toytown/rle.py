"""COCO's compressed run lengths: column after column, starting with the count of zeros.

`counts` is a string as pycocotools writes it: from the third run on the difference to the run before the last one, in groups of
five bits, each a character from "0" on; a sixth bit says that more groups follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def encode(rows: Sequence[Sequence[int]]) -> dict[str, Any]:
    """A picture of zeros and ones, given as rows, -> {"size": [height, width], "counts": [...]}."""
    height, width = len(rows), len(rows[0])
    counts, value, run = [], 0, 0
    for x in range(width):
        for y in range(height):
            if bool(rows[y][x]) != bool(value):
                counts.append(run)
                value, run = 1 - value, 0
            run += 1
    return {"size": [height, width], "counts": compress([*counts, run])}


def compress(counts: Sequence[int]) -> str:
    """Run lengths as a string."""
    text = []
    for place, count in enumerate(counts):
        rest = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            group, rest = rest & 31, rest >> 5
            more = rest != (-1 if group & 16 else 0)
            text.append(chr(48 + group + 32 * more))
    return "".join(text)


def runs(mask: dict[str, Any]) -> list[int]:
    """The run lengths of a mask, from its string; raises ValueError where the string ends in the middle of a number."""
    counts: list[int] = []
    value, bits = 0, 0
    for character in mask["counts"]:
        group = ord(character) - 48
        value |= (group & 31) << bits
        bits += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << bits
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value, bits = 0, 0
    if bits:
        raise ValueError(f"got run lengths that break off after {len(counts)} numbers")
    return counts


def decode(mask: dict[str, Any]) -> list[list[int]]:
    """The inverse of `encode`; raises ValueError where the runs do not fill the picture."""
    height, width = mask["size"]
    flat: list[int] = []
    for k, run in enumerate(runs(mask)):
        flat += [k % 2] * run
    if len(flat) != height * width:
        raise ValueError(f"got runs of {len(flat)} pixels but expected {height} x {width}")
    return [[flat[x * height + y] for x in range(width)] for y in range(height)]


def area(mask: dict[str, Any]) -> int:
    """The number of ones."""
    return sum(runs(mask)[1::2])


def box(mask: dict[str, Any]) -> tuple[float, float, float, float] | None:
    """The normalised XYXY box of the ones, without unpacking the picture; None for an empty mask.

    Raises ValueError where the runs do not fill the picture.
    """
    height, width = mask["size"]
    at, x0, y0, x1, y1 = 0, width, height, -1, -1
    for k, run in enumerate(runs(mask)):
        if k % 2 and run:
            first, last = at, at + run - 1
            x0, x1 = min(x0, first // height), max(x1, last // height)
            whole = first // height != last // height  # the run goes over a column's end, so it touches top and bottom
            y0 = 0 if whole else min(y0, first % height)
            y1 = height - 1 if whole else max(y1, last % height)
        at += run
    if at != height * width:
        raise ValueError(f"got runs of {at} pixels but expected {height} x {width}")
    return (x0 / width, y0 / height, (x1 + 1) / width, (y1 + 1) / height) if x1 >= 0 else None
