"""Error analysis: which queries are listed, and the tables of metrics and failures as HTML. Text from outside is escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..retrieval.error_filter import ANY, DIRECTIONS, Filter, listed
from ..retrieval.results import Analysis, QueryRow
from ..types import LEVELS
from .charts import LEVEL_COLOURS, escape, number, swatch, table
from .pictures import Picture

PAGE = 20  # queries on one page


@dataclass(frozen=True)
class Shown:
    """How the page shows what a row names.

    link: the address that opens a query on the search page, or None where there is none.
    picture: the small picture of a picture's id.
    sentence: the text of a caption's id.
    """

    link: Callable[[QueryRow], str | None]
    picture: Callable[[str], Picture]
    sentence: Callable[[str], str]


def pages_of(rows: Sequence[QueryRow]) -> int:
    """How many pages the rows fill; at least one."""
    return max(-(-len(rows) // PAGE), 1)


def metrics_table(analysis: Analysis) -> str:
    """Recalls, median ranks and rsum of the score and of each level alone, in both directions; recalls by kind of caption."""
    rows = []
    for name, metrics in analysis.metrics.items():
        cells = [f"{swatch(name)}{name} alone" if name in LEVEL_COLOURS else f"<b>{escape(name)}</b>"]
        for direction in DIRECTIONS:
            recall = getattr(metrics, direction)
            cells += [number(value, 1) for value in (recall.r1, recall.r5, recall.r10, recall.medr)]
        rows.append([*cells, f"<b>{number(metrics.rsum, 1)}</b>"])
    head = ["", *(f"{mark} {name}" for mark in ("s→p", "p→s") for name in ("R@1", "R@5", "R@10", "median")), "rsum"]
    tags = [
        (escape(tag), *(number(value, 1) for value in (recall.r1, recall.r5, recall.r10, recall.medr)))
        for tag, recall in analysis.tags.items()
    ]
    by_tag = (
        table("By kind of caption, sentence to picture", ("", "R@1", "R@5", "R@10", "median"), tags) if tags else ""
    )
    return (
        f'<section class="hg hg-metrics"><p class="hg-small">Gallery {escape(analysis.gallery)}: {analysis.pictures:,} pictures, '
        f"{analysis.captions:,} captions. Took {sum(analysis.timing_ms.values()) / 1000:.1f} s.</p>"
        f"{table('How often the truth comes first', head, rows)}{by_tag}"
        '<p class="hg-small">R@k: percentage of queries whose truth is among the top k. Median: the median rank of the truth. '
        "rsum: the sum of the six percentages, at most 600. s→p: a sentence searches for its picture; p→s: a picture searches "
        "for one of its captions. If a caption is true of several pictures and the gallery knows it, any of them counts as the "
        "truth.</p></section>"
    )


def failure_list(analysis: Analysis, chosen: Filter, page: int, shown: Shown) -> str:
    """One page of the listed queries as a table.

    Args:
        page: from 1; pages past the end show the last one.
    """
    rows = listed(analysis, chosen)
    if not rows:
        return '<section class="hg"><p class="hg-hint">No query fits these filters. Change one of them.</p></section>'
    page = min(max(page, 1), pages_of(rows))
    body = [_row(row, shown) for row in rows[(page - 1) * PAGE : page * PAGE]]
    head = ("query", "truth", "its rank", "best wrong answer", "margin", "lost by", "kind")
    title = f"Page {page} of {pages_of(rows)}, worst rank first"
    return (
        f'<section class="hg hg-failures"><p>{_summary(analysis, rows, chosen)}</p>{table(title, head, body)}'
        '<p class="hg-small">Margin: score of the truth minus score of the best wrong answer. A query is lost by the level that '
        "favours the wrong answer most. Choose a query to open it in Search.</p></section>"
    )


def _summary(analysis: Analysis, rows: Sequence[QueryRow], chosen: Filter) -> str:
    """How many queries are listed, and which level lost how many."""
    asked = sum(1 for row in analysis.rows if chosen.direction in (ANY, row.direction))
    lost = Counter(row.lost_by for row in rows)
    parts = [f"{swatch(level)}{level} {lost[level]:,}" for level in LEVELS if lost[level]]
    return f"<b>{len(rows):,}</b> of {asked:,} queries." + (f" Lost by: {', '.join(parts)}." if parts else "")


def _row(row: QueryRow, shown: Shown) -> tuple[str, ...]:
    from_text = row.direction == "text_to_image"
    query = (
        escape(row.query_label, 160)
        if from_text
        else f"{_image(row.query_id, shown)} <small>{escape(row.query_id, 60)}</small>"
    )
    address = shown.link(row)
    return (
        f'<a href="{escape(address, 2000)}">{query}</a>' if address else query,
        _answer(row.truth_id, from_text, shown),
        str(row.rank),
        _answer(row.best_wrong_id, from_text, shown),
        number(row.margin, 4),
        f"{swatch(row.lost_by)}{row.lost_by}" if row.lost_by else "–",
        escape(row.tag or "–", 40),
    )


def _answer(id: str | None, is_picture: bool, shown: Shown) -> str:
    if id is None:
        return "–"
    if is_picture:
        return f"{_image(id, shown)}<small>{escape(id, 40)}</small>"
    return f"{escape(shown.sentence(id), 160)} <small>{escape(id, 40)}</small>"


def _image(id: str, shown: Shown) -> str:
    return f'<img src="{shown.picture(id).uri}" alt="Picture {escape(id, 40)}">'
