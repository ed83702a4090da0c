"""Drawing only, no model: results in, pictures out. Text from users and galleries is escaped in everything made here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from .charts import (
    LEVEL_COLOURS,
    LEVEL_MEANINGS,
    bar_scale,
    escape,
    legend,
    matrix,
    number,
    stacked_bar,
    sum_text,
    swatch,
    table,
)
from .drawings import (
    EDGES_EACH,
    IMAGE_EDGES,
    MAX_TEXT_EDGES,
    Picture,
    image_edges,
    image_graph_drawing,
    numbered,
    regions_drawing,
    strongest,
    text_edges,
    text_graph_drawing,
)
from .files import atomic
from .types import LEVELS, Explanation, Hit, NodeTerms, SearchResult

__all__ = ["LEVEL_COLOURS", "explanation_page", "hint", "match_list", "training_curve"]

MATRIX_REGIONS = 12  # columns of the alignment matrix, strongest first
LISTED_REGIONS = 8  # rows of the regions' table before the rest is folded away


def hint(text: str) -> str:
    """What an empty part of the page says: what to do next."""
    return f'<p class="hg-hint">{escape(text)}</p>'


def match_list(result: SearchResult, pictures: list[Picture], chosen: str | None = None) -> str:
    """Ranked matches as HTML: one button a match, whose data-id names it.

    Args:
        pictures: one a hit, in the order of the hits.
        chosen: id of the match that is marked.
    """
    scale = bar_scale(hit.contributions for hit in result.hits)
    background, timing = result.background, result.timing_ms
    kind = "pictures" if "text" in result.query else "captions"
    asked = result.query.get("text") or result.query.get("image")
    rows = "".join(
        f"<li>{_match(hit, picture, scale, background, hit.id == chosen)}</li>"
        for hit, picture in zip(result.hits, pictures, strict=True)
    )
    return (
        f'<section class="hg"><h3>Matches for “{escape(asked, 120)}”</h3>{_notices(result.notices)}'
        f'<p class="hg-small">{len(result.hits)} of {background["count"]:.0f} {kind} compared, gallery '
        f"{escape(result.gallery)}. Took {_cost(timing)}.</p>{legend()}"
        f'<ol class="hg-matches">{rows}</ol><p class="hg-small">global + local + cross = score. “Above the mean”: how '
        f"far the score stands above the mean score of everything compared, {number(background['mean'])}, in standard "
        f"deviations of {number(background['std'])}.</p></section>"
    )


def _match(hit: Hit, picture: Picture, scale: tuple[float, float], background: dict[str, float], chosen: bool) -> str:
    parts = "".join(
        f"<span>{swatch(level)}{level} {number(hit.contributions[level])}</span>" for level in hit.contributions
    )
    caption = f'<q class="hg-caption">{escape(hit.caption)}</q>' if hit.caption is not None else ""
    return (
        f'<button type="button" class="hg-match" data-id="{escape(hit.id)}" aria-pressed="{str(chosen).lower()}">'
        f'<span class="hg-rank">{hit.rank}</span><img src="{picture.uri}" alt="Picture {escape(hit.id)}">'
        f'<span class="hg-facts">{caption}<span class="hg-line"><b>score {number(hit.score)}</b>'
        f"<span>{_above_mean(hit.score, background)}</span></span>{stacked_bar(hit.contributions, scale)}"
        f'<span class="hg-parts">{parts}</span><span class="hg-id">{escape(hit.id)}</span></span></button>'
    )


def _above_mean(score: float, background: dict[str, float]) -> str:
    if background["std"] <= 0:
        return "all scores are equal"
    away = (score - background["mean"]) / background["std"]
    return f"{number(abs(away), 1)} s.d. {'above' if away >= 0 else 'below'} the mean"


def explanation_page(explanation: Explanation, picture: Picture) -> str:
    """Everything about one match as HTML: levels, regions, both graphs, alignment, and tables of the same numbers.

    Args:
        picture: the one that was compared; boxes are normalised, so any size of it will do.
    """
    e = explanation
    name = e.query.get("image") or e.image.rsplit("/", 1)[-1]  # a picture query is compared itself
    more = f", and the {EDGES_EACH} heaviest of each orange region and of the whole picture"
    return (
        f'<section class="hg hg-explained" data-id="{escape(e.id)}"><h3>Why does this match?</h3>'
        f'<p class="hg-pair"><q>{escape(e.caption)}</q> with picture <b>{escape(name)}</b></p>'
        f"{_notices(e.notices)}{_levels(e)}"
        f'<div class="hg-two"><figure>{regions_drawing(e.regions, picture)}<figcaption><b>Regions.</b> The five that '
        "brought most to the score are numbered in that order. White: other objects. Dashed: context cells."
        f"</figcaption></figure><figure>{image_graph_drawing(e, picture)}<figcaption><b>Picture graph.</b> "
        f"{_edge_caption(IMAGE_EDGES, e.image_edges, more)} Dot size: node weight. "
        "Numbers as in the list of regions.</figcaption></figure></div>"
        f"<figure>{text_graph_drawing(e)}<figcaption><b>Sentence graph.</b> "
        f"{_edge_caption(min(2 * len(e.text_edges), MAX_TEXT_EDGES), e.text_edges)} Dot size: node weight. "
        "Bold: the word that brought most.</figcaption></figure>"
        f"<h4>Which word meets which region?</h4>{_alignment(e)}"
        f'<div class="hg-two">{_words(e)}{_regions(e)}</div>{_edges(e)}</section>'
    )


def _notices(notices: list[str]) -> str:
    return "".join(f'<p class="hg-notice">{escape(notice)}</p>' for notice in notices)


def _cost(timing_ms: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f} ms" for name, value in timing_ms.items())


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
    head = ("level", "cosine", "weight", "brings", "")
    return (
        f'<p class="hg-sum-line">{sum_text([e.contributions[level] for level in LEVELS], e.score)}</p>'
        f"{table('From the score down to the three levels', head, rows, foot)}"
        f'<p class="hg-small">{_check(e.check["sum_error"])} Took {_cost(e.timing_ms)}.</p>'
    )


def _check(sum_error: float) -> str:
    """How well the terms add up, in words."""
    if sum_error == 0:
        return "The parts add up to the score exactly."
    return (
        f"The parts add up to the score to within <span class='hg-whole'>1e{math.ceil(math.log10(sum_error))}</span>."
    )


def _edge_caption(most: int, edges: list[list[float]], more: str = "") -> str:
    pairs = len(edges) * (len(edges) - 1) // 2
    return f"Line width: attention, mean of both directions; the {min(most, pairs)} heaviest of {pairs} pairs{more}."


def _alignment(e: Explanation) -> str:
    place, kept = numbered(e.regions), strongest(e.regions)[:MATRIX_REGIONS]
    columns = [node.index for node in kept]
    left = len(e.regions) - len(kept)
    more = f" The {left} regions that brought less are left out." if left else ""
    return (
        matrix(
            [word.label for word in e.words],
            [f"{place[node.index]} {node.label}" for node in kept],
            [[row[n] for n in columns] for row in e.alignment],
            [[row[n] for n in columns] for row in e.local_terms],
        )
        + '<p class="hg-small">Orange: alike, the deeper the more. Purple with a minus: unlike. Regions from the strongest '
        f"on.{more}</p>"
    )


def _words(e: Explanation) -> str:
    return _terms("What each word brings", "word", strongest(e.words), {n.index: escape(n.label) for n in e.words})


def _regions(e: Explanation) -> str:
    names = {index: f"{place} {escape(e.regions[index].label)}" for index, place in numbered(e.regions).items()}
    nodes = strongest(e.regions)
    first = _terms("What each region brings", "region", nodes[:LISTED_REGIONS], names, nodes)
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
        '</details><p class="hg-small">A word’s local part is its row of the local terms, a region’s its column: two '
        "views of one sum. The cross parts of words and regions add up to the cross level together.</p>"
    )


def training_curve(metrics: list[dict[str, Any]], path: Path) -> None:
    """Loss and dev rsum (of the score and of each level) by epoch, as a PNG."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [line["epoch"] for line in metrics]
    left.plot(epochs, [line["matching"] for line in metrics], color="black", label="matching")
    left.plot(epochs, [line["detection"] for line in metrics], color="grey", linestyle="--", label="detection")
    left.set(xlabel="epoch", title="training loss")
    left.legend()
    right.plot(epochs, [line["rsum"] for line in metrics], color="black", label="score")
    for level, colour in LEVEL_COLOURS.items():
        right.plot(epochs, [line[f"rsum_{level}"] for line in metrics], color=colour, label=level)
    right.set(xlabel="epoch", title="dev rsum")
    right.legend()
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=120)
