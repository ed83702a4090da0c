"""How far a text alone tells which of two captions is false: `python -m benchmarks.text_only`. Nothing is seen here; chance is 50 %.

A linear model on pairs of words and triples (hashed) learns on captions of `--train` and false versions of them, and is asked about
those of `--split`: how often it prefers the true caption to its false version. What it finds is a shortcut that a model of pictures
and texts could take too; read every figure of `benchmarks.false_captions` beside it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import torch
import torch.nn.functional as F
from torch import nn

from hgan.data.hard_negatives import KEPT_WAYS, WAYS

SEED, SIZE, EPOCHS = 0, 2**16, 12
ROOT = Path(__file__).parents[1]


def features(caption: str) -> list[int]:
    """Hashed runs of one to three words."""
    words = ["^", *re.findall(r"\w+|[.,;:]", caption.lower()), "$"]
    runs = [words[n : n + size] for size in (1, 2, 3) for n in range(len(words) - size + 1)]
    return sorted({crc32(" ".join(run).encode()) % SIZE for run in runs})


def pairs(path: Path, split: str, rng: random.Random, ways: Sequence[str]) -> list[tuple[str, str, str]]:
    """Way, true caption, false caption, of every caption of a split by every way that fits it."""
    made = {**WAYS, **KEPT_WAYS}
    found = []
    for line in path.open(encoding="utf-8"):
        row = json.loads(line)
        for caption in row["captions"] if row["split"] == split else ():
            found += [(way, caption, false) for way in ways if (false := made[way](caption, rng)) is not None]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captions", type=Path, default=ROOT / "assets" / "toytown" / "captions.jsonl")
    parser.add_argument("--train", default="train", help="split to learn on (default: %(default)s)")
    parser.add_argument("--split", default="dev", help="split to be asked about (default: %(default)s)")
    options = parser.parse_args()
    rng = random.Random(SEED)
    torch.manual_seed(SEED)
    known = pairs(options.captions, options.train, rng, list(WAYS))
    asked = pairs(options.captions, options.split, rng, [*WAYS, *KEPT_WAYS])
    model = nn.EmbeddingBag(SIZE, 1, mode="sum")
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(EPOCHS):
        rng.shuffle(known)
        for start in range(0, len(known), 256):
            block = known[start : start + 256]
            loss = F.softplus(_score(model, [f for _, _, f in block]) - _score(model, [t for _, t, _ in block])).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    right: dict[str, list[bool]] = defaultdict(list)
    with torch.no_grad():
        lead = _score(model, [t for _, t, _ in asked]) - _score(model, [f for _, _, f in asked])
    for (way, _, _), value in zip(asked, lead.tolist(), strict=True):
        right[way].append(value > 0)
    report = {way: {"pairs": len(r), "right": round(100 * sum(r) / len(r), 1)} for way, r in right.items()}
    print(json.dumps({"train": options.train, "split": options.split, "seed": SEED, **report}, indent=2))
    return 0


def _score(model: nn.EmbeddingBag, captions: Sequence[str]) -> torch.Tensor:
    found = [features(caption) for caption in captions]
    starts = torch.tensor([0, *(len(f) for f in found[:-1])]).cumsum(0)
    return model(torch.tensor([n for f in found for n in f]), starts)[:, 0]


if __name__ == "__main__":
    sys.exit(main())
