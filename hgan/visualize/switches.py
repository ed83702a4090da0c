"""What can be switched off in a pair, as choices for a page: words, regions and edges, each with its contribution.

Values are texts, so that a form or a link can carry them: "3" is word or region 3, "image:0:4" the edge of nodes 0 and 4 of the
picture's graph (node 0 is the global node, local node n is n + 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx

from ..retrieval.results import Explanation
from .graphs import image_edges, text_edges
from .pictures import strongest
from .waterfall import signed

Choice = tuple[str, str]  # what is shown, value
Edge = tuple[str, int, int]


@dataclass(frozen=True)
class Switches:
    """Choices of one pair, words in the order of the sentence, the rest from the strongest on."""

    words: list[Choice]
    regions: list[Choice]
    edges: list[Choice]


def switches(explanation: Explanation) -> Switches:
    """What can be switched off; edges are those that the explain page draws."""
    e = explanation
    edges: list[Choice] = []
    for side, name, (graph, kept) in (("image", "picture", image_edges(e)), ("text", "sentence", text_edges(e))):
        edges += [(_edge_label(name, graph, i, j, weight), f"{side}:{min(i, j)}:{max(i, j)}") for i, j, weight in kept]
    return Switches(
        [(f"{word.label} ({signed(word.total)})", str(word.index)) for word in e.words],
        [(f"{region.label} ({signed(region.total)})", str(region.index)) for region in strongest(e.regions)],
        edges,
    )


def _edge_label(side: str, graph: nx.Graph, i: int, j: int, weight: float) -> str:
    first, second = (graph.nodes[n]["label"] for n in sorted((i, j)))
    return f"{side}: {first} – {second} (attention {weight:.3f})"


def _whole(value: object) -> bool:
    """Whether a value is the number of a node, as text or as a number."""
    return isinstance(value, str | int) and str(value).isascii() and str(value).isdecimal() and len(str(value)) < 7


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def read_places(values: Sequence[str] | None) -> list[int]:
    """Words or regions as numbers; None is none of them.

    Raises:
        ValueError: something else than a whole number.
    """
    if isinstance(values, str) or not isinstance(values or [], Sequence):
        raise ValueError(f'got {_short(values)} to switch off, but expected a list, such as ["0"]')
    bad = [value for value in values or () if not _whole(value) or isinstance(value, bool)]
    if bad:
        raise ValueError(f"got {_short(bad[0])} to switch off, but expected the number of a word or a region, from 0")
    return [int(value) for value in values or ()]


def read_edges(values: Sequence[str] | None) -> list[Edge]:
    """Edges as (side, node, node); None is none of them.

    Raises:
        ValueError: something else than "image:0:4" or "text:1:2".
    """
    if isinstance(values, str) or not isinstance(values or [], Sequence):
        raise ValueError(f"got {_short(values)} to switch off, but expected a list, such as ['image:0:4']")
    edges: list[Edge] = []
    for value in values or ():
        side, *nodes = str(value).split(":", 3)
        if side not in ("image", "text") or len(nodes) != 2 or not all(_whole(node) for node in nodes):
            raise ValueError(
                f"got edge {_short(value)} to switch off, but expected one such as 'image:0:4' or 'text:1:2'"
            )
        edges.append((side, int(nodes[0]), int(nodes[1])))
    return edges
