"""Pointing: does the region that the words of an object have their largest term with lie on the object?

The term of some words with a region is the sum, over these words, of what an explanation lists for a word and a region: both
directions of the local level (`local_terms` in `hgan.retrieval.explain`). The region with the largest sum points. It hits if its
IoU with a box of the named things is at least 0.5, or if its centre lies inside one; with several things any of them counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ...data.phrases import GroundedPhrase, hits
from ...model.boxes import area
from ...types import OBJECT

REGION_SETS = ("all", "objects")  # context cells among them, or detections alone


@dataclass(frozen=True)
class Pointed:
    """What one phrase points at, for one set of regions."""

    hit: bool
    iou: bool  # by its overlap alone
    random: float  # share of all regions of the set that would be hits
    largest: bool  # whether the largest region is one
    possible: bool  # whether any is


def point(
    named_phrase: GroundedPhrase,
    terms: Float[Tensor, "words regions"],
    boxes: Float[Tensor, "regions 4"],
    kinds: Int[Tensor, regions],
) -> dict[str, Pointed]:
    """One phrase against both sets of regions; a picture without detections is a miss for "objects"."""
    on, overlap = hits(boxes, named_phrase.boxes)
    sums = terms[list(named_phrase.words)].sum(0)
    result = {}
    for name in REGION_SETS:
        rows = torch.arange(len(boxes)) if name == "all" else (kinds == OBJECT).nonzero()[:, 0]
        if not len(rows):
            result[name] = Pointed(False, False, 0.0, False, False)
            continue
        best, largest = rows[sums[rows].argmax()], rows[area(boxes[rows]).argmax()]
        result[name] = Pointed(
            bool(on[best]), bool(overlap[best]), on[rows].float().mean().item(), bool(on[largest]), bool(on[rows].any())
        )
    return result


def summarise(pointed: Iterable[tuple[str, dict[str, Pointed]]]) -> dict[str, Any]:
    """Shares in percent over phrases (kind, what it points at).

    Returns:
        `mentions`; `regions`: for each set the `share` of hits, `share_iou` by overlap alone, and what to hold them against: a
        `random` region, the `largest` region, the `ceiling` of a perfect choice; `kinds`: mentions and share for each set.
    """
    rows = list(pointed)
    kinds: dict[str, list[dict[str, Pointed]]] = defaultdict(list)
    for kind, row in rows:
        kinds[kind].append(row)
    return {
        "mentions": len(rows),
        "regions": {name: _shares([row[name] for _, row in rows]) for name in REGION_SETS},
        "kinds": {
            kind: {"mentions": len(of_kind), **{n: percent(row[n].hit for row in of_kind) for n in REGION_SETS}}
            for kind, of_kind in sorted(kinds.items(), key=lambda entry: -len(entry[1]))
        },
    }


def _shares(rows: list[Pointed]) -> dict[str, float | None]:
    return {
        "share": percent(row.hit for row in rows),
        "share_iou": percent(row.iou for row in rows),
        "random": percent(row.random for row in rows),
        "largest": percent(row.largest for row in rows),
        "ceiling": percent(row.possible for row in rows),
    }


def percent(values: Iterable[float]) -> float | None:
    """The mean in percent; None of nothing."""
    listed = list(values)
    return 100 * sum(listed) / len(listed) if listed else None
