"""Local and cross level where they read different things: things, and the background in which they stand (architecture.md,
section 5).

A late interaction over all nodes contains everything that a pooled vector knows, so levels that read the same nodes repeat each
other.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ..types import CONTEXT, ImageGraph, TextGraph
from .nodes import things_of
from .soft_maximum import LN2, NOTHING, soft_maximum


def levels_apart(
    image: ImageGraph,
    text: TextGraph,
    temperature: Float[Tensor, ""],
    cosines: Float[Tensor, "images regions texts words"],
) -> tuple[Float[Tensor, "images texts"], Float[Tensor, "images texts"]]:
    """Local and cross level where they read different things: the local level things alone, as `local_level`; the cross level
    the background in which they stand: the text's global node against the cells of the picture, and words against its cells and
    its global node, weighted by word weights of this level's own; averaged.

    Args:
        cosines: of all nodes.
    """
    assert text.cross_weights is not None
    images, dim, unit = len(image), image.nodes.shape[-1], LN2 * temperature
    things, cells = things_of(image.kinds, image.mask), image.mask & (image.kinds == CONTEXT)
    both = torch.stack([things, cells], 1).to(cosines.dtype)  # (I, 2, R)
    weights = (cosines / unit).exp2()
    terms = weights * cosines
    # Sums over things and over cells as one product: no masked copy of the block is made.
    on, off = (
        (both @ block.flatten(2)).view(images, 2, *text.mask.shape) for block in (terms, weights)
    )  # (I, 2, T, W)
    by_words = (on[:, 0] / off[:, 0].clamp(min=NOTHING) * text.weights).sum(-1)
    if not text.mask.all():
        terms, weights = terms * text.mask, weights * text.mask
    for_regions = terms.sum(3) / weights.sum(3).clamp(min=NOTHING)  # (I, R, T)
    by_regions = (for_regions * (image.weights * things)[:, :, None]).sum(1)

    to_cells = (image.nodes.reshape(-1, dim) @ text.global_node.T).view(*image.nodes.shape[:2], len(text))  # (I, R, T)
    by_cells = soft_maximum(to_cells, cells[:, :, None], temperature, 1)
    whole = (image.global_node @ text.nodes.reshape(-1, dim).T).view(images, *text.mask.shape)  # (I, T, W)
    share = (whole / unit).exp2()
    background = ((on[:, 1] + share * whole) / (off[:, 1] + share) * text.cross_weights).sum(-1)
    return (by_words + by_regions) / 2, (by_cells + background) / 2
