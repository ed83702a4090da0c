"""Level weights chosen on dev sets: training learns weights that lower its loss, and what ranks best is another question."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from ..model.hgan import HGANModel
from ..model.similarity import weighted_sum
from ..types import LEVELS
from .evaluate import Scored
from .metrics import retrieval_metrics

STEPS = 10  # the grid: weights are multiples of 1 / STEPS, none of them 0, for a level without weight explains nothing


@dataclass(frozen=True)
class Weighed:
    """Level weights, in the order of LEVELS, and the rsum that each dataset has with them."""

    weights: tuple[float, ...]
    rsums: tuple[float, ...]

    @property
    def mean(self) -> float:
        """What weights are chosen by."""
        return sum(self.rsums) / len(self.rsums)


def weigh(scored: Sequence[Scored], progress: bool = False) -> list[Weighed]:
    """All level weights of the grid, the best mean rsum first; of equals the more even ones.

    Args:
        scored: dev sets, each counting the same.
    """
    found = []
    for weights in tqdm(list(_grid()), desc="weigh", unit="weights", disable=not progress):
        rsums = []
        for one in scored:
            score = weighted_sum(one.table.levels, weights)
            rsums.append(retrieval_metrics(score, one.image_index, one.truth).rsum)
        found.append(Weighed(weights, tuple(rsums)))
    return sorted(found, key=lambda w: (-round(w.mean, 6), sum(x * x for x in w.weights)))


def set_level_weights(model: HGANModel, weights: Sequence[float]) -> None:
    """Gives a model these level weights; a weight of 0 becomes one of a thousandth, which training can still move.

    Raises:
        ValueError: not one weight of 0 or more for each level, or nothing but zeros.
    """
    if len(weights) != len(LEVELS) or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError(f"got level weights {tuple(weights)}, but expected {len(LEVELS)} of 0 or more, not all 0")
    logits = torch.tensor([math.log(max(weight / sum(weights), 1e-3)) for weight in weights])
    with torch.no_grad():
        model.level_logits.copy_(logits)


def _grid() -> Iterator[tuple[float, ...]]:
    for first in range(1, STEPS - 1):
        for second in range(1, STEPS - first):
            yield first / STEPS, second / STEPS, (STEPS - first - second) / STEPS
