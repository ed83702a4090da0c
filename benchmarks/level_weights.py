"""What each level is worth in a Toy Town gallery of the real size, without the test scenes: `python -m benchmarks.level_weights`.

The dev scenes are 200, too few to tell level weights apart. Here 800 training scenes are added as negatives, and sentences
are those captions of the dev scenes that are seldom true of other scenes (`full`, `relations`, `attributes`); a training
scene counts as a miss without being checked. It also says how much the other levels know that local does not. Needs
`python -m scripts.toytown more --split dev --out build/toytown-dev`.
"""

from __future__ import annotations

import argparse
import json
import sys

import torch

from hgan.checkpoint import load
from hgan.data.folder import read_dataset
from hgan.data.readable import encode_records
from hgan.encoding import encode_texts
from hgan.model.similarity import score_table, weighted_sum
from hgan.retrieval.retriever import default_checkpoint

TAGS = ("full", "relations", "attributes")
RIVALS = 800
WEIGHTS = (
    (1, 0, 0),
    (0, 1, 0),
    (0, 0, 1),
    (0.05, 0.9, 0.05),
    (0.1, 0.8, 0.1),
    (0.2, 0.6, 0.2),
    (0.2, 0.8, 0),
    (0, 0.8, 0.2),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default=default_checkpoint())
    parser.add_argument("--captions", default="build/toytown-dev", help="the dev scenes with more captions")
    parser.add_argument("--negatives", default="assets/toytown")
    options = parser.parse_args()
    scenes = read_dataset(options.captions, "dev")
    pictures = scenes + read_dataset(options.negatives, "train")[:RIVALS]
    row = {scene.id: n for n, scene in enumerate(scenes)}
    asked = [
        (caption, [row[id_] for id_ in fact.true_of])
        for scene in scenes
        for caption, fact in zip(scene.captions, scene.facts or (), strict=True)
        if fact.tag in TAGS
    ]
    truth = torch.zeros(len(pictures), len(asked), dtype=torch.bool)
    for column, (_, rows) in enumerate(asked):
        truth[rows, column] = True
    model, processor = load(options.checkpoint, "auto")
    texts = encode_texts(model, processor, [caption for caption, _ in asked], progress=True)
    table = score_table(encode_records(model, pictures, progress=True), texts, model.similarity_parameters)
    print(json.dumps({"scenes": len(scenes), "negatives": len(pictures) - len(scenes), "captions": len(asked)}))
    for weights in WEIGHTS:
        score = weighted_sum(table.levels, weights)
        best = score.masked_fill(~truth, -torch.inf).amax(0)
        before = ((score > best) & ~truth).sum(0)
        recalls = [100 * (before < k).float().mean().item() for k in (1, 5, 10)]
        print(f"{weights}: R@1, 5, 10 {', '.join(f'{r:.1f}' for r in recalls)}; sum {sum(recalls):.1f}")
    leads = {  # of the best picture that a caption is true of before the best other one
        name: level.masked_fill(~truth, -torch.inf).amax(0) - level.masked_fill(truth, -torch.inf).amax(0)
        for name, level in table.levels.items()
    }
    lost = leads["local"] < 0
    for name in ("global", "cross"):
        like = torch.corrcoef(torch.stack([leads[name], leads["local"]]))[0, 1].item()
        found = 100 * (leads[name][lost] > 0).float().mean().item()
        print(
            f"{name} and local: leads correlate by {like:.2f}; {name} is right in {found:.0f} % of what local gets wrong"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
