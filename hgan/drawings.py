"""SVG drawings over a picture and along a sentence: regions, and the two graphs.

networkx holds the graphs. Coordinates inside a drawing are user units: a picture is WIDTH units wide, boxes are
normalised XYXY and scaled to it. Lines have a white edge under them, so that they show on any picture.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
from PIL import Image

from .charts import escape, number
from .types import MIN_EDGE, Explanation, NodeTerms

WIDTH = 640.0
HIGHLIGHT = "#D55E00"  # Okabe-Ito vermilion: no level has it
EDGE, NODE = "#56B4E9", "#0072B2"
Box = tuple[float, float, float, float]  # XYXY in drawing units
GLOBAL_NODE = 0  # of the edge matrices; local node n is n + 1
MARKED = 5  # regions that are highlighted
IMAGE_EDGES, MAX_TEXT_EDGES = 16, 36  # the heaviest, drawn
EDGES_EACH = 2  # of every highlighted region and of the whole picture, drawn as well


@dataclass(frozen=True)
class Picture:
    """A picture ready for a page: its data URI and its size in pixels."""

    uri: str
    width: int
    height: int

    @property
    def drawn_height(self) -> float:
        """In drawing units."""
        return WIDTH * self.height / self.width


def read_picture(path: Path) -> Picture:
    """A thumbnail file as it is.

    Raises:
        ValueError: missing or no picture.
    """
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            return _picture(data, image.format or "webp", image.size)
    except OSError:
        raise ValueError(f"{path.name}: got no picture there, but expected a thumbnail of the gallery") from None


def shrink_picture(image: Image.Image, longest: int = 640) -> Picture:
    """A decoded RGB picture, its longest side at most `longest` pixels."""
    small = image.copy()
    small.thumbnail((longest, longest))
    data = io.BytesIO()
    small.save(data, "WEBP", quality=85)
    return _picture(data.getvalue(), "webp", small.size)


def _picture(data: bytes, kind: str, size: tuple[int, int]) -> Picture:
    return Picture(f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}", *size)


def strongest(nodes: list[NodeTerms]) -> list[NodeTerms]:
    """Words or regions, the one that brought most first."""
    return sorted(nodes, key=lambda node: -node.total)


def numbered(regions: list[NodeTerms]) -> dict[int, int]:
    """Region index -> the number it has in every drawing: 1 for the one that brought most."""
    return {node.index: place for place, node in enumerate(strongest(regions), 1)}


def graph_of(nodes: list[NodeTerms], edges: list[list[float]], name: str) -> nx.Graph:
    """The undirected graph of a picture or a sentence: node 0 is the global node, an edge's weight is the mean attention
    of its two directions; edges below MIN_EDGE are left out.

    Args:
        edges: (1 + N) x (1 + N), attention of row on column.
        name: label of the global node.
    """
    graph: nx.Graph = nx.Graph()
    graph.add_node(GLOBAL_NODE, label=name, weight=0.0)
    graph.add_nodes_from((node.index + 1, {"label": node.label, "weight": node.weight}) for node in nodes)
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
    graph = graph_of(explanation.regions, explanation.image_edges, "whole picture")
    marked = [node.index + 1 for node in strongest(explanation.regions)[:MARKED]]
    return graph, top_edges(graph, IMAGE_EDGES, [GLOBAL_NODE, *marked])


def text_edges(explanation: Explanation) -> tuple[nx.Graph, list[tuple[int, int, float]]]:
    """The sentence's graph, and those of its edges that are drawn."""
    graph = graph_of(explanation.words, explanation.text_edges, "sentence")
    return graph, top_edges(graph, min(2 * len(graph), MAX_TEXT_EDGES))


def regions_drawing(regions: list[NodeTerms], picture: Picture) -> str:
    """The regions on the picture: the strongest with number and name, other objects as thin boxes, cells dashed."""
    place, height = numbered(regions), picture.drawn_height
    shapes, badges = [], []
    taken: list[Box] = []
    for node in reversed(strongest(regions)):
        x1, y1, x2, y2 = _scaled(node, height)
        strong = place[node.index] <= MARKED
        first = place[node.index] == 1
        dash = ' stroke-dasharray="10 7"' if node.kind == "context" else ""
        outline = f'x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}" fill="none"{dash}'
        hint = f"<title>{place[node.index]} {escape(node.label)}: {number(node.total, 4)}</title>"
        if strong:
            line = 6 if first else 3.5
            shapes.append(f'<rect {outline} stroke="#fff" stroke-width="{line + 3}"/>')
            shapes.append(f'<rect {outline} stroke="{HIGHLIGHT}" stroke-width="{line}">{hint}</rect>')
        else:
            shapes.append(f'<rect {outline} stroke="#fff" stroke-opacity=".55" stroke-width="1.5">{hint}</rect>')
    for node in strongest(regions)[:MARKED]:
        text = f"{place[node.index]} {node.label}"
        badge = _free_corner(_scaled(node, height), 13.0 * len(text) + 14, 30.0, height, taken)
        taken.append(badge)
        badges.append(
            f'<rect x="{badge[0]:.1f}" y="{badge[1]:.1f}" width="{badge[2] - badge[0]:.1f}" height="30" rx="4" '
            f'fill="{HIGHLIGHT}" stroke="#fff" stroke-width="1.5"/><text x="{(badge[0] + badge[2]) / 2:.1f}" '
            f'y="{badge[1] + 22:.1f}" font-size="22" font-weight="600" fill="#fff" text-anchor="middle">{escape(text, 32)}</text>'
        )
    names = ", ".join(node.label for node in strongest(regions)[:MARKED])
    return _over_picture(picture, f"The picture with its regions; strongest first: {names}", 1.0, shapes + badges)


def _scaled(node: NodeTerms, height: float) -> Box:
    """Box of a region in drawing units, XYXY, at least 2 units wide and high."""
    x1, y1, x2, y2 = node.box or (0.0, 0.0, 1.0, 1.0)
    x1, y1 = x1 * WIDTH, y1 * height
    return x1, y1, max(x2 * WIDTH, x1 + 2), max(y2 * height, y1 + 2)


def _free_corner(box: Box, width: float, tall: float, height: float, taken: list[Box]) -> Box:
    """Where a label of a box goes: the corner, or failing that the place down its side, that covers no other label."""
    x1, y1, x2, y2 = box
    spots = [(x1, y1), (x2 - width, y1), (x1, y2 - tall), (x2 - width, y2 - tall)]
    spots += [(x1, y1 + step * (tall + 2)) for step in range(1, 20)]
    spots = [(min(max(x, 2), max(WIDTH - width - 2, 2)), min(max(y, 2), max(height - tall - 2, 2))) for x, y in spots]
    free = (
        (x, y)
        for x, y in spots
        if all(x + width < t[0] or t[2] < x or y + tall < t[1] or t[3] < y for t in taken)
    )  # fmt: skip
    x, y = next(free, spots[0])
    return x, y, x + width, y + tall


def image_graph_drawing(explanation: Explanation, picture: Picture) -> str:
    """The picture's graph over the dimmed picture: regions at the centres of their boxes, the global node below.

    Numbers are those of `numbered`, node size is the learned node weight, line width the edge's weight.
    """
    graph, kept = image_edges(explanation)
    place, height, strip = numbered(explanation.regions), picture.drawn_height, 74.0
    at = {GLOBAL_NODE: (WIDTH / 2, height + strip - 22)}
    for node in strongest(explanation.regions):
        x1, y1, x2, y2 = _scaled(node, height)
        at[node.index + 1] = _clear_of((x1 + x2) / 2, (y1 + y2) / 2, list(at.values()), height)
    shapes = []
    for i, j, weight in reversed(kept):
        line = _line_width(weight, kept)
        path = f'x1="{at[i][0]:.1f}" y1="{at[i][1]:.1f}" x2="{at[j][0]:.1f}" y2="{at[j][1]:.1f}"'
        shapes.append(f'<line {path} stroke="#fff" stroke-opacity=".7" stroke-width="{line + 2:.1f}"/>')
        shapes.append(f'<line {path} stroke="{EDGE}" stroke-width="{line:.1f}">{_edge_hint(graph, i, j)}</line>')
    largest = max((node.weight for node in explanation.regions), default=0.0) or 1.0
    joined = {n for edge in kept for n in edge[:2]}
    for node in reversed(strongest(explanation.regions)):
        (x, y), first = at[node.index + 1], place[node.index] <= MARKED
        if not first and node.index + 1 not in joined:
            continue
        radius = 12 + 6 * node.weight / largest
        shapes.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{HIGHLIGHT if first else NODE}" stroke="#fff" '
            f'stroke-width="2"><title>{place[node.index]} {escape(node.label)}: node weight {number(node.weight)}</title>'
            f'</circle><text x="{x:.1f}" y="{y + 6:.1f}" font-size="17" font-weight="600" fill="#fff" '
            f'text-anchor="middle" pointer-events="none">{place[node.index]}</text>'
        )
    x, y = at[GLOBAL_NODE]
    shapes.append(
        f'<rect x="{x - 86}" y="{y - 17}" width="172" height="34" rx="4" fill="{NODE}" stroke="#fff" stroke-width="2"/>'
        f'<text x="{x}" y="{y + 7}" font-size="21" font-weight="600" fill="#fff" text-anchor="middle">whole picture</text>'
    )
    heaviest = "; ".join(_edge_text(graph, i, j) for i, j, _ in kept[:3])
    return _over_picture(picture, f"The picture's graph; heaviest edges: {heaviest}", 0.35, shapes, strip)


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
        shapes.append(
            f'<path d="{bend}" fill="none" stroke="{EDGE}" stroke-opacity=".85" '
            f'stroke-width="{_line_width(weight, kept):.1f}">{_edge_hint(graph, i, j)}</path>'
        )
    largest = max((node.weight for node in explanation.words), default=0.0) or 1.0
    first = {node.index + 1 for node in strongest(explanation.words)[:1]}
    for n, x in at.items():
        data, colour = graph.nodes[n], HIGHLIGHT if n in first else NODE
        if n == GLOBAL_NODE:
            mark = (
                f'<rect x="{x - 13:.1f}" y="{top - 13}" width="26" height="26" rx="3" fill="{colour}" stroke="#fff"/>'
            )
        else:
            mark = (
                f'<circle cx="{x:.1f}" cy="{top}" r="{6 + 10 * data["weight"] / largest:.1f}" fill="{colour}" '
                f'stroke="#fff"><title>{escape(data["label"])}: node weight {number(data["weight"])}</title></circle>'
            )
        style = 'font-style="italic"' if n == GLOBAL_NODE else f'font-weight="{700 if n in first else 400}"'
        shapes.append(
            f'{mark}<text class="hg-ink" x="{x:.1f}" y="{top + 42}" font-size="20" text-anchor="middle" {style}>'
            f"{escape(data['label'], 24)}</text>"
        )
    heaviest = "; ".join(_edge_text(graph, i, j) for i, j, _ in kept[:3])
    return (
        f'<div class="hg-scroll"><svg class="hg-drawing" viewBox="0 0 {width:.0f} {top + 54:.0f}" role="img" '
        f'style="min-width:{0.62 * width:.0f}px;max-width:{1.2 * width:.0f}px" '
        f'aria-label="The sentence\'s graph; heaviest edges: {heaviest}">{"".join(shapes)}</svg></div>'
    )


def _line_width(weight: float, kept: list[tuple[int, int, float]]) -> float:
    return 6 * weight / kept[0][2]


def _edge_text(graph: nx.Graph, i: int, j: int) -> str:
    names = (escape(graph.nodes[n]["label"]) for n in sorted((i, j)))
    return f"{' with '.join(names)} {number(graph.edges[i, j]['weight'])}"


def _edge_hint(graph: nx.Graph, i: int, j: int) -> str:
    return f"<title>{_edge_text(graph, i, j)}</title>"


def _over_picture(picture: Picture, text: str, opacity: float, shapes: list[str], below: float = 0.0) -> str:
    height = picture.drawn_height
    return (
        f'<svg class="hg-drawing" viewBox="0 0 {WIDTH:.0f} {height + below:.0f}" role="img" '
        f'aria-label="{escape(text)}"><rect width="{WIDTH:.0f}" height="{height:.0f}" fill="#000"/>'
        f'<image href="{picture.uri}" width="{WIDTH:.0f}" height="{height:.0f}" preserveAspectRatio="none" '
        f'opacity="{opacity}"/>{"".join(shapes)}</svg>'
    )
