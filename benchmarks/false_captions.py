"""How often a scene scores its caption above a false version of it: `python -m benchmarks.false_captions --split dev`.

Chance is 50 %. A false version exchanges sides, colours, a number, a relation or a state, or two things, in a way that training
never uses (`hgan.data.hard_negatives`); each caption gives one of every kind that it can be made false by. What the texts alone
give away is measured by `benchmarks.text_only`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys

import torch

from hgan.checkpoint import load
from hgan.data.folder import read_dataset
from hgan.data.hard_negatives import KEPT_WAYS, WAYS
from hgan.data.readable import encode_records
from hgan.encoding import encode_texts
from hgan.model.similarity import score_table
from hgan.retrieval.retriever import default_checkpoint
from hgan.types import LEVELS

SEED = 0
ALL_WAYS = {**WAYS, **KEPT_WAYS}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default=default_checkpoint())
    parser.add_argument("--dataset", default="assets/toytown", help="a folder whose captions have exact facts")
    parser.add_argument("--split", default="test")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    records = read_dataset(options.dataset, options.split)
    rng = random.Random(SEED)
    pairs = [  # kind, row of the picture, true, false
        (kind, row, caption, false)
        for row, record in enumerate(records)
        for caption in record.captions
        for kind, way in ALL_WAYS.items()
        if (false := way(caption, rng)) is not None
    ]
    model, processor = load(options.checkpoint, options.device)
    images = encode_records(model, records, progress=True)
    texts = list(dict.fromkeys(text for _, _, *both in pairs for text in both))
    number = {text: n for n, text in enumerate(texts)}
    graphs = encode_texts(model, processor, texts, progress=True)
    table = score_table(images, graphs, model.similarity_parameters)
    rows = torch.tensor([row for _, row, _, _ in pairs])
    true, false = (torch.tensor([number[pair[place]] for pair in pairs]) for place in (2, 3))
    report = {}
    for kind in ALL_WAYS:
        own = torch.tensor([pair[0] == kind for pair in pairs])
        if not own.any():
            continue
        scores = {"score": table.score, **{level: table.levels[level] for level in LEVELS}}
        right = {name: (s[rows[own], true[own]] > s[rows[own], false[own]]).float() for name, s in scores.items()}
        report[kind] = {"pairs": int(own.sum())} | {n: round(100 * r.mean().item(), 1) for n, r in right.items()}
    print(json.dumps({"dataset": options.dataset, "split": options.split, "seed": SEED, **report}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
