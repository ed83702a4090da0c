"""One side of a gallery, all its pictures or all its captions: what a query is compared with."""

from __future__ import annotations

from functools import cached_property

from .index import CANDIDATES, EXACT_LIMIT, CandidateIndex
from .model.similarity import SimilarityParameters, score_table
from .ragged import RaggedGraphs
from .types import ImageGraph, Similarity, TextGraph

Graph = ImageGraph | TextGraph
COLUMN = 128  # pictures a block for a sentence alone: small blocks, as of a whole table, would cost more than they save


class Side:
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
        """Every row as one batch; only of a side that is `exact`."""
        return self.graphs.rows(range(len(self.graphs)))

    @cached_property
    def index(self) -> CandidateIndex:
        """Of the global nodes."""
        return CandidateIndex(self.graphs.arrays["global_node"])

    def compared(self, query: Graph) -> tuple[Graph, list[int]]:
        """Graphs to score a query with, and which rows they are."""
        if self.exact:
            return self.all, list(range(len(self.graphs)))
        rows = self.index.candidates(query.global_node[0].numpy(), CANDIDATES)
        return self.graphs.rows(rows), rows


def score(query: Graph, graphs: Graph, parameters: SimilarityParameters) -> Similarity:
    """Queries with graphs of the other kind: a sentence with pictures is one column, a picture with captions one row."""
    if isinstance(query, TextGraph):
        assert isinstance(graphs, ImageGraph)
        return score_table(graphs, query, parameters, images_per_block=COLUMN)
    assert isinstance(graphs, TextGraph)
    return score_table(query, graphs, parameters)
