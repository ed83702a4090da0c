"""Why A above B: two matches of one query, and the difference of their scores as waterfalls and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..retrieval.results import Comparison, Explanation, Step
from .charts import bar_scale, escape, legend, number, stacked_bar, table
from .pictures import Picture, numbered, regions_drawing, strongest
from .waterfall import signed, waterfall

LISTED = 6  # regions or words of each match before the rest is folded away


def comparison_page(comparison: Comparison, picture_a: Picture, picture_b: Picture) -> str:
    """Both matches, the difference by level, by word and by region, and whether the parts add up.

    Args:
        picture_a, picture_b: the pictures compared; for a picture query, the same one twice.
    """
    c = comparison
    sentence = bool(c.words)  # of a sentence query the words are shared
    shared = c.words if sentence else c.regions
    whole = "A − B"
    by_node = f"The difference by {'word' if sentence else 'region'}"
    own = (
        _own("A", c.a, c.regions_a if sentence else c.words_a, picture_a if sentence else None)
        + _own("B", c.b, c.regions_b if sentence else c.words_b, picture_b if sentence else None)
    )  # fmt: skip
    return (
        f'<section class="hg hg-compared"><h2>Why A above B?</h2>'
        f'<p class="hg-pair">{_asked(c)}</p><div class="hg-two">{_match("A", c, c.a, picture_a)}'
        f"{_match('B', c, c.b, picture_b)}</div>{legend()}"
        f'<p class="hg-sum-line">{number(c.a.score, 4)} − {number(c.b.score, 4)} '
        f"= {signed(c.difference)}</p><p>{_told(c, shared)}</p>"
        f'<div class="hg-two">{waterfall("The difference by level", c.levels, whole)}'
        f"{waterfall(by_node, shared, whole)}</div>"
        f"{_numbers(c.levels, shared, c.difference)}"
        f"<h3>A and B do not have the same {'regions' if sentence else 'words'}</h3>"
        '<p class="hg-small">So they cannot be subtracted one by one. Those of A count for it, those of '
        f'B count against it.</p><div class="hg-two">{own}</div>'
        f'<p class="hg-small">{_check(c.check)} Took {sum(c.timing_ms.values()):.0f} ms.</p></section>'
    )


def _asked(c: Comparison) -> str:
    if "text" in c.query:
        return f"Sentence: <q>{escape(c.query['text'])}</q>"
    return f"Picture: <b>{escape(c.query.get('image', 'picture'))}</b>"


def _match(letter: str, c: Comparison, e: Explanation, picture: Picture) -> str:
    scale = bar_scale([c.a.contributions, c.b.contributions])
    caption = "" if "text" in c.query else f"<q>{escape(e.caption)}</q>"
    return (
        f'<figure class="hg-side"><img src="{picture.uri}" alt="Picture {escape(e.id)}"><figcaption><b>{letter}</b> '
        f"{escape(e.id)} {caption}<br>score <b>{number(e.score, 4)}</b>{stacked_bar(e.contributions, scale)}"
        "</figcaption></figure>"
    )


def _told(c: Comparison, shared: Sequence[Step]) -> str:
    """The difference in words: who leads, and which level and which word or region contribute most to the lead."""
    if c.difference == 0:
        return "Both have the same score."
    leader, sign = ("A", 1.0) if c.difference > 0 else ("B", -1.0)
    level = max(c.levels, key=lambda step: sign * step.value)
    nodes = [step for step in shared if step.index is not None]
    node = max(nodes, key=lambda step: sign * step.value, default=None)
    said = f"{leader} scores {number(abs(c.difference), 4)} higher. The {escape(level.label)} level contributes most to that "
    said += f"({number(sign * level.value, 4)})"
    if node is not None and sign * node.value > 0:
        said += (
            f", and of the {'words' if c.words else 'regions'} “{escape(node.label)}” ({number(sign * node.value, 4)})"
        )
    return f"{said}."


def _numbers(levels: Sequence[Step], shared: Sequence[Step], difference: float) -> str:
    tables = "".join(
        table(
            title,
            ("", "A − B"),
            [(escape(step.label), signed(step.value)) for step in steps],
            ("sum", signed(difference)),
        )
        for title, steps in (("By level", levels), ("By part", shared))
    )
    return f'<details><summary>All these numbers as tables</summary><div class="hg-two">{tables}</div></details>'


def _own(letter: str, e: Explanation, steps: Sequence[Step], picture: Picture | None) -> str:
    """What only one of the two matches has: its regions over its picture, or its words."""
    order = sorted(steps, key=lambda step: -abs(step.value))
    if picture is not None:
        place = numbered(e.regions)
        drawing = f"<figure>{regions_drawing(e.regions, picture)}</figure>"
        names = {node.index: f"{place[node.index]} {escape(node.label)}" for node in strongest(e.regions)}
    else:
        drawing, names = "", {node.index: escape(node.label) for node in e.words}
    rows = [(names[step.index], signed(step.value)) for step in order if step.index is not None]
    foot = (f"all {len(rows)}", signed(math.fsum(step.value for step in order)))
    head = ("region" if picture is not None else "word", "contribution")
    title = f"What the {head[0]}s of {letter} contribute"
    first = table(title, head, rows[:LISTED], () if rows[LISTED:] else foot)
    rest = ""
    if rows[LISTED:]:
        rest = f"<details><summary>The other {len(rows) - LISTED}</summary>{table(title, head, rows[LISTED:], foot)}</details>"
    return f"<div>{drawing}{first}{rest}</div>"


def _check(check: dict[str, float]) -> str:
    worst = max(check.values())
    return f"Every list adds up to the difference; the largest error is {worst:.0e}."
