"""Training: one loop, resumable at any step, stopped by name when something goes wrong."""

from __future__ import annotations

import copy
import math
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from tqdm import tqdm

from ..checkpoint import CHECKPOINT, device_of, place, save_checkpoint
from ..data.batch import Batch
from ..data.collate import Collate
from ..data.folder import read_dataset
from ..data.pictures import Pictures
from ..evaluation.level_weights import set_level_weights
from ..io.files import remove_unfinished, write_json
from ..io.locks import locked_folder
from ..io.replace import tidy
from ..io.terminal import note
from ..model.proposals import Proposals
from ..types import LEVELS, Regions
from .batches import loader
from .config import TrainConfig
from .criterion import Losses, compare
from .held_out import HeldOut
from .initialise import build_model
from .optimizer import freeze, freeze_statistics
from .records import training_set
from .region_cache import KnownRegions
from .run_folder import read_metrics, read_state, run_place, write_metrics, write_state
from .step import Collapse, Ledger, Step, TrainingError

__all__ = ["Trainer", "TrainingError"]

READ_EVERY = 25  # steps between two readings of the losses on a GPU


class Trainer:
    """One run of a `TrainConfig`. `run` starts or resumes it.

    Args:
        config: the run.
        progress: show progress bars.
        after_epoch: called with the folder of the run and all lines of its metrics, to draw them for example.
    """

    def __init__(
        self,
        config: TrainConfig,
        progress: bool = True,
        after_epoch: Callable[[Path, list[dict[str, Any]]], None] | None = None,
    ) -> None:
        self.config, self.progress, self.after_epoch = config, progress, after_epoch
        self.out = run_place(config)
        torch.manual_seed(config.seed)
        dev = {folder: read_dataset(folder, config.dev_split) for folder in config.dev}
        self.device = device_of("auto")
        self.model, self.processor = build_model(config)
        if config.level_weights is not None:
            set_level_weights(self.model, config.level_weights)
        place(self.model, self.device)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        if not (self.out / "train_config.json").exists():  # says whose folder this is, from the first file on
            write_json(self.out / "train_config.json", asdict(config))
        self.data = training_set(config, progress)
        self.known: KnownRegions | None = None
        self.pictures: Pictures | None = None
        self._look_at_pictures()
        size = self.model.config.image_size
        self.dev = {folder: HeldOut(own, size, self.device) for folder, own in dev.items()}
        self.collate = Collate(self.processor, list(self.model.config.labels))
        self.per_epoch = len(self.data.batches(config.batch_size))
        if self.per_epoch == 0:
            raise ValueError(f"got {len(self.data)} records, but expected at least one batch of {config.batch_size}")
        self.update = Step(self.model, config)
        self.step, self.evaluated, self.seconds = 0, 0, 0.0
        self.best, self.best_epoch = -math.inf, 0
        self.ledger = Ledger(READ_EVERY if self.device.type == "cuda" else 1, Collapse(config.margin))
        self.stop_requested = False

    def _look_at_pictures(self) -> None:
        """Decodes all pictures, or computes their regions, and leaves out those that cannot be read."""
        size = self.config.image_size or self.model.config.image_size
        if self.config.frozen_regions:
            self.known = KnownRegions(self.average, self.data.looks, self.out / "regions", self.progress)
            self.data.leave_out(self.known.unread)
        else:
            paths = [record.path for record in self.data.records]
            self.pictures = Pictures(paths, size, self.device, self.progress)
            self.data.leave_out(self.pictures.unread)

    @property
    def epoch(self) -> int:
        """Epochs begun so far: those trained through, and the last one where time ran out within it."""
        return -(-self.step // self.per_epoch)

    @property
    def total(self) -> int:
        """Steps of the whole run."""
        return self.config.epochs * self.per_epoch

    @property
    def time_is_up(self) -> bool:
        """Whether the run's minutes are spent."""
        return 0 < self.config.minutes * 60 <= self.seconds

    @property
    def finished(self) -> bool:
        """Whether the last step is evaluated, or dev has stood still for `patience` epochs."""
        last = self.step >= self.total or self.time_is_up
        return (last and self.evaluated == self.epoch) or self.evaluated - self.best_epoch >= self.config.patience

    def run(self) -> dict[str, Any]:
        """Trains until the last epoch, until the time is up or dev stands still, or until interrupted; resumes from
        `out`/state.pt where it exists.

        Returns:
            best rsum, its epoch, and whether the run is finished.

        Raises:
            TrainingError: loss not finite, or collapse.
            ValueError: another process trains there.
        """
        with locked_folder(self.out, "training"):
            return self._run()

    def _run(self) -> dict[str, Any]:
        remove_unfinished(self.out)
        tidy(self.out / "best", CHECKPOINT)
        self.resume()
        write_json(self.out / "train_config.json", asdict(self.config))
        handlers = {s: signal.signal(s, self._request_stop) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self.finished and self.run_epoch():
                self.finish_epoch()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return {"rsum": self.best, "epoch": self.best_epoch, "finished": self.finished}

    def run_epoch(self) -> bool:
        """The rest of the current epoch, or as much as there is time for; False if asked to stop (the state is saved)."""
        epoch, start = self.evaluated, self.step - self.evaluated * self.per_epoch
        self.data.epoch = epoch
        freeze(self.model, self.config, epoch)
        self.model.train()
        freeze_statistics(self.model)
        saved = before = time.monotonic()
        batches = loader(self.data, self.collate, self.config.batch_size, start, self.config.workers)
        bar = tqdm(
            batches, desc=f"epoch {epoch + 1}/{self.config.epochs}", initial=start, total=self.per_epoch,
            unit="batch", disable=not self.progress,
        )  # fmt: skip
        for batch in bar:
            if self.time_is_up:
                break
            losses = self.train_step(batch)
            self.ledger.add(f"step {self.step - 1} (epoch {epoch + 1}); the batch holds {', '.join(batch.ids)}", losses)
            now = time.monotonic()
            self.seconds, before = self.seconds + now - before, now
            bar.set_postfix(loss=f"{self.ledger.last:.3f}", refresh=False)
            if self.stop_requested or now - saved > 60 * self.config.save_minutes:
                self.save()
                saved = time.monotonic()
                if self.stop_requested:
                    return False
        return True

    def train_step(self, batch: Batch) -> Losses:
        """One optimiser step; returns the losses, on the device."""
        batch = batch.to(self.device, non_blocking=True)
        with self.update.autocast():
            regions, proposals = self._regions(batch)
            images = self.model.encode_image(regions=regions)
            texts = [self.model.encode_text(**block) for block in batch.text_blocks(self.update.text_block)]
        outputs = compare(self.model, images, texts, proposals)
        done = self.step / self.per_epoch
        share = self.seconds / (60 * self.config.minutes) if self.config.minutes else 0.0
        losses = self.update(outputs, batch, max(self.step, share * self.total), self.total, done)
        self.step += 1
        self._update_average()
        return losses

    def _regions(self, batch: Batch) -> tuple[Regions, Proposals | None]:
        if self.known is not None:
            return self.known(batch.looks).to(self.device), None
        assert self.pictures is not None
        seen = self.pictures([path for path, _ in batch.looks], batch.windows, batch.mirror, batch.light)
        settings = self.model.config
        return self.model.encode_regions((seen - settings.image_mean) / settings.image_std)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))  # short memory at first
        pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
        # What rests keeps its very bits: a lerp of equal values turns -0.0 into 0.0.
        moving = [(old, new) for old, new in pairs if new.requires_grad]
        torch._foreach_lerp_([old for old, _ in moving], [new for _, new in moving], 1 - decay)

    def finish_epoch(self) -> None:
        """Dev evaluation of the averaged weights, metrics, curve, checkpoint."""
        losses, start = self.ledger.means(), time.monotonic()
        results = {f: held.score(self.average, self.processor).metrics() for f, held in self.dev.items()}
        rsums = {name: mean(result[name].rsum for result in results.values()) for name in ("score", *LEVELS)}
        rsum = rsums.pop("score")
        line = {
            "epoch": self.epoch,
            "step": self.step,
            **losses,
            "rsum": rsum,
            **{f"rsum_{name}": value for name, value in rsums.items()},
            "dev": {
                Path(folder).name: {name: metrics.to_json() for name, metrics in result.items()}
                for folder, result in results.items()
            },
            "level_weights": self.average.similarity_parameters.level_weights.tolist(),
            "temperature": self.average.similarity_parameters.temperature.item(),
        }
        lines = [old for old in read_metrics(self.out) if old["epoch"] < self.epoch] + [line]
        write_metrics(self.out, lines)
        if self.after_epoch:
            self.after_epoch(self.out, lines)
        self.evaluated = self.epoch
        if rsum > self.best:
            self.best, self.best_epoch = rsum, self.epoch
            save_checkpoint(self.average, self.processor, self.out / "best")
        self.seconds += time.monotonic() - start
        self.save()
        told = ", ".join(f"{Path(folder).name} {result['score'].rsum:.1f}" for folder, result in results.items())
        note(f"epoch {self.epoch}: loss {losses['loss']:.3f}, dev rsum {rsum:.1f} (best {self.best:.1f}): {told}")

    def save(self) -> None:
        """Everything that a resumed run needs, atomically."""
        self.ledger.read()
        state = {
            "model": self.model.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.update.optimizer.state_dict(), "step": self.step, "evaluated": self.evaluated,
            "seconds": self.seconds, "sums": self.ledger.sums, "best": self.best, "best_epoch": self.best_epoch,
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "collapse": self.ledger.collapse.seen, "config": asdict(self.config),
        }  # fmt: skip
        write_state(self.out, state)

    def resume(self) -> None:
        """Takes up `out`/state.pt where there is one.

        Raises:
            ValueError: as `read_state`.
        """
        state = read_state(self.out, self.config)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.update.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best, self.best_epoch = state["step"], state["best"], state["best_epoch"]
        self.evaluated, self.seconds = state["evaluated"], state["seconds"]
        self.ledger.sums, self.ledger.collapse.seen = state["sums"], state["collapse"]
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda_rng"])

    def _request_stop(self, *_: Any) -> None:
        self.stop_requested = True
