"""One graph against many: what a search asks. The same levels as `hgan.model.similarity`, computed without any padding.

Both formulas of the levels are the same seen from a picture or from a sentence, so one function serves both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..types import FeatureGraph, Similarity, TextGraph
from .fp16 import HalfVectors
from .similarity import LN2, NOTHING, SimilarityParameters, scored, soft_maximum


@dataclass(frozen=True)
class FlatGraphs:
    """What the similarity reads of many graphs of one kind: the nodes of one after those of the one before."""

    global_node: Float[Tensor, "graphs dim"]
    nodes: HalfVectors | Float[Tensor, "nodes dim"]
    weights: Float[Tensor, nodes]
    counts: Int[Tensor, graphs]

    def __len__(self) -> int:
        return len(self.counts)


@torch.no_grad()
def similarity_to_all(query: FeatureGraph, others: FlatGraphs, parameters: SimilarityParameters) -> Similarity:
    """A sentence with pictures (one column), or a picture with sentences (one row).

    Args:
        query: one graph.
        others: graphs of the other kind.
    """
    own = query.nodes[0][query.mask[0]]  # (n, D)
    n = len(own)
    unit = LN2 * parameters.temperature
    seekers = torch.cat([own, query.global_node]) / unit  # its nodes, then its global node
    nodes = others.nodes
    terms = nodes.products(seekers) if isinstance(nodes, HalfVectors) else nodes @ seekers.T  # (N, n + 1), in units
    weights = terms.exp2()
    terms *= weights

    # Soft maxima over each graph's nodes, and of each of its nodes over the query's.
    found = unit * _sums(terms, others) / _sums(weights, others).clamp(min=NOTHING)
    for_others = unit * terms[:, :n].sum(1) / weights[:, :n].sum(1).clamp(min=NOTHING)
    by_own = found[:, :n] @ query.weights[0][query.mask[0]]
    by_others = _sums((for_others * others.weights)[:, None], others)[:, 0]

    to_own = others.global_node @ own.T  # (graphs, n)
    by_global = soft_maximum(to_own, torch.ones(n, dtype=torch.bool), parameters.temperature, 1)
    levels = {
        "global": others.global_node @ query.global_node[0],
        "local": (by_own + by_others) / 2,
        "cross": (found[:, n] + by_global) / 2,
    }
    shape = (-1, 1) if isinstance(query, TextGraph) else (1, -1)
    levels = {name: level.view(shape) for name, level in levels.items()}
    return scored(levels, parameters)


def _sums(values: Float[Tensor, "nodes columns"], graphs: FlatGraphs) -> Float[Tensor, "graphs columns"]:
    """Over the nodes of each graph; 0 where it has none."""
    starts = graphs.counts.cumsum(0) - graphs.counts
    return F.embedding_bag(torch.arange(len(values)), values, starts, mode="sum")  # far faster than segment_reduce
