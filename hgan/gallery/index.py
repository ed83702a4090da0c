"""FAISS candidates for galleries too large to score exactly; the exact score re-ranks them (docs/architecture.md, section 7)."""

from __future__ import annotations

import numpy as np

EXACT_LIMIT = 10_000  # rows; up to here every row is scored
CANDIDATES = 500


class CandidateIndex:
    """Inner-product search over global nodes.

    Args:
        global_nodes: (rows, D), L2-normalised; copied in half precision.
    """

    def __init__(self, global_nodes: np.ndarray) -> None:
        import faiss  # here, as no smaller gallery needs it; after torch, so that there is one OpenMP

        dim = global_nodes.shape[1]
        self.index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self.index.train(np.asarray(global_nodes[:1], np.float32))
        for start in range(0, len(global_nodes), 10_000):  # a memory-mapped gallery never lies in memory whole
            self.index.add(np.asarray(global_nodes[start : start + 10_000], np.float32))

    def candidates(self, query: np.ndarray, count: int = CANDIDATES) -> list[int]:
        """Rows with the largest inner product with the query (D,), best first."""
        _, rows = self.index.search(np.asarray(query, np.float32)[None], min(count, self.index.ntotal))
        return [int(row) for row in rows[0] if row >= 0]
