"""How often FAISS candidates hold what the exact ranking finds: `python -m benchmarks.candidates --gallery DIR`.

Galleries of up to `hgan.gallery.index.EXACT_LIMIT` pictures are scored exactly; this says what a larger one would lose.
Queries are the gallery's own captions
(sentence to picture) and pictures (picture to sentence); recall is the share of the exact top 10 among the candidates.
"""

from __future__ import annotations

import argparse
import sys

import torch

from hgan.gallery.index import CandidateIndex
from hgan.model.similarity import score_table
from hgan.retrieval.retriever import Retriever, default_gallery
from hgan.types import ImageGraph, TextGraph

TOP = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--gallery", default=default_gallery())
    options = parser.parse_args()
    retriever = Retriever.open(options.checkpoint, options.gallery, "cpu")
    gallery = retriever.gallery
    images = gallery.images.rows(range(len(gallery.images)))
    texts = retriever.scorer(False).all
    assert isinstance(images, ImageGraph)
    assert isinstance(texts, TextGraph)
    exact = score_table(images, texts, retriever.parameters).score
    for name, table, queries, held in (
        ("sentence to picture", exact.T, texts.global_node, images.global_node),
        ("picture to sentence", exact, images.global_node, texts.global_node),
    ):
        index = CandidateIndex(held.numpy())
        wanted = table.topk(min(TOP, len(held)), 1).indices
        for share in (0.02, 0.05, 0.1, 0.2):
            count = max(TOP, int(share * len(held)))
            found = [
                torch.isin(row, torch.tensor(index.candidates(query.numpy(), count))).float().mean()
                for query, row in zip(queries, wanted, strict=True)
            ]
            recall = torch.stack(found).mean().item()
            print(f"{name}: {count} candidates of {len(held)} hold {100 * recall:.1f} % of the exact top {TOP}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
