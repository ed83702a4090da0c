"""Histograms of an error analysis, drawn with matplotlib. Every level has its colour and a hatch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..retrieval.results import QueryRow
from ..types import LEVELS
from .charts import LEVEL_COLOURS

HATCHES = {"global": "", "local": "//", "cross": ".."}
FOUND: dict[str, Any] = {"color": "#B8BDC4", "edgecolor": "white"}
BINS = 30
RANKS = {
    "1": 1,
    "2": 2,
    "3–5": 5,
    "6–10": 10,
    "11–20": 20,
    "21–50": 50,
    "51–100": 100,
    "over 100": 10**9,
}  # name -> last rank


def rank_histogram(rows: Sequence[QueryRow]) -> Figure:
    """How many queries have their truth at which rank, the failures stacked by the level that lost them."""
    figure, axes = _axes("rank of the truth")
    names, lasts = list(RANKS), list(RANKS.values())
    series = _series(rows, lambda row: next(n for n, last in enumerate(lasts) if row.rank <= last))
    _stack(axes, names, series, len(names))
    return figure


def margin_histogram(rows: Sequence[QueryRow]) -> Figure:
    """How far the truth scores above (right of zero) or below (left) the best wrong answer."""
    figure, axes = _axes("score of the truth minus score of the best wrong answer")
    if rows:
        least = min(row.margin for row in rows)
        width = max((max(row.margin for row in rows) - least) / BINS, 1e-6)
        series = _series(rows, lambda row: min(int((row.margin - least) / width), BINS - 1))
        _stack(axes, [least + width * n for n in range(BINS)], series, BINS, width=width, align="edge")
        axes.axvline(0, color="black", linewidth=1)
    return figure


def _series(rows: Sequence[QueryRow], place: Any) -> dict[str | None, Counter[int]]:
    """How many rows fall where, by the level that lost them; None: found first."""
    series: dict[str | None, Counter[int]] = {kind: Counter() for kind in (None, *LEVELS)}
    for row in rows:
        series[row.lost_by][place(row)] += 1
    return {kind: counted for kind, counted in series.items() if counted}


def _stack(axes: Axes, x: Sequence[Any], series: dict[str | None, Counter[int]], size: int, **options: Any) -> None:
    below = [0] * size
    for kind, counted in series.items():
        heights = [counted[n] for n in range(size)]
        look = FOUND if kind is None else {"color": LEVEL_COLOURS[kind], "hatch": HATCHES[kind], "edgecolor": "white"}
        name = "found first" if kind is None else f"lost by {kind}"
        axes.bar(x, heights, bottom=below, label=name, **look, **options)
        below = [a + b for a, b in zip(below, heights, strict=True)]
    if series:
        axes.legend(fontsize=9)


def _axes(x: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel="queries")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
