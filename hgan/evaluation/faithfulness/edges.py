"""Edges point: does the pair of regions with the largest edge term of a caption lie on the two things that its words name?

Looked at are the edges between words of two different phrases, each of which names a thing in a known place. Of all their terms
the largest points, at an ordered pair of regions. It hits if the first one lies on what the first word names and the second one
on what the second word names: by an IoU of at least 0.5, or by its centre.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ...data.phrases import GroundedPhrase, hits
from ...model.edge_terms import EdgeTerms
from ...types import TextEdges
from .pointing import percent


@dataclass(frozen=True)
class EdgePointed:
    """Where the largest edge term of one caption points."""

    hit: bool
    iou: bool  # by the overlap of both regions alone
    random: float  # share of the pairs of regions that would be hits, of those that have a term
    possible: bool  # whether any is


def point_edges(
    grounded_phrases: Sequence[GroundedPhrase], terms: EdgeTerms, edges: TextEdges, boxes: Float[Tensor, "regions 4"]
) -> EdgePointed | None:
    """One caption with its own picture; None where it has no edge between two phrases, or the picture no pair of things.

    Args:
        grounded_phrases: the phrases; the first one that has a word counts for it.
        edges: of the caption, a batch of one.
        boxes: of the real regions.
    """
    phrase = {node: n for n, named_phrase in reversed(list(enumerate(grounded_phrases))) for node in named_phrase.words}
    ends = [
        (e, phrase.get(first, -1), phrase.get(second, -1))
        for e, (first, second) in enumerate(zip(edges.first[0].tolist(), edges.second[0].tolist(), strict=True))
        if edges.mask[0, e]
    ]
    ends = [(e, i, j) for e, i, j in ends if i >= 0 and j >= 0 and i != j]
    pairs = terms.total.abs().sum(0) > 0  # of things
    if not ends or not pairs.any():
        return None
    on = [
        hits(boxes, named_phrase.boxes) for named_phrase in grounded_phrases
    ]  # each by overlap or centre, and by overlap alone
    right = torch.stack([torch.stack([on[i][way][:, None] & on[j][way] for way in (0, 1)]) for _, i, j in ends])
    values = terms.total[[e for e, _, _ in ends]].masked_fill(~pairs, -torch.inf)
    best = int(values.flatten().argmax())
    hit, iou = right.transpose(0, 1).flatten(1)[:, best].tolist()
    possible = right[:, 0][:, pairs]
    return EdgePointed(hit, iou, possible.float().mean().item(), bool(possible.any()))


def summarise(pointed: Iterable[EdgePointed]) -> dict[str, Any]:
    """Shares in percent over captions: of hits, and what to compare them with (a random pair, the best choice there is)."""
    rows = list(pointed)
    return {
        "captions": len(rows),
        "share": percent(row.hit for row in rows),
        "share_iou": percent(row.iou for row in rows),
        "random": percent(row.random for row in rows),
        "ceiling": percent(row.possible for row in rows),
    }
