"""What each part brings: `python -m benchmarks.ablation --checkpoint runs/hgan_mini/best`.

Region and word features come from one checkpoint, extracted once (`benchmarks.features`); what comes after the region encoder and
the text encoder is trained anew on them (`benchmarks.heads`), without augmentation, for the same budget each, with several
seeds. So the figures compare with each other and not with those of a whole training. The detection loss teaches the region
encoder alone and cannot be left out here.

One line of JSON a finished run goes to the results file; started again, runs that stand there are passed over. As a table:
`python -m scripts.figures ablation FILE`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.features import extract
from benchmarks.heads import Pictures, head_of, phrases_of, score, train
from hgan.checkpoint import fingerprint, load
from hgan.data.folder import Record, read_dataset
from hgan.data.truth import read_truth
from hgan.io.places import file_place
from hgan.retrieval.retriever import default_checkpoint
from hgan.training.config import load_train_config
from hgan.training.records import training_set
from hgan.types import LEVELS


@dataclasses.dataclass(frozen=True)
class Variant:
    """What differs from the full model.

    Attributes:
        model: settings of HGANConfig.
        loss: settings of TrainConfig.
        cells: whether context cells are nodes.
        level: the only level that counts, in training and in the score.
    """

    model: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    loss: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    cells: bool = True
    level: str | None = None


VARIANTS = {
    "full model": Variant(),
    "no graph layer": Variant(model={"graph_layers": 0}),
    "no edges": Variant(model={"edge_bias": False}),
    "no mid-level nodes": Variant(model={"concepts": 0}),
    "no rearrangement": Variant(model={"rearrange": False}),
    "no context cells": Variant(cells=False),
    **{f"{level} level alone": Variant(level=level, loss={"level_weight": 0.0}) for level in LEVELS},
    "no level losses": Variant(loss={"level_weight": 0.0}),
    "no soft targets": Variant(loss={"teacher_weight": 0.0}),
    "no grounding": Variant(loss={"grounding_weight": 0.0}),
    "with hinge": Variant(loss={"hinge_weight": 1.0}),
}


# Features are of whole pictures and of true captions alone.
ALONE = {
    "frozen_regions": True,
    "mirrored_pairs": False,
    "false_captions": False,
    "false_weight": 0.0,
    "side_weight": 0.0,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="configs/hgan_mini.py", help="the run whose data and objective are taken")
    parser.add_argument("--checkpoint", default=default_checkpoint(), help="whose features are taken")
    parser.add_argument("--device", default="cpu", help="of the extraction; training chooses by itself")
    parser.add_argument(
        "--data", nargs="+", metavar="DIR", help="one pass through these an epoch, in place of the config's"
    )
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--captions", type=int, default=1, help="drawn for a picture and step, in place of the run's")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=0, help="records of each split, to try things out")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS), metavar="NAME")
    parser.add_argument("--cache", type=Path, default=Path("build/features"))
    parser.add_argument("--out", type=Path, default=Path("build/ablation.jsonl"))
    options = parser.parse_args(arguments)
    options.out = file_place(options.out, "python -m benchmarks.ablation", _is_results)
    run(options)
    print(f"{len(_read(options.out))} finished runs; as a table: python -m scripts.figures ablation {options.out}")
    return 0


def run(options: argparse.Namespace) -> None:
    """All variants and seeds that the results file does not hold yet."""
    encoder, processor = load(options.checkpoint, options.device)
    sha256 = fingerprint(encoder)
    config = load_train_config(options.config)
    changes: dict[str, Any] = {"epochs": options.epochs, "captions": options.captions, "limit": options.limit}
    if options.data:
        changes["data"] = dict.fromkeys(options.data, 1)
    config = dataclasses.replace(config, **changes, hinge_from=options.epochs // 2)
    budget = {
        "features": sha256[:12], "config": options.config, "epochs": config.epochs, "batch_size": config.batch_size,
        "captions": config.captions, "lr": config.lr, "limit": config.limit, "data": config.data,
    }  # fmt: skip
    done = {(line["variant"], line["seed"]) for line in _read(options.out) if line["budget"] == budget}
    wanted = [(v, s) for s in range(options.seeds) for v in options.variants if (v, s) not in done]
    if not wanted:
        return

    truth = {id_: scene for folder in {*config.data, *config.dev} for id_, scene in (read_truth(folder) or {}).items()}

    def pictures(records: list[Record]) -> Pictures:
        features = extract(encoder, processor, sha256, records, options.cache)
        return Pictures(features, records, phrases_of(records, truth, processor))

    data = training_set(dataclasses.replace(config, **ALONE))
    sets = {
        "train": pictures(list({record.path: record for record in data.records}.values())),
        **{Path(f).name: pictures(read_dataset(f, config.dev_split)[: config.limit or None]) for f in config.dev},
    }
    for number, (name, seed) in enumerate(wanted, 1):
        variant, start = VARIANTS[name], time.monotonic()
        torch.manual_seed(seed)
        data.seed = seed
        used = sets if variant.cells else {key: own.without_cells() for key, own in sets.items()}
        model = head_of(encoder.config, variant.model, variant.level)
        own = dataclasses.replace(config, **variant.loss)
        steps = train(model, data, used["train"], own, f"{number}/{len(wanted)} {name}, seed {seed}")
        line = {
            "variant": name, "seed": seed, "budget": budget, "steps": steps,
            "parameters": sum(p.numel() for n, p in model.named_parameters() if not n.startswith("text_encoder.")),
            "dev": {key: score(model, held) for key, held in used.items() if key != "train"},
            "seconds": round(time.monotonic() - start, 1),
        }  # fmt: skip
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        tqdm.write(f"{name}, seed {seed}: {line['dev']}", file=sys.stderr)


def _is_results(data: bytes) -> bool:
    try:
        return {"variant", "seed", "budget", "dev"} <= set(json.loads(data.splitlines()[0]))
    except (ValueError, TypeError):
        return False


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


if __name__ == "__main__":
    sys.exit(main())
