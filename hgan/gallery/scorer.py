"""All pictures or all captions of a gallery, scored against a query."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

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
            return similarity_to_all(query, self.flat, parameters), range(len(self.graphs))
        if rows is None:
            rows = self.index.candidates(query.global_node[0].numpy(), CANDIDATES)
        return similarity_to_all(query, self.graphs.flat(rows), parameters), rows
