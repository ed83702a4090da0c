"""Sides: which of two things that a caption sets side by side is left and which right, which behind and which in front."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .mirror import has_sides
from .phrases import GroundedPhrase

ACROSS, DEEP = 0, 1  # channels: negative is left, or behind
_DEPTH = re.compile(r"\b(in front of|behind)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Side:
    """Two things and the channel that tells them apart."""

    channel: int
    low: int  # which of the caption's grounded phrases is left, or behind
    high: int  # right, or in front


def sides_of(caption: str, named: Sequence[GroundedPhrase]) -> tuple[Side, ...]:
    """What a caption with sides in it says of the two things that it names, by where their boxes are. Nothing where it does not
    name two.

    The one in front has the lower edge further down: in 95 % of Toy Town's relations, as tests/scripts/test_toytown.py counts.
    """
    if len(named) != 2:
        return ()
    found = []
    if has_sides(caption):
        middles = [named_phrase.boxes[:, 0::2].mean().item() for named_phrase in named]
        found.append(Side(ACROSS, *sorted((0, 1), key=middles.__getitem__)))
    if _DEPTH.search(caption):
        edges = [named_phrase.boxes[:, 3].mean().item() for named_phrase in named]
        found.append(Side(DEEP, *sorted((0, 1), key=edges.__getitem__)))
    return tuple(found)
