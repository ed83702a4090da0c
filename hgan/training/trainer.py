"""Training: one loop, resumable at any step, stopped by name when something goes wrong."""

from __future__ import annotations

import copy
import math
import signal
import time
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..checkpoint import CHECKPOINT, build_model, device_of, place, save_checkpoint
from ..data.folder import Record, read_dataset
from ..data.phrases import grounding_loss
from ..data.spatial import side_loss
from ..data.truth import SceneTruth, read_truth
from ..evaluation.evaluate import evaluate
from ..evaluation.level_weights import set_level_weights
from ..io.files import remove_unfinished, write_json
from ..io.locks import locked_folder
from ..io.replace import tidy
from ..io.terminal import note
from ..model.proposals import Proposals, proposal_loss
from ..model.similarity import join_columns
from ..types import LEVELS, Regions, concatenate
from ..visualize.curve import training_curve
from .batches import Batch, Collate, TrainingSet, loader
from .config import TrainConfig
from .losses import objective
from .optimizer import freeze, freeze_statistics, groups, schedule
from .region_cache import KnownRegions
from .run_folder import read_metrics, read_state, run_place, write_metrics, write_state
from .soft_targets import caption_meanings

TEXT_BLOCK = 64  # texts of like length that go through the sentence tower together


class TrainingError(RuntimeError):
    """The run cannot go on: a loss that is not finite, or collapsed embeddings."""


class Collapse:
    """Watches for the known collapse: with every embedding at one point, the hinge of each anchor stands still at 2
    x margin."""

    def __init__(self, margin: float, steps: int = 50) -> None:
        self.margin, self.steps, self.seen = margin, steps, 0

    def watch(self, hinge: float, spread: float) -> None:
        """Raises TrainingError after `steps` steps in a row at the collapsed value.

        Args:
            hinge: mean hinge of both directions.
            spread: standard deviation of the scores of the batch.
        """
        collapsed = abs(hinge - 2 * self.margin) < 0.02 * self.margin and spread < 0.01
        self.seen = self.seen + 1 if collapsed else 0
        if self.seen >= self.steps:
            raise TrainingError(
                f"the embeddings have collapsed to one point: the hinge loss stood at 2 x margin ({hinge:.4f}) for "
                f"{self.steps} steps. Begin hard negatives later (hinge_from) or stay with InfoNCE (hinge_weight=0)."
            )


class Trainer:
    """One run of a `TrainConfig`. `run` starts or resumes it.

    Args:
        config: the run.
        progress: show progress bars.
    """

    def __init__(self, config: TrainConfig, progress: bool = True) -> None:
        self.config, self.progress = config, progress
        self.out = run_place(config)
        torch.manual_seed(config.seed)
        self.dev = {folder: read_dataset(folder, config.dev_split) for folder in config.dev}
        self.device = device_of("auto")
        self.model, self.processor = build_model(config)
        if config.level_weights is not None:
            set_level_weights(self.model, config.level_weights)
        place(self.model, self.device)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        settings = self.model.config
        self.data = training_set(config, config.image_size or settings.image_size, progress)
        self.known: KnownRegions | None = None
        if not (self.out / "train_config.json").exists():  # says whose folder this is, from the first file on
            write_json(self.out / "train_config.json", asdict(config))
        if config.frozen_regions:
            self.known = KnownRegions(self.average, self.data.looks, self.out / "regions", progress)
            self.data.leave_out(self.known.unread)
        self.collate = Collate(self.processor, list(settings.labels), settings.image_mean, settings.image_std)
        self.per_epoch = len(self.data.batches(config.batch_size))
        if self.per_epoch == 0:
            raise ValueError(f"got {len(self.data)} records, but expected at least one batch of {config.batch_size}")
        self.optimizer = torch.optim.AdamW(groups(self.model, config), fused=True)
        self.bf16 = config.precision == "bfloat16" or (config.precision == "auto" and self.device.type == "cuda")
        self.step, self.evaluated = 0, 0
        self.best, self.best_epoch = -math.inf, 0
        self.sums: dict[str, float] = {}  # of the losses of the current epoch's steps, and how many there were
        self.collapse = Collapse(config.margin)
        self.stop_requested = False

    @property
    def epoch(self) -> int:
        """Epochs trained through, whether evaluated yet or not."""
        return self.step // self.per_epoch

    @property
    def finished(self) -> bool:
        """Whether the last epoch is evaluated, or dev has stood still for `patience` epochs."""
        return self.evaluated >= self.config.epochs or self.evaluated - self.best_epoch >= self.config.patience

    def run(self) -> dict[str, Any]:
        """Trains until the last epoch, until dev stands still, or until interrupted; resumes from `out`/state.pt
        where it exists.

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
        """The rest of the current epoch; False if asked to stop (the state is saved)."""
        epoch, start = self.evaluated, self.step - self.evaluated * self.per_epoch
        self.data.epoch = epoch
        freeze(self.model, self.config, epoch)
        self.model.train()
        freeze_statistics(self.model)
        saved = time.monotonic()
        batches = loader(self.data, self.collate, self.config.batch_size, start, self.config.workers)
        bar = tqdm(
            batches, desc=f"epoch {epoch + 1}/{self.config.epochs}", initial=start, total=self.per_epoch,
            unit="batch", disable=not self.progress,
        )  # fmt: skip
        for batch in bar:
            values = self.train_step(batch)
            for name, value in {**values, "steps": 1.0}.items():
                self.sums[name] = self.sums.get(name, 0.0) + value
            bar.set_postfix(loss=f"{values['loss']:.3f}")
            if self.stop_requested or time.monotonic() - saved > 60 * self.config.save_minutes:
                self.save()
                saved = time.monotonic()
                if self.stop_requested:
                    return False
        return True

    def train_step(self, batch: Batch) -> dict[str, float]:
        """One optimiser step; returns the losses."""
        config = self.config
        ids = batch.ids
        batch = batch.to(self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * schedule(self.step, config, self.per_epoch)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            regions, proposals = self._regions(batch)
            image_graph = self.model.encode_image(regions=regions)
            text_graphs = [self.model.encode_text(**block) for block in batch.text_blocks(TEXT_BLOCK)]
        table = join_columns([self.model.similarity(image_graph, graph) for graph in text_graphs])
        ramp = min(1.0, max(0.0, self.step / self.per_epoch - config.hinge_from))
        scale = self.model.logit_scale.float().exp().clamp(max=100)
        matching, hinge = objective(
            table, batch.owner, scale, batch.rivals, batch.teacher, hinge_weight=config.hinge_weight * ramp,
            level_weight=config.level_weight, teacher_weight=config.teacher_weight,
            teacher_temperature=config.teacher_temperature, margin=config.margin,
        )  # fmt: skip
        loss, detection = matching, torch.zeros(())
        if config.detection_weight and proposals is not None:
            detection = proposal_loss(
                proposals, batch.boxes, batch.labels, batch.scores, batch.box_mask, batch.has_boxes
            )
            loss = loss + config.detection_weight * detection
        grounding, sides = torch.zeros(()), torch.zeros(())
        if config.grounding_weight and any(batch.namings):
            text_graph, temperature = concatenate(text_graphs), self.model.similarity_parameters.temperature
            grounding = grounding_loss(image_graph, text_graph, batch.owner, batch.namings, temperature)
            loss = loss + config.grounding_weight * grounding
            if config.side_weight:
                sides = side_loss(image_graph, text_graph, batch.owner, batch.sides)
                loss = loss + config.side_weight * sides
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.step} (epoch {self.epoch + 1}); the batch holds {', '.join(ids)}"
            )
        if config.hinge_weight * ramp > 0:
            self.collapse.watch(hinge.item(), table.score.std().item())
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._update_average()
        return {
            "loss": loss.item(), "matching": matching.item(), "detection": detection.item(), "hinge": hinge.item(),
            "grounding": grounding.item(), "sides": sides.item(),
        }  # fmt: skip

    def _regions(self, batch: Batch) -> tuple[Regions, Proposals | None]:
        if self.known is not None:
            return self.known(batch.looks).to(self.device), None
        assert batch.pixel_values is not None
        return self.model.encode_regions(batch.pixel_values)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))  # short memory at first
        for old, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
            if new.requires_grad:  # what rests keeps its very bits: a lerp of equal values turns -0.0 into 0.0
                old.lerp_(new, 1 - decay)

    def finish_epoch(self) -> None:
        """Dev evaluation of the averaged weights, metrics, curve, checkpoint."""
        results = {
            folder: evaluate(self.average, self.processor, records, progress=self.progress)
            for folder, records in self.dev.items()
        }
        rsums = {name: mean(result[name].rsum for result in results.values()) for name in ("score", *LEVELS)}
        rsum = rsums.pop("score")
        steps = self.sums.pop("steps")
        losses = {name: total / steps for name, total in self.sums.items()}
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
        training_curve(lines, self.out / "curve.png")
        self.evaluated, self.sums = self.epoch, {}
        if rsum > self.best:
            self.best, self.best_epoch = rsum, self.epoch
            save_checkpoint(self.average, self.processor, self.out / "best")
        self.save()
        told = ", ".join(f"{Path(folder).name} {result['score'].rsum:.1f}" for folder, result in results.items())
        note(f"epoch {self.epoch}: loss {losses['loss']:.3f}, dev rsum {rsum:.1f} (best {self.best:.1f}): {told}")

    def save(self) -> None:
        """Everything that a resumed run needs, atomically."""
        state = {
            "model": self.model.state_dict(), "average": self.average.state_dict(), "optimizer": self.optimizer.state_dict(),
            "step": self.step, "evaluated": self.evaluated, "sums": self.sums, "best": self.best,
            "best_epoch": self.best_epoch, "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [], "collapse": self.collapse.seen,
            "config": asdict(self.config),
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
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best, self.best_epoch = state["step"], state["best"], state["best_epoch"]
        self.evaluated, self.sums = state["evaluated"], state["sums"]
        self.collapse.seen = state["collapse"]
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda_rng"])

    def _request_stop(self, *_: Any) -> None:
        self.stop_requested = True


def training_set(config: TrainConfig, image_size: int, progress: bool = True) -> TrainingSet:
    """All records that an epoch passes through, with the teacher's word on captions where it is asked for."""
    records: list[Record] = []
    sources: list[int] = []
    meanings: list[Tensor | None] = []
    truth: dict[str, SceneTruth] = {}
    for source, (folder, passes) in enumerate(config.data.items()):
        own = [r for r in read_dataset(folder, config.train_split) if r.captions][: config.limit or None]
        # Exact facts say which captions are true of a picture: no softer word is wanted there.
        soft = config.teacher_weight > 0 and all(r.facts is None for r in own)
        meant = caption_meanings(config.text_encoder, own, progress) if soft else [None] * len(own)
        records += own * passes
        meanings += meant * passes
        sources += [source] * (len(own) * passes)
        if config.grounding_weight:
            truth |= read_truth(folder, config.train_split) or {}
    return TrainingSet(
        records,
        image_size,
        config.captions,
        config.crop,
        config.seed,
        sources,
        meanings,
        truth,
        config.grounding_weight > 0,
        config.false_captions,
        config.twins,
        not config.frozen_regions,
    )
