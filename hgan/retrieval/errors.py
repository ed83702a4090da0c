"""Error analysis of a gallery: the metrics of `hgan evaluate`, and for every query where its truth stands and which
level decided.

Tables are pictures (rows) x captions (columns), as everywhere. A truth table says which caption is true of which picture:
with facts about the captions that can be several pictures, and any of them is a hit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from jaxtyping import Bool
from torch import Tensor

from ..evaluation.by_tag import recall_by_tag
from ..evaluation.evaluate import Scored
from ..evaluation.metrics import image_indices, places, tags_of, truth_of
from ..gallery.scorer import Scorer
from ..gallery.store import Gallery
from ..io.timing import Timer
from ..model.similarity import SimilarityParameters, join_columns, score_table
from ..types import ImageGraph, Similarity, TextGraph
from .results import Analysis, QueryRow

MAX_CELLS = 30_000_000  # pictures x captions: four tables of 120 MB
BLOCK = 500  # captions between two reports of progress

Progress = Callable[[int, int], None]


def analyse(
    gallery: Gallery,
    pictures: Scorer,
    captions: Callable[[Progress], Scorer],
    parameters: SimilarityParameters,
    progress: Progress | None = None,
) -> Analysis:
    """Every caption of a gallery against every picture, both ways.

    Args:
        captions: gives the captions, and may have to encode them, which it reports.
        progress: called with (captions done, captions in all).

    Raises:
        ValueError: more than MAX_CELLS pairs, or no captions.
    """
    timer, encoded = Timer(), gallery.captions is not None

    def first_half(done: int, total: int) -> None:
        if progress:
            progress(done, 2 * total)

    def second_half(done: int, total: int) -> None:
        if progress:
            progress(done, total) if encoded else progress(total + done, 2 * total)

    require_size(len(pictures.graphs), len(gallery.caption_keys))
    texts, images = captions(first_half).all, pictures.all
    assert isinstance(images, ImageGraph)
    assert isinstance(texts, TextGraph)
    table = scores_of(images, texts, parameters, second_half)
    scored, tags = Scored(table, image_indices(gallery.items), truth_of(gallery.items)), tags_of(gallery.items)
    by_tag = recall_by_tag(table.score, scored.truth, tags)
    return Analysis(
        gallery=gallery.name,
        pictures=len(images),
        captions=len(texts),
        level_weights=table.weights,
        metrics=scored.metrics(),
        tags={tag: by_tag[tag].recall for tag in sorted(by_tag)},
        rows=rows_of(table, scored.truth, gallery),
        timing_ms={"analyse": timer.lap()},
    )


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


def rows_of(table: Similarity, truth: Bool[Tensor, "pictures captions"], gallery: Gallery) -> list[QueryRow]:
    """One row a query: captions first, then the pictures that have a caption."""
    captions = [gallery.caption_id(n) for n in range(len(gallery.caption_keys))]
    pictures = [item.id for item in gallery.items]
    texts = [gallery.caption_text(n) for n in range(len(captions))]
    names = [item.image for item in gallery.items]
    turned = Similarity(table.score.T, {name: level.T for name, level in table.levels.items()}, table.weights)
    return [
        *_rows("text_to_image", turned, truth.T, captions, texts, tags_of(gallery.items), pictures),
        *_rows("image_to_text", table, truth, pictures, names, [None] * len(pictures), captions),
    ]


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
    # What each level contributes for the truth over the best wrong answer: what it is short of decides who lost the query.
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
