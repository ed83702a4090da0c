"""The two graphs as SVG: the picture's over the dimmed picture, the sentence's along the sentence.

networkx holds the graphs. A node carries its key as data-key and an edge both keys of its ends as data-edge, for the linked
highlighting (`hgan.visualize.linked`); the global node of a graph is GLOBAL_KEY there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import networkx as nx

from ..retrieval.results import MIN_EDGE, Explanation, NodeTerms
from .charts import SCROLLS, escape, number
from .pictures import HIGHLIGHT, MARKED, WIDTH, Picture, numbered, over_picture, region_key, scaled, strongest, word_key

EDGE, NODE = "#56B4E9", "#0072B2"
GLOBAL_NODE = 0  # of the edge matrices; local node n is n + 1
GLOBAL_KEY = "global"
IMAGE_EDGES, MAX_TEXT_EDGES = 16, 36  # the heaviest, drawn
EDGES_EACH = 2  # of every highlighted region and of the whole picture, drawn as well


def graph_of(nodes: list[NodeTerms], edges: list[list[float]], name: str, key: Callable[[int], str]) -> nx.Graph:
    """The undirected graph of a picture or a sentence: node 0 is the global node, an edge's weight is the mean attention
    of its two directions; edges below MIN_EDGE are left out.

    Args:
        edges: (1 + N) x (1 + N), attention of row on column.
        name: label of the global node.
        key: of a node's index, `word_key` or `region_key`.
    """
    graph: nx.Graph = nx.Graph()
    graph.add_node(GLOBAL_NODE, label=name, weight=0.0, key=GLOBAL_KEY)
    for node in nodes:
        graph.add_node(node.index + 1, label=node.label, weight=node.weight, key=key(node.index))
    for i in range(len(edges)):
        for j in range(i):
            weight = (edges[i][j] + edges[j][i]) / 2
            if weight >= MIN_EDGE:
                graph.add_edge(i, j, weight=weight)
    return graph


def top_edges(graph: nx.Graph, most: int, nodes: Sequence[int] = ()) -> list[tuple[int, int, float]]:
    """The `most` heaviest edges, and the EDGES_EACH heaviest of each of `nodes`, as (node, node, weight), heaviest first."""
    edges = [(i, j, float(data["weight"])) for i, j, data in graph.edges(data=True)]
    edges.sort(key=lambda edge: -edge[2])
    kept = set(edges[:most])
    for node in nodes:
        kept.update([edge for edge in edges if node in edge[:2]][:EDGES_EACH])
    return sorted(kept, key=lambda edge: -edge[2])


def image_edges(explanation: Explanation) -> tuple[nx.Graph, list[tuple[int, int, float]]]:
    """The picture's graph, and those of its edges that are drawn."""
    graph = graph_of(explanation.regions, explanation.image_edges, "whole picture", region_key)
    marked = [node.index + 1 for node in strongest(explanation.regions)[:MARKED]]
    return graph, top_edges(graph, IMAGE_EDGES, [GLOBAL_NODE, *marked])


def text_edges(explanation: Explanation) -> tuple[nx.Graph, list[tuple[int, int, float]]]:
    """The sentence's graph, and those of its edges that are drawn."""
    graph = graph_of(explanation.words, explanation.text_edges, "sentence", word_key)
    return graph, top_edges(graph, min(2 * len(graph), MAX_TEXT_EDGES))


def image_graph_drawing(explanation: Explanation, picture: Picture) -> str:
    """The picture's graph over the dimmed picture: regions at the centres of their boxes, the global node below.

    Numbers are those of `numbered`, node size is the learned node weight, line width the edge's weight.
    """
    graph, kept = image_edges(explanation)
    place, height, strip = numbered(explanation.regions), picture.drawn_height, 74.0
    at = {GLOBAL_NODE: (WIDTH / 2, height + strip - 22)}
    for node in strongest(explanation.regions):
        x1, y1, x2, y2 = scaled(node, height)
        at[node.index + 1] = _clear_of((x1 + x2) / 2, (y1 + y2) / 2, list(at.values()), height)
    shapes = []
    for i, j, weight in reversed(kept):
        line = _line_width(weight, kept)
        path = f'x1="{at[i][0]:.1f}" y1="{at[i][1]:.1f}" x2="{at[j][0]:.1f}" y2="{at[j][1]:.1f}"'
        under = f'<line {path} stroke="#fff" stroke-opacity=".7" stroke-width="{line + 2:.1f}"/>'
        over = f'<line {path} stroke="{EDGE}" stroke-width="{line:.1f}">{_edge_hint(graph, i, j)}</line>'
        shapes.append(_edge(graph, i, j, under + over))
    joined = {n for edge in kept for n in edge[:2]}
    for node in reversed(strongest(explanation.regions)):
        waits = place[node.index] > MARKED and node.index + 1 not in joined
        shapes.append(_region_node(node, place[node.index], at[node.index + 1], explanation.regions, waits))
    x, y = at[GLOBAL_NODE]
    shapes.append(
        f'<rect x="{x - 86}" y="{y - 17}" width="172" height="34" rx="4" fill="{NODE}" stroke="#fff" stroke-width="2"/>'
        f'<text x="{x}" y="{y + 7}" font-size="21" font-weight="600" fill="#fff" text-anchor="middle">whole picture</text>'
    )
    heaviest = "; ".join(_edge_text(graph, i, j) for i, j, _ in kept[:3])
    return over_picture(picture, f"The picture's graph; heaviest edges: {heaviest}", 0.35, shapes, strip)


def _region_node(node: NodeTerms, place: int, at: tuple[float, float], nodes: list[NodeTerms], waits: bool) -> str:
    """A region as a numbered dot; one that waits, having no edge drawn, is shown only while it is lit."""
    x, y = at
    radius = 12 + 6 * node.weight / (max(n.weight for n in nodes) or 1.0)
    return (
        f'<g class="hg-node{" hg-waits" if waits else ""}" data-key="{region_key(node.index)}">'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{HIGHLIGHT if place <= MARKED else NODE}" stroke="#fff" '
        f'stroke-width="2"><title>{place} {escape(node.label)}: node weight {number(node.weight)}</title></circle>'
        f'<text x="{x:.1f}" y="{y + 6:.1f}" font-size="17" font-weight="600" fill="#fff" text-anchor="middle" '
        f'pointer-events="none">{place}</text></g>'
    )


def _clear_of(x: float, y: float, others: list[tuple[float, float]], height: float) -> tuple[float, float]:
    """The place nearest to (x, y), on a spiral around it, where a node covers no other."""
    for step in range(160):
        turn = step * 2.4  # radians, near the golden angle: an even spiral
        px, py = x + 5 * step**0.5 * math.cos(turn), y + 5 * step**0.5 * math.sin(turn)
        inside = 18 <= px <= WIDTH - 18 and 18 <= py <= max(height - 18, 18)
        if inside and all((px - a) ** 2 + (py - b) ** 2 > 32**2 for a, b in others):
            return px, py
    return x, y


def text_graph_drawing(explanation: Explanation) -> str:
    """The sentence's graph: words in their order on a line, the global node before them, edges as arcs above."""
    graph, kept = text_edges(explanation)
    at, right = {}, 8.0
    for n in range(len(graph)):
        wide = max(11.5 * min(len(graph.nodes[n]["label"]), 24) + 18, 46)
        at[n] = right + wide / 2
        right += wide
    width, spread = max(right + 8, 320.0), max(at.values()) - min(at.values())
    top = min(0.42 * spread, 190.0) + 24
    shapes = []
    for i, j, weight in reversed(kept):
        lift = 2 * (top - 24) * abs(at[i] - at[j]) / max(spread, 1)
        bend = f"M{at[i]:.1f} {top} Q{(at[i] + at[j]) / 2:.1f} {top - max(lift, 30):.1f} {at[j]:.1f} {top}"
        arc = (
            f'<path d="{bend}" fill="none" stroke="{EDGE}" stroke-opacity=".85" '
            f'stroke-width="{_line_width(weight, kept):.1f}">{_edge_hint(graph, i, j)}</path>'
        )
        shapes.append(_edge(graph, i, j, arc))
    largest = max((node.weight for node in explanation.words), default=0.0) or 1.0
    first = {node.index + 1 for node in strongest(explanation.words)[:1]}
    shapes += [_word_node(graph.nodes[n], x, top, largest, n in first) for n, x in at.items()]
    heaviest = "; ".join(_edge_text(graph, i, j) for i, j, _ in kept[:3])
    return (
        f'{SCROLLS}<svg class="hg-drawing" viewBox="0 0 {width:.0f} {top + 54:.0f}" role="img" '
        f'style="min-width:{0.62 * width:.0f}px;max-width:{1.2 * width:.0f}px" '
        f'aria-label="The sentence\'s graph; heaviest edges: {heaviest}">{"".join(shapes)}</svg></div>'
    )


def _word_node(data: dict[str, Any], x: float, top: float, largest: float, first: bool) -> str:
    """A word as a dot, the sentence as a square, with the text under it."""
    colour, label = HIGHLIGHT if first else NODE, escape(data["label"], 24)
    is_sentence = data["key"] == GLOBAL_KEY
    if is_sentence:
        mark = f'<rect x="{x - 13:.1f}" y="{top - 13}" width="26" height="26" rx="3" fill="{colour}" stroke="#fff"/>'
        style, key = 'font-style="italic"', ""
    else:
        radius = 6 + 10 * data["weight"] / largest
        mark = (
            f'<circle cx="{x:.1f}" cy="{top}" r="{radius:.1f}" fill="{colour}" stroke="#fff"><title>{label}: node weight '
            f"{number(data['weight'])}</title></circle>"
        )
        style, key = f'font-weight="{700 if first else 400}"', f' class="hg-node" data-key="{data["key"]}"'
    return (
        f'<g{key}>{mark}<text class="hg-ink" x="{x:.1f}" y="{top + 42}" font-size="20" text-anchor="middle" {style}>'
        f"{label}</text></g>"
    )


def _edge(graph: nx.Graph, i: int, j: int, shape: str) -> str:
    return f'<g class="hg-edge" data-edge="{graph.nodes[i]["key"]} {graph.nodes[j]["key"]}">{shape}</g>'


def _line_width(weight: float, kept: list[tuple[int, int, float]]) -> float:
    return 6 * weight / kept[0][2]


def _edge_text(graph: nx.Graph, i: int, j: int) -> str:
    names = (escape(graph.nodes[n]["label"]) for n in sorted((i, j)))
    return f"{' with '.join(names)} {number(graph.edges[i, j]['weight'])}"


def _edge_hint(graph: nx.Graph, i: int, j: int) -> str:
    return f"<title>{_edge_text(graph, i, j)}</title>"
