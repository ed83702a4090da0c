"""Left and right: of two things that a caption sets side by side, words and regions learn which is the left one.

Exchanging "left" and "right" changes a score only once words *and* regions tell sides apart, and as long as neither does, hardly
any gradient leads there: contrast alone left this model at chance. So both are told, in one channel of the shared space, and
the score then has something to compare (this project's addition).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from .data.mirror import has_sides
from .grounding import Naming, hits
from .types import ImageGraph, TextGraph

CHANNEL, SHARPNESS = 0, 20.0  # negative is left; of unit vectors, so that 0.1 there is already a sure answer

Sides = tuple[Naming, Naming]  # what is on the left and what is on the right


def sides_of(caption: str, named: Sequence[Naming]) -> Sides | None:
    """The two things that a caption with a side in it names, by where their boxes are; None where it does not name two."""
    if len(named) != 2 or not has_sides(caption):
        return None
    first, second = sorted(named, key=lambda naming: naming.boxes[:, 0::2].mean().item())
    return first, second


def side_loss(
    image: ImageGraph, text: TextGraph, owner: Int[Tensor, texts], sides: Sequence[Sides | None]
) -> Float[Tensor, ""]:
    """Cross entropy of telling the left thing from the right one by its words, and by the regions on it; 0 where no text has
    sides.

    Args:
        owner: row of the picture of each text.
        sides: of each text.
    """
    said, shown = [], []
    for row, pair in enumerate(sides):
        if pair is None:
            continue
        picture = int(owner[row])
        for naming, right in zip(pair, (0.0, 1.0), strict=True):
            said.append((text.nodes[row, list(naming.words), CHANNEL].mean(), right))
            on = hits(image.boxes[picture].float(), naming.boxes.to(image.boxes.device))[1] & image.mask[picture]
            if on.any():
                shown.append((image.nodes[picture, on, CHANNEL].mean(), right))
    losses = [
        F.binary_cross_entropy_with_logits(
            SHARPNESS * torch.stack([value for value, _ in found]).float(),
            image.nodes.new_tensor([right for _, right in found]),
        )
        for found in (said, shown)
        if found
    ]
    return torch.stack(losses).sum() if losses else image.nodes.new_zeros(())
