"""Where the time of a training step goes: `python -m benchmarks.training configs/hgan_mini.py --steps 5 --batch-size 32`.

The run's own code is timed, not a copy of it: its functions are wrapped for the time of this benchmark, each part counts without
the parts inside it, and so the parts add up to the whole. The backward pass is one part. Beside it, in the same run and on the
same batches, the bare forward and backward of the two towers: what a step could not do without.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from hgan.data.batch import Batch
from hgan.data.collate import Collate
from hgan.data.pictures import Pictures
from hgan.model.hgan import HGANModel
from hgan.training.batches import TrainingSet, loader
from hgan.training.config import TrainConfig, load_train_config
from hgan.training.optimizer import freeze, freeze_statistics
from hgan.training.step import TEXT_BLOCK
from hgan.training.trainer import Trainer


class Clock:
    """Seconds by part; a part that runs inside another counts for itself alone."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.inside: list[float] = []  # seconds of the parts inside each part that is running
        self.device = device

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = self._now()
        self.inside.append(0.0)
        try:
            yield
        finally:
            whole = self._now() - start
            self.seconds[name] += whole - self.inside.pop()
            if self.inside:
                self.inside[-1] += whole

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted as a part."""

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return wrapper

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def parts_of(trainer: Trainer) -> list[tuple[Any, str, str]]:
    """What is timed: (owner, attribute, name of the part)."""
    model = trainer.model
    regions = model.regions
    assert regions is not None
    return [
        (TrainingSet, "__getitem__", "samples"),
        (Collate, "__call__", "collate"),
        (Pictures, "__call__", "crop and mirror"),
        (regions.backbone, "forward", "backbone"),
        (regions.pyramid, "forward", "pyramid"),
        (regions.head, "forward", "proposals"),
        (type(regions.selection), "__call__", "detections and NMS"),
        (regions, "forward", "RoIAlign and projections"),
        (model.text_encoder, "forward", "text encoder"),
        (model, "encode_words", "words"),
        (model, "graph_of_regions", "region graphs and MFAR"),
        (model, "graph_of_words", "word graphs and MFAR"),
        (model, "similarity", "similarity"),
        (trainer.update, "criterion", "losses"),
        (torch.Tensor, "backward", "backward"),
        (nn.utils, "clip_grad_norm_", "clip"),
        (trainer.update.optimizer, "step", "optimiser"),
        (trainer, "_update_average", "moving average"),
    ]


def bare_step(model: HGANModel, pixels: Tensor, batch: Batch, bf16: bool, whole_towers: bool) -> None:
    """Forward and backward of the two towers and nothing else.

    Args:
        pixels: of the batch, normalised.
        whole_towers: picture and sentence tower up to their graphs; else the pretrained networks alone.
    """
    with torch.autocast(pixels.device.type, dtype=torch.bfloat16, enabled=bf16):
        if whole_towers:
            out = [model.encode_image(pixels).nodes.float().sum()]
            out += [model.encode_text(**block).nodes.float().sum() for block in batch.text_blocks(TEXT_BLOCK)]
        else:
            assert model.regions is not None
            pixels = pixels.to(memory_format=torch.channels_last)
            out = [model.regions.backbone(pixels)[-1].float().sum()]
            for block in batch.text_blocks(TEXT_BLOCK):
                states = model.text_encoder(input_ids=block["input_ids"], attention_mask=block["attention_mask"])
                out.append(states.last_hidden_state.float().sum())
    torch.stack(out).sum().backward()
    model.zero_grad(set_to_none=True)


def measure(config: TrainConfig, steps: int) -> dict[str, Any]:
    """Times `steps` steps of a run, after one to warm up.

    Raises:
        ValueError: the run has fewer batches.
    """
    trainer = Trainer(config, progress=False)
    if trainer.per_epoch <= steps:
        raise ValueError(f"got a run of {trainer.per_epoch} batches an epoch, but expected more than {steps} steps")
    # All blocks are trained, as in the last epochs: the costliest step there is.
    freeze(trainer.model, config, config.frozen_epochs)
    trainer.model.train()
    freeze_statistics(trainer.model)
    batches = iter(loader(trainer.data, trainer.collate, config.batch_size, 0, config.workers))
    trainer.train_step(next(batches))
    clock, alone = Clock(trainer.device), Clock(trainer.device)
    towers = {"towers": True, "pretrained": False}
    for _ in range(steps):
        with ExitStack() as stack:
            for image_index, attribute, name in parts_of(trainer):
                wrapped = clock.timed(name, getattr(image_index, attribute))
                stack.enter_context(mock.patch.object(image_index, attribute, wrapped))
            with clock.part("loading"):
                batch = next(batches)
            with clock.part("the rest of a step"):
                trainer.train_step(batch)
        batch = batch.to(trainer.device)
        assert trainer.pictures is not None
        size = trainer.pictures.pixels.shape[-1]
        pixels = torch.rand(len(batch.ids), 3, size, size, device=trainer.device)
        for name, whole in towers.items():  # after each step, so that whatever else the machine does slows both
            with alone.part(name):
                bare_step(trainer.model, pixels, batch, trainer.update.bf16, whole)
    bare = {name: steps * config.batch_size / alone.seconds[name] for name in towers}
    total = sum(clock.seconds.values())
    pictures = steps * config.batch_size / total
    return {
        "machine": {
            "cpu": platform.processor() or platform.machine(), "threads": torch.get_num_threads(),
            "device": str(trainer.device), "torch": torch.__version__,
        },
        "steps": steps,
        "batch_size": config.batch_size,
        "captions": config.captions,
        "bf16": trainer.update.bf16,
        "workers": config.workers,
        "step_ms": 1000 * total / steps,
        "parts_ms": {name: 1000 * s / steps for name, s in sorted(clock.seconds.items(), key=lambda part: -part[1])},
        "pictures_per_s": pictures,
        "bare_pictures_per_s": bare,
        "ratio": {name: pictures / value for name, value in bare.items()},
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="a file such as configs/hgan_mini.py")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=0, help="in place of the run's")
    parser.add_argument("--limit", type=int, default=0, help="only so many records of each dataset")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    config = load_train_config(options.config)
    with tempfile.TemporaryDirectory() as out:
        changes = {
            "out": out,
            "batch_size": options.batch_size or config.batch_size,
            "limit": options.limit or config.limit,
        }
        # The teacher speaks once, before the run, and not in a step.
        report = measure(dataclasses.replace(config, **changes, teacher_weight=0.0), options.steps)
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    print(f"{report['machine']}, batch {report['batch_size']}, bf16 {report['bf16']}")
    print("| part | ms a step | share |\n|---|---|---|")
    for name, ms in report["parts_ms"].items():
        print(f"| {name} | {ms:.1f} | {100 * ms / report['step_ms']:.1f} % |")
    print(f"| all | {report['step_ms']:.1f} | 100 % |")
    for name, title in (("towers", "both whole towers"), ("pretrained", "the two pretrained networks")):
        print(
            f"{report['pictures_per_s']:.1f} pictures/s; bare forward and backward of {title}: "
            f"{report['bare_pictures_per_s'][name]:.1f}, ratio {report['ratio'][name]:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
