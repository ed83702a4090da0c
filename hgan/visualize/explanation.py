"""Why something matches: levels, regions, both graphs, alignment, and tables of the same numbers, with linked highlighting."""

from __future__ import annotations

import math

from ..retrieval.results import Explanation, NodeTerms
from ..types import LEVELS
from .alignment import alignment
from .charts import LEVEL_MEANINGS, bar_scale, escape, number, stacked_bar, sum_text, swatch, table
from .graphs import (
    EDGES_EACH,
    IMAGE_EDGES,
    MAX_TEXT_EDGES,
    image_edges,
    image_graph_drawing,
    text_edges,
    text_graph_drawing,
)
from .linked import key_mark, region_chips, said, sentence_chips
from .notes import cost, notices
from .pictures import Picture, numbered, region_key, regions_drawing, strongest, word_key

LISTED_REGIONS = 8  # rows of the regions' table before the rest is folded away


def explanation_page(explanation: Explanation, picture: Picture) -> str:
    """Everything about one match as HTML: levels, regions, both graphs, alignment, and tables of the same numbers.

    Args:
        picture: the one compared, at any size: boxes are normalised.
    """
    e = explanation
    name = e.query.get("image") or e.image.rsplit("/", 1)[-1]  # a picture query is compared itself
    more = f", and the {EDGES_EACH} strongest of each orange region and of the whole picture"
    return (
        f'<section class="hg hg-explained hg-linked" data-id="{escape(e.id)}"><h2>Why does this match?</h2>'
        f'{notices(e.notices)}<div class="hg-chooser">{sentence_chips(e)}{said()}</div>'
        f'<p class="hg-small">The sentence and picture <b>{escape(name)}</b>. The thicker the line under a word, the '
        f'more it contributes to the score.</p><div class="hg-two"><figure>{regions_drawing(e.regions, picture)}<figcaption>'
        "<b>Regions.</b> The five that contribute most are numbered, the largest first. White: other objects. Dashed: "
        f"context cells.</figcaption></figure><figure>{image_graph_drawing(e, picture)}<figcaption><b>Picture graph.</b> "
        f"{_edge_caption(IMAGE_EDGES, e.image_edges, more)} Dot size: node weight. "
        f"Same numbers as in the list of regions.</figcaption></figure></div>{region_chips(e)}"
        f"<figure>{text_graph_drawing(e)}<figcaption><b>Sentence graph.</b> "
        f"{_edge_caption(min(2 * len(e.text_edges), MAX_TEXT_EDGES), e.text_edges)} Dot size: node weight. "
        f"Bold: the word that contributes most.</figcaption></figure>{_levels(e)}"
        f"<h3>Which word aligns with which region?</h3>{alignment(e)}"
        f'<div class="hg-two">{_words(e)}{_regions(e)}</div>{_edges(e)}</section>'
    )


def _levels(e: Explanation) -> str:
    scale = bar_scale([e.contributions])
    rows = [
        (
            f"{swatch(level)}{level} <small>{LEVEL_MEANINGS[level]}</small>",
            number(e.levels[level]),
            f"× {number(e.level_weights[level])}",
            number(e.contributions[level]),
            stacked_bar({level: e.contributions[level]}, scale),
        )
        for level in LEVELS
    ]
    foot = ("score", "", "", f"<b>{number(e.score)}</b>", stacked_bar(e.contributions, scale))
    head = ("level", "cosine", "weight", "contribution", "")
    return (
        f'<p class="hg-sum-line">{sum_text([e.contributions[level] for level in LEVELS], e.score)}</p>'
        f"{table('From the three levels to the score', head, rows, foot)}"
        f'<p class="hg-small">{_check(e.check["sum_error"])} Took {cost(e.timing_ms)}.</p>'
    )


def _check(sum_error: float) -> str:
    """How well the terms add up, in words."""
    if sum_error == 0:
        return "The parts add up to the score exactly."
    return f"The parts add up to the score within <span class='hg-whole'>1e{math.ceil(math.log10(sum_error))}</span>."


def _edge_caption(most: int, edges: list[list[float]], more: str = "") -> str:
    pairs = len(edges) * (len(edges) - 1) // 2
    return f"Line width: attention, averaged over both directions; the {min(most, pairs)} strongest of {pairs} pairs{more}."


def _words(e: Explanation) -> str:
    return _terms(
        "What each word contributes",
        "word",
        strongest(e.words),
        {n.index: key_mark(word_key(n.index), n.label) for n in e.words},
    )


def _regions(e: Explanation) -> str:
    places = numbered(e.regions).items()
    names = {n: key_mark(region_key(n), f"{place} {e.regions[n].label}") for n, place in places}
    nodes = strongest(e.regions)
    first = _terms("What each region contributes", "region", nodes[:LISTED_REGIONS], names, nodes)
    if len(nodes) <= LISTED_REGIONS:
        return first
    rest = _terms("The other regions", "region", nodes[LISTED_REGIONS:], names, nodes)
    return (
        f"<div>{first}<details><summary>The other {len(nodes) - LISTED_REGIONS} regions</summary>{rest}</details></div>"
    )


def _terms(
    title: str, kind: str, nodes: list[NodeTerms], names: dict[int, str], whole: list[NodeTerms] | None = None
) -> str:
    """Words or regions as a table with bars; its foot is the sum over `whole`, all of them."""
    whole = whole or nodes
    scale = bar_scale({"local": node.local, "cross": node.cross} for node in whole)
    rows = [
        (
            names[node.index],
            number(node.local, 4),
            number(node.cross, 4),
            number(node.total, 4),
            stacked_bar({"local": node.local, "cross": node.cross}, scale),
        )
        for node in nodes
    ]
    sums = (number(math.fsum(getattr(n, part) for n in whole), 4) for part in ("local", "cross", "total"))
    head = (kind, f"{swatch('local')}local", f"{swatch('cross')}cross", "total", "")
    return table(f"{title} to the score", head, rows, (f"all {len(whole)} {kind}s", *sums, ""))


def _edges(e: Explanation) -> str:
    tables = []
    for name, (graph, edges) in (("picture", image_edges(e)), ("sentence", text_edges(e))):
        rows = [
            (escape(graph.nodes[min(i, j)]["label"]), escape(graph.nodes[max(i, j)]["label"]), number(weight))
            for i, j, weight in edges
        ]
        tables.append(table(f"Edges drawn: {name}", ("from", "to", "attention"), rows))
    return (
        f'<details><summary>The edges of both graphs as tables</summary><div class="hg-two">{"".join(tables)}</div>'
        '</details><p class="hg-small">The local part of a word is a row of the local terms, that of a region a column: two '
        "views of one sum. The cross parts of words and regions together add up to the cross level.</p>"
    )
