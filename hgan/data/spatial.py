"""Sides: of two things that a caption sets side by side, words and regions learn which is left and which right, which is
behind and which in front.

Exchanging "left" and "right" changes a score only once words *and* regions tell sides apart, and as long as neither does, hardly
any gradient leads there: contrast alone left this model at chance. So both are told, in one channel of the shared space for
each pair of sides, and the score then has something to compare (this project's addition).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..types import ImageGraph, TextGraph
from .mirror import has_sides
from .phrases import Naming, hits

ACROSS, DEEP = 0, 1  # channels: negative is left, or behind
SHARPNESS = 20.0  # of unit vectors, so that 0.1 in a channel is already a sure answer
_DEPTH = re.compile(r"\b(in front of|behind)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Side:
    """Two things and the channel that tells them apart."""

    channel: int
    low: Naming  # left, or behind
    high: Naming  # right, or in front


def sides_of(caption: str, named: Sequence[Naming]) -> tuple[Side, ...]:
    """What a caption with sides in it says of the two things that it names, by where their boxes are. Nothing where it does not
    name two.

    The one in front has the lower edge further down: in 95 % of Toy Town's relations, as tests/scripts/test_toytown.py counts.
    """
    if len(named) != 2:
        return ()
    found = []
    if has_sides(caption):
        found.append(Side(ACROSS, *sorted(named, key=lambda naming: naming.boxes[:, 0::2].mean().item())))
    if _DEPTH.search(caption):
        found.append(Side(DEEP, *sorted(named, key=lambda naming: naming.boxes[:, 3].mean().item())))
    return tuple(found)


def side_loss(
    image: ImageGraph, text: TextGraph, owner: Int[Tensor, texts], sides: Sequence[Sequence[Side]]
) -> Float[Tensor, ""]:
    """Cross entropy of telling two things apart by their words, and by the regions on them; 0 where no text has sides.

    Args:
        owner: row of the picture of each text.
        sides: of each text.
    """
    said, shown = [], []
    for row, own in enumerate(sides):
        picture = int(owner[row])
        for side in own:
            for naming, high in ((side.low, 0.0), (side.high, 1.0)):
                said.append((text.nodes[row, list(naming.words), side.channel].mean(), high))
                on = hits(image.boxes[picture].float(), naming.boxes.to(image.boxes.device))[1] & image.mask[picture]
                if on.any():
                    shown.append((image.nodes[picture, on, side.channel].mean(), high))
    losses = [
        F.binary_cross_entropy_with_logits(
            SHARPNESS * torch.stack([value for value, _ in found]).float(),
            image.nodes.new_tensor([high for _, high in found]),
        )
        for found in (said, shown)
        if found
    ]
    return torch.stack(losses).sum() if losses else image.nodes.new_zeros(())
