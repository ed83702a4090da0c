"""What a query finds: everything that it was compared with, ranked."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..gallery.store import Gallery
from ..types import LEVELS, Similarity
from .results import Hit


def best_hits(table: Similarity, rows: Sequence[int], gallery: Gallery, for_pictures: bool, k: int) -> list[Hit]:
    """The k best, the highest score first; of equals in any order.

    Args:
        table: one row or one column.
        rows: of the gallery, one an entry of the table.
        for_pictures: whether these are rows of pictures, or of captions.
    """
    scores = table.score.flatten()
    best = scores.topk(min(k, len(scores)))
    levels = torch.stack([table.levels[name].flatten()[best.indices] for name in LEVELS], 1).tolist()
    return [
        _hit(rank, rows[place], gallery, for_pictures, value, dict(zip(LEVELS, own, strict=True)), table.weights)
        for rank, (value, place, own) in enumerate(
            zip(best.values.tolist(), best.indices.tolist(), levels, strict=True), 1
        )
    ]


def background(table: Similarity) -> dict[str, float]:
    """How many scores there are, their mean and their standard deviation."""
    scores = table.score.flatten()
    return {"count": float(len(scores)), "mean": scores.mean().item(), "std": scores.std(correction=0).item()}


def _hit(
    rank: int,
    row: int,
    gallery: Gallery,
    for_pictures: bool,
    value: float,
    levels: dict[str, float],
    weights: dict[str, float],
) -> Hit:
    contributions = {name: weights[name] * levels[name] for name in LEVELS}
    if for_pictures:
        item, id_, caption = gallery.items[row], gallery.items[row].id, None
    else:
        item, id_ = gallery.items[gallery.caption_keys[row].row], gallery.caption_id(row)
        caption = gallery.caption_text(row)
    return Hit(rank, id_, value, levels, contributions, item.image, caption)
