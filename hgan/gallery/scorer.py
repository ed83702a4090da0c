"""All pictures or all captions of a gallery, scored against a query."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ..model.edges import GeometryMap
from ..model.flat_edges import PackedPairs, packed_pairs
from ..model.packed import FlatGraphs, similarity_to_all
from ..model.similarity import SimilarityParameters
from ..types import ImageGraph, Similarity, TextGraph
from .index import CANDIDATES, EXACT_LIMIT, CandidateIndex
from .packed import RaggedGraphs

Graph = ImageGraph | TextGraph


class Scorer:
    """Graphs to compare queries with. Up to EXACT_LIMIT rows all are compared, of more only candidates.

    Args:
        graphs: of the gallery.
    """

    def __init__(self, graphs: RaggedGraphs) -> None:
        self.graphs = graphs
        self._pairs: tuple[GeometryMap, PackedPairs] | None = None

    @property
    def exact(self) -> bool:
        """Whether every row is compared."""
        return len(self.graphs) <= EXACT_LIMIT

    @cached_property
    def all(self) -> Graph:
        """Every row as one batch; only where `exact`."""
        return self.graphs.rows(range(len(self.graphs)))

    @cached_property
    def flat(self) -> FlatGraphs:
        """Every row without padding; only where `exact`."""
        return self.graphs.flat()

    @cached_property
    def index(self) -> CandidateIndex:
        """Of the global nodes."""
        return CandidateIndex(self.graphs.arrays["global_node"])

    def score(
        self, query: Graph, parameters: SimilarityParameters, rows: Sequence[int] | None = None
    ) -> tuple[Similarity, Sequence[int]]:
        """A sentence with pictures (one column) or a picture with captions (one row), and which rows of the gallery they are.

        Args:
            rows: these alone.
        """
        if rows is None and self.exact:
            return similarity_to_all(query, self.flat, parameters, self._edges(parameters)), range(len(self.graphs))
        if rows is None:
            rows = self.index.candidates(query.global_node[0].numpy(), CANDIDATES)
        return similarity_to_all(query, self.graphs.flat(rows), parameters), rows

    def _edges(self, parameters: SimilarityParameters) -> PackedPairs | None:
        """The edges of all pictures, mapped once for all searches with one model; None where there are none."""
        edges, things = parameters.edges, self.flat.regions
        if edges is None or things is None:
            return None
        known = self._pairs
        if known is None or known[0] is not edges.geometry:
            known = self._pairs = (edges.geometry, packed_pairs(things, edges))
        return known[1]
