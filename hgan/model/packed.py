"""One graph against many: what a search asks. The same levels as `hgan.model.similarity`, computed without any padding.

Where all levels read all nodes, their formulas are the same seen from a picture or from a sentence, so one function serves both
directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..types import CONTEXT, FeatureGraph, ImageGraph, Similarity, TextEdges, TextGraph
from .edges import edge_level
from .flat_edges import FlatThings, PackedPairs, packed_pairs, values_of_pictures, values_of_sentences
from .fp16 import HalfVectors
from .nodes import things_of
from .similarity import LN2, NOTHING, SimilarityParameters, scored, soft_maximum


@dataclass(frozen=True)
class FlatGraphs:
    """What the similarity reads of many graphs of one kind: the nodes of one after those of the one before."""

    global_node: Float[Tensor, "graphs dim"]
    nodes: HalfVectors | Float[Tensor, "nodes dim"]
    weights: Float[Tensor, nodes]
    counts: Int[Tensor, graphs]
    regions: FlatThings | None = None  # of pictures
    cross_weights: Float[Tensor, nodes] | None = None  # of sentences, where levels read different things
    relations: TextEdges | None = None  # of sentences, where the model has edge terms

    def __len__(self) -> int:
        return len(self.counts)


@torch.no_grad()
def similarity_to_all(
    query: FeatureGraph, others: FlatGraphs, parameters: SimilarityParameters, pairs: PackedPairs | None = None
) -> Similarity:
    """A sentence with pictures (one column), or a picture with sentences (one row).

    Args:
        query: one graph.
        others: graphs of the other kind.
        pairs: edges of the pictures, as `packed_pairs` gives them: for many searches of the same ones.
    """
    own = query.nodes[0][query.mask[0]]  # (n, D)
    unit = LN2 * parameters.temperature
    seekers = torch.cat([own, query.global_node]) / unit  # its nodes, then its global node
    nodes = others.nodes
    terms = nodes.products(seekers) if isinstance(nodes, HalfVectors) else nodes @ seekers.T  # (N, n + 1), in units
    edges = _edges(query, others, parameters, terms, pairs)
    weights = terms.exp2()
    terms *= weights
    if not parameters.levels_apart:
        local, cross = _together(query, others, parameters, terms, weights)
    elif isinstance(query, TextGraph):
        local, cross = _sentence_apart(query, others, parameters, terms, weights)
    else:
        assert isinstance(query, ImageGraph)
        local, cross = _picture_apart(query, others, parameters, terms, weights)
    if edges is not None:
        local = edges[1] * local + edges[0]
    levels = {"global": others.global_node @ query.global_node[0], "local": local, "cross": cross}
    shape = (-1, 1) if isinstance(query, TextGraph) else (1, -1)
    levels = {name: level.view(shape) for name, level in levels.items()}
    return scored(levels, parameters)


def _together(
    query: FeatureGraph, others: FlatGraphs, parameters: SimilarityParameters, terms: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Local and cross level where both read all nodes.

    Args:
        terms, weights: of all nodes of the others (rows) with the query's nodes and its global node (columns): exponentials,
            and cosines in units times these.
    """
    own = query.nodes[0][query.mask[0]]
    n, unit = len(own), LN2 * parameters.temperature
    # Soft maxima over each graph's nodes, and of each of its nodes over the query's.
    found = unit * _sums(terms, others) / _sums(weights, others).clamp(min=NOTHING)
    for_others = unit * terms[:, :n].sum(1) / weights[:, :n].sum(1).clamp(min=NOTHING)
    by_own = found[:, :n] @ query.weights[0][query.mask[0]]
    by_others = _sums((for_others * others.weights)[:, None], others)[:, 0]

    to_own = others.global_node @ own.T  # (graphs, n)
    by_global = soft_maximum(to_own, torch.ones(n, dtype=torch.bool), parameters.temperature, 1)
    return (by_own + by_others) / 2, (found[:, n] + by_global) / 2


def _sentence_apart(
    query: TextGraph, others: FlatGraphs, parameters: SimilarityParameters, terms: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """As `_together`, for a sentence where the local level reads things, and the cross level cells and the whole picture."""
    assert others.regions is not None
    assert query.cross_weights is not None
    own = query.nodes[0][query.mask[0]]
    n, unit = len(own), LN2 * parameters.temperature
    things, cells = others.regions.local[:, None], others.regions.cells[:, None]
    found = unit * _sums(terms[:, :n] * things, others) / _sums(weights[:, :n] * things, others).clamp(min=NOTHING)
    for_others = unit * terms[:, :n].sum(1) / weights[:, :n].sum(1).clamp(min=NOTHING)
    by_others = _sums((for_others * others.weights * others.regions.local)[:, None], others)[:, 0]
    by_own = found @ query.weights[0][query.mask[0]]

    on_cells, off_cells = _sums(terms * cells, others), _sums(weights * cells, others)  # (graphs, n + 1)
    by_cells = unit * on_cells[:, n] / off_cells[:, n].clamp(min=NOTHING)
    whole = others.global_node @ own.T / unit
    share = whole.exp2()
    by_words = unit * (on_cells[:, :n] + share * whole) / (off_cells[:, :n] + share)
    return (by_own + by_others) / 2, (by_cells + by_words @ query.cross_weights[0][query.mask[0]]) / 2


def _picture_apart(
    query: ImageGraph, others: FlatGraphs, parameters: SimilarityParameters, terms: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """As `_sentence_apart`, for a picture."""
    assert others.cross_weights is not None
    own, kinds = query.nodes[0][query.mask[0]], query.kinds[0][query.mask[0]]
    n, unit = len(own), LN2 * parameters.temperature
    cells = kinds == CONTEXT
    things = things_of(kinds, torch.ones_like(cells))
    found = unit * _sums(terms[:, :n], others) / _sums(weights[:, :n], others).clamp(min=NOTHING)
    by_own = found @ (query.weights[0][query.mask[0]] * things)
    for_others = unit * (terms[:, :n] @ things.float()) / (weights[:, :n] @ things.float()).clamp(min=NOTHING)
    by_others = _sums((for_others * others.weights)[:, None], others)[:, 0]

    by_cells = soft_maximum(others.global_node @ own.T, cells, parameters.temperature, 1)
    both = F.pad(cells.float(), (0, 1), value=1.0)
    words = unit * (terms @ both) / (weights @ both)
    by_words = _sums((words * others.cross_weights)[:, None], others)[:, 0]
    return (by_own + by_others) / 2, (by_cells + by_words) / 2


def _edges(
    query: FeatureGraph,
    others: FlatGraphs,
    parameters: SimilarityParameters,
    terms: Tensor,
    pairs: PackedPairs | None,
) -> tuple[Tensor, Tensor] | None:
    """What edges contribute to the local level of each of the others, and the share that nodes keep; None without edge terms."""
    edges = parameters.edges
    if edges is None:
        return None
    ratio = parameters.temperature / edges.temperature
    if isinstance(query, TextGraph):
        if query.relations is None or others.regions is None:
            return None
        pairs = packed_pairs(others.regions, edges) if pairs is None else pairs
        places = (query.mask[0].cumsum(0) - 1).clamp(min=0)  # of a node among the real ones
        values = values_of_pictures(query.relations, places, pairs, terms, ratio, edges, len(others))
        contributed, kept = edge_level(values[:, None], query.relations, edges.share)
        return contributed[:, 0], kept
    if others.relations is None or not isinstance(query, ImageGraph):
        return None
    starts = others.counts.cumsum(0) - others.counts
    values = values_of_sentences(query, others.relations, starts, terms, ratio, edges)
    contributed, kept = edge_level(values[None], others.relations, edges.share)
    return contributed[0], kept


def _sums(values: Float[Tensor, "nodes columns"], graphs: FlatGraphs) -> Float[Tensor, "graphs columns"]:
    """Over the nodes of each graph; 0 where it has none."""
    starts = graphs.counts.cumsum(0) - graphs.counts
    if not values.shape[1]:  # torch fails on these with several threads
        return values.new_zeros(len(starts), 0)
    return F.embedding_bag(torch.arange(len(values)), values, starts, mode="sum")  # far faster than segment_reduce
