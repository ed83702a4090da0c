"""Error analysis of a score table: metrics, and for every query where its truth stands and which level decided.

Tables are pictures (rows) x captions (columns), as everywhere. A truth table says which caption is true of which picture:
with facts about the captions that can be several pictures, and any of them is a hit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..evaluation.metrics import Recall, RetrievalMetrics, recall
from ..gallery.store import Gallery
from ..model.similarity import SimilarityParameters, join_columns, score_table
from ..types import LEVELS, ImageGraph, Similarity, TextGraph
from .results import QueryRow

MAX_CELLS = 30_000_000  # pictures x captions: four tables of 120 MB
BLOCK = 500  # captions between two reports of progress

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Places:
    """Where the truth of each query stands. Queries without any true answer have rank 0."""

    rank: Int[Tensor, queries]  # of the best true answer, from 1; ties count against it
    truth: Int[Tensor, queries]  # that answer
    wrong: Int[Tensor, queries]  # the best wrong answer; -1 where every answer is true


def truth_of(gallery: Gallery) -> Bool[Tensor, "pictures captions"]:
    """Which captions are true of which pictures: each of its own picture, and where the gallery knows more, of those
    too."""
    truth = torch.zeros(len(gallery.items), len(gallery.caption_keys), dtype=torch.bool)
    for column, key in enumerate(gallery.caption_keys):
        truth[key.row, column] = True
        facts = gallery.items[key.row].facts
        if facts is not None:
            others = [gallery.row_of[id] for id in facts[key.number].true_of if id in gallery.row_of]
            truth[others, column] = True
    return truth


def require_size(pictures: int, captions: int) -> None:
    """Refuses more than MAX_CELLS pairs.

    Raises:
        ValueError: with both numbers.
    """
    if pictures * captions > MAX_CELLS:
        raise ValueError(
            f"got {pictures:,} pictures and {captions:,} captions, but expected at most {MAX_CELLS:,} pairs to analyse"
        )


def scores_of(
    images: ImageGraph, texts: TextGraph, parameters: SimilarityParameters, progress: Progress | None = None
) -> Similarity:
    """The score table of everything with everything, reporting (captions done, captions in all)."""
    # By length, so that a block carries little padding.
    order = texts.mask.sum(1).argsort()
    blocks = []
    for columns in order.split(BLOCK):
        blocks.append(score_table(images, texts[columns], parameters))
        if progress:
            progress(sum(block.score.shape[1] for block in blocks), len(texts))
    table = join_columns(blocks)
    back = order.argsort()
    levels = {name: level[:, back] for name, level in table.levels.items()}
    return Similarity(table.score[:, back], levels, table.weights)


def places(table: Float[Tensor, "queries answers"], truth: Bool[Tensor, "queries answers"]) -> Places:
    """Where the best true answer of each query stands among the wrong ones."""
    best_true = table.masked_fill(~truth, float("-inf"))
    best_wrong = table.masked_fill(truth, float("-inf"))
    top, place = best_true.max(1)
    rank = ((best_wrong >= top[:, None]) & ~truth).sum(1) + 1
    wrong = best_wrong.argmax(1).masked_fill(truth.all(1), -1)
    return Places(rank * truth.any(1), place, wrong)


def metrics_of(table: Similarity, truth: Bool[Tensor, "pictures captions"]) -> dict[str, RetrievalMetrics]:
    """Both directions, for the score and for each level alone."""
    named = {"score": table.score, **{name: table.levels[name] for name in LEVELS}}
    return {
        name: RetrievalMetrics(recall(places(values, truth).rank), recall(places(values.T, truth.T).rank))
        for name, values in named.items()
    }


def rows_of(table: Similarity, truth: Bool[Tensor, "pictures captions"], gallery: Gallery) -> list[QueryRow]:
    """One row a query: captions first, then the pictures that have a caption."""
    captions = [gallery.caption_id(n) for n in range(len(gallery.caption_keys))]
    pictures = [item.id for item in gallery.items]
    tags: list[str | None] = []
    for key in gallery.caption_keys:
        facts = gallery.items[key.row].facts
        tags.append(facts[key.number].tag if facts is not None else None)
    texts = [gallery.caption_text(n) for n in range(len(captions))]
    names = [item.image for item in gallery.items]
    turned = Similarity(table.score.T, {name: level.T for name, level in table.levels.items()}, table.weights)
    return [
        *_rows("text_to_image", turned, truth.T, captions, texts, tags, pictures),
        *_rows("image_to_text", table, truth, pictures, names, [None] * len(pictures), captions),
    ]


def recall_by_tag(rows: Sequence[QueryRow]) -> dict[str, Recall]:
    """Sentence to picture, each kind of caption for itself."""
    tags = sorted({row.tag for row in rows if row.tag is not None})
    return {tag: recall(torch.tensor([row.rank for row in rows if row.tag == tag])) for tag in tags}


def _rows(
    direction: Literal["text_to_image", "image_to_text"],
    table: Similarity,
    truth: Bool[Tensor, "queries answers"],
    ids: Sequence[str],
    labels: Sequence[str],
    tags: Sequence[str | None],
    answers: Sequence[str],
) -> list[QueryRow]:
    found = places(table.score, truth)
    query = torch.arange(len(ids))
    # What each level brings for the truth over the best wrong answer: what it is short of decides who lost the query.
    gaps = torch.stack(
        [
            table.weights[name] * (level[query, found.truth] - level[query, found.wrong])
            for name, level in table.levels.items()
        ]
    )
    margins = (table.score[query, found.truth] - table.score[query, found.wrong]).tolist()
    losers = [list(table.levels)[n] for n in gaps.argmin(0).tolist()]
    ranks, best, wrong = found.rank.tolist(), found.truth.tolist(), found.wrong.tolist()
    return [
        QueryRow(
            direction,
            ids[n],
            labels[n],
            tags[n],
            ranks[n],
            answers[best[n]],
            answers[wrong[n]] if wrong[n] >= 0 else None,
            margins[n] if wrong[n] >= 0 else 0.0,
            losers[n] if ranks[n] > 1 else None,
        )
        for n in range(len(ids))
        if ranks[n]
    ]
