"""Sentence to picture on Toy Town, by caption tag: `python -m benchmarks.toytown [--gallery DIR]`.

A hit is any scene that the caption is true of (`caption_facts.jsonl`), not only the one it was written for.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from typing import Any

from hgan.data.folder import read_dataset
from hgan.retriever import ROOT, Retriever, default_gallery

RANKS = (1, 5, 10)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint")
    parser.add_argument("--gallery", default=default_gallery())
    parser.add_argument("--dataset", default=str(ROOT / "assets" / "toytown"))
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    retriever = Retriever.open(options.checkpoint, options.gallery, "cpu")
    with open(f"{options.dataset}/caption_facts.jsonl", encoding="utf-8") as file:
        facts: dict[str, Any] = {line["id"]: line["captions"] for line in map(json.loads, file)}
    found: dict[str, list[list[bool]]] = defaultdict(list)
    for record in read_dataset(options.dataset, options.split):
        if record.id not in retriever.gallery.row_of:
            continue
        for caption, fact in zip(record.captions, facts[record.id], strict=True):
            true = {f"{options.split}-{number:04d}" for number in fact["true_of"]}
            ids = [hit.id for hit in retriever.search(text=caption, k=max(RANKS)).hits]
            found[fact["tag"]].append([bool(true & set(ids[:k])) for k in RANKS])
    print(f"{len(retriever.gallery.items)} scenes, hits at rank {', '.join(map(str, RANKS))} in percent")
    for tag, rows in found.items():
        shares = [100 * sum(column) / len(rows) for column in zip(*rows, strict=True)]
        print(f"{tag:12}{len(rows):5} captions" + "".join(f"{share:7.1f}" for share in shares))
    return 0


if __name__ == "__main__":
    sys.exit(main())
