"""Two matches of one query: the difference of their scores as a sum of steps. Numbers only."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import LEVELS
from .results import Comparison, Explanation, NodeTerms, Step


def compare_pairs(a: Explanation, b: Explanation, shared: str) -> Comparison:
    """Takes `a.score - b.score` apart.

    Args:
        a, b: explanations of one query with the same level weights.
        shared: "words" for a sentence query, "regions" for a picture query: the nodes that both pairs have.
    """
    words = shared == "words"
    difference = a.score - b.score
    levels = [Step(name, name, a.contributions[name] - b.contributions[name]) for name in LEVELS]
    (nodes_a, own_a), (nodes_b, own_b) = [(e.words, e.regions) if words else (e.regions, e.words) for e in (a, b)]
    steps = [
        Step("whole picture and whole sentence", "global", levels[0].value),
        *(Step(x.label, None, x.total - y.total, x.index) for x, y in zip(nodes_a, nodes_b, strict=True)),
        Step(
            "regions for the whole sentence" if words else "words for the whole picture",
            "cross",
            sum(node.cross for node in own_a) - sum(node.cross for node in own_b),
        ),
        *(edges := _edge_steps(a, b, words)),
    ]
    listed_a, listed_b = _contributed(own_a, 1.0), _contributed(own_b, -1.0)
    shared_cross = sum(x.cross - y.cross for x, y in zip(nodes_a, nodes_b, strict=True))
    views = {
        "levels": [step.value for step in levels],
        "nodes": [step.value for step in steps],
        "own": [levels[0].value, *(step.value for step in (*listed_a, *listed_b, *edges)), shared_cross],
    }
    return Comparison(
        query=a.query,
        gallery=a.gallery,
        a=a,
        b=b,
        difference=difference,
        levels=levels,
        words=steps if words else [],
        regions=[] if words else steps,
        regions_a=listed_a if words else [],
        regions_b=listed_b if words else [],
        words_a=[] if words else listed_a,
        words_b=[] if words else listed_b,
        check={name: abs(sum(values) - difference) for name, values in views.items()},
        timing_ms={"encode": a.timing_ms["encode"], "explain": a.timing_ms["explain"] + b.timing_ms["explain"]},
    )


def _edge_steps(a: Explanation, b: Explanation, words: bool) -> list[Step]:
    """What the edges add: each edge of a sentence query; of a picture query, whose captions have different ones, all at once."""
    if not a.edges and not b.edges:
        return []
    if not words:
        return [Step("pairs of words", "local", sum(e.total for e in a.edges) - sum(e.total for e in b.edges))]
    other = {(edge.first, edge.second): edge.total for edge in b.edges}
    return [Step(edge.label, "local", edge.total - other[edge.first, edge.second]) for edge in a.edges]


def _contributed(nodes: Sequence[NodeTerms], sign: float) -> list[Step]:
    return [Step(node.label, None, sign * node.total, node.index) for node in nodes]
