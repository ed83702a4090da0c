"""Retrieval metrics: what is true of what, ranks, recalls. The one implementation for evaluation, tags and Error analysis.

Tables are images (rows) x texts (columns), larger is better; ties count against the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.record import CaptionFact


@dataclass(frozen=True)
class Recall:
    """One direction. Recalls in percent; `medr` is the median rank, counted from 1."""

    r1: float
    r5: float
    r10: float
    medr: float

    @property
    def sum(self) -> float:
        """R@1 + R@5 + R@10."""
        return self.r1 + self.r5 + self.r10


@dataclass(frozen=True)
class RetrievalMetrics:
    """Both directions; `rsum` is the sum of the six recalls (at most 600)."""

    image_to_text: Recall
    text_to_image: Recall

    @property
    def rsum(self) -> float:
        """Sum of the six recalls."""
        return self.image_to_text.sum + self.text_to_image.sum

    def to_json(self) -> dict[str, object]:
        """As plain data, with rsum."""
        return {**asdict(self), "rsum": self.rsum}


class Described(Protocol):
    """A picture with captions: a record of a dataset, or an item of a gallery."""

    @property
    def id(self) -> str: ...

    @property
    def captions(self) -> tuple[str, ...]: ...

    @property
    def facts(self) -> tuple[CaptionFact, ...] | None: ...


def image_indices(pictures: Sequence[Described]) -> Int[Tensor, texts]:
    """The row of the picture that each caption was written for, captions in the order of their pictures."""
    return torch.tensor([row for row, picture in enumerate(pictures) for _ in picture.captions], dtype=torch.long)


def tags_of(pictures: Sequence[Described]) -> list[str | None]:
    """What kind of caption each one is; None where that is not known."""
    return [None if fact is None else fact.tag for fact in _facts_of(pictures)]


def truth_of(pictures: Sequence[Described]) -> Bool[Tensor, "images texts"]:
    """Which captions are true of which pictures: each of its own picture, and where facts are known, of the others they name."""
    truth = own_pairs(image_indices(pictures), len(pictures))
    row_of = {picture.id: row for row, picture in enumerate(pictures)}
    for column, fact in enumerate(_facts_of(pictures)):
        if fact is not None:
            truth[[row_of[id_] for id_ in fact.true_of if id_ in row_of], column] = True
    return truth


def _facts_of(pictures: Sequence[Described]) -> list[CaptionFact | None]:
    return [fact for picture in pictures for fact in picture.facts or [None] * len(picture.captions)]


def own_pairs(image_index: Int[Tensor, texts], images: int) -> Bool[Tensor, "images texts"]:
    """The truth where each text is true of one picture."""
    return image_index[None, :] == torch.arange(images, device=image_index.device)[:, None]


@dataclass(frozen=True)
class Places:
    """Where the truth of each query stands. Queries without any true answer have rank 0."""

    rank: Int[Tensor, queries]  # of the best true answer, from 1; ties count against it
    truth: Int[Tensor, queries]  # that answer
    wrong: Int[Tensor, queries]  # the best wrong answer; -1 where every answer is true


def places(table: Float[Tensor, "queries answers"], truth: Bool[Tensor, "queries answers"]) -> Places:
    """Where the best true answer of each query stands among the wrong ones."""
    wrong = table.masked_fill(truth, float("-inf")).argmax(1).masked_fill(truth.all(1), -1)
    return Places(ranks(table, truth), table.masked_fill(~truth, float("-inf")).argmax(1), wrong)


def ranks(table: Float[Tensor, "queries answers"], truth: Bool[Tensor, "queries answers"]) -> Int[Tensor, queries]:
    """Rank of the best true answer among the wrong ones, from 1; 0 for a query without a true answer."""
    best = table.masked_fill(~truth, float("-inf")).amax(1, keepdim=True)
    return (((table >= best) & ~truth).sum(1) + 1) * truth.any(1)


def text_to_image_ranks(
    table: Float[Tensor, "images texts"],
    image_index: Int[Tensor, texts],
    truth: Bool[Tensor, "images texts"] | None = None,
) -> Int[Tensor, texts]:
    """Rank of the true picture of each text, from 1.

    Args:
        truth: where a text may be true of several pictures; the best of them counts.
    """
    return ranks(table.T, (own_pairs(image_index, len(table)) if truth is None else truth).T)


def image_to_text_ranks(
    table: Float[Tensor, "images texts"],
    image_index: Int[Tensor, texts],
    truth: Bool[Tensor, "images texts"] | None = None,
) -> Int[Tensor, images]:
    """Rank of the best of each picture's true texts, from 1; 0 for a picture without texts, which has no rank.

    Only texts that are not true of it stand before it.
    """
    return ranks(table, own_pairs(image_index, len(table)) if truth is None else truth)


def recall(ranks: Int[Tensor, queries]) -> Recall:
    """Recalls and median of ranks; queries of rank 0 are left out.

    Raises:
        ValueError: if no query has a rank.
    """
    ranks = ranks[ranks > 0]
    if not len(ranks):
        raise ValueError("got no query with a known truth, but expected at least one")
    r1, r5, r10 = (100.0 * int((ranks <= k).sum()) / len(ranks) for k in (1, 5, 10))
    return Recall(r1, r5, r10, ranks.float().quantile(0.5).item())


def retrieval_metrics(
    table: Float[Tensor, "images texts"],
    image_index: Int[Tensor, texts],
    truth: Bool[Tensor, "images texts"] | None = None,
) -> RetrievalMetrics:
    """Both directions of a score table.

    Args:
        table: scores of every image with every text.
        image_index: row of the picture that each text describes.
        truth: which texts are true of which pictures, where that is more than each text's own.

    Raises:
        ValueError: if shapes do not fit, or a score is not a number.
    """
    rows = image_index.tolist()
    if table.dim() != 2 or not rows or table.shape[1] != len(rows) or min(rows) < 0 or max(rows) >= len(table):
        raise ValueError(
            f"got a table of shape {tuple(table.shape)} and {len(rows)} records up to row {max(rows, default=-1)}, but expected "
            "(images, texts) and one row a record"
        )
    if table.isnan().any():  # no comparison holds for it, so it would rank first
        raise ValueError(f"got {int(table.isnan().sum())} scores that are not a number, but expected numbers")
    return RetrievalMetrics(
        recall(image_to_text_ranks(table, image_index, truth)), recall(text_to_image_ranks(table, image_index, truth))
    )
