"""Ten training steps, on whatever device there is: `python -m benchmarks.gpu_check.training CHECKPOINT DATA`, which prints JSON.

A process of its own, so that the CPU's run sees no GPU at all (CUDA_VISIBLE_DEVICES is empty). The trained weights are thrown
away, so that any split will do.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from typing import Any

import torch
from torch import nn

from hgan.training.config import TrainConfig
from hgan.training.trainer import Trainer

BATCH = 16


def losses(options: argparse.Namespace, out: str) -> list[dict[str, float]]:
    """Every loss of every step. No dropout: the devices draw other random numbers."""
    config = TrainConfig(
        data={options.data: 1}, dev=(options.data,), train_split=options.split, dev_split=options.split, out=out,
        start=options.checkpoint, seed=options.seed, epochs=1, batch_size=BATCH, limit=BATCH * options.steps, lr=1e-4,
        grounding_weight=0.2, precision=options.precision,
    )  # fmt: skip
    trainer = Trainer(config, progress=False)
    for module in trainer.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    found, step = [], trainer.train_step

    def noted(batch: Any) -> Any:
        values = step(batch)
        found.append({name: float(value) for name, value in values.items()})
        return values

    trainer.train_step = noted  # type: ignore[method-assign]
    trainer.run_epoch()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("data")
    parser.add_argument("--split", default="test")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    with tempfile.TemporaryDirectory() as out:
        found = losses(options, f"{out}/run")
    print(json.dumps({"device": "cuda" if torch.cuda.is_available() else "cpu", "losses": found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
