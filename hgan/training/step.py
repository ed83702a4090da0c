"""One training step: what the trainer and the ablation have in common."""

from __future__ import annotations

import math

import torch
from torch import nn

from ..data.batch import Targets
from ..model.hgan import HGANModel
from .config import TrainConfig
from .criterion import Criterion, Losses, Outputs
from .optimizer import groups, schedule

# Texts of like length that go through the sentence tower together: few, that little is padding; many where work is cheap and
# starting it is not.
TEXT_BLOCK = 64
TEXT_BLOCK_CUDA = 512


class TrainingError(RuntimeError):
    """The run cannot go on: a loss that is not finite, or collapsed embeddings."""


class Step:
    """The optimiser of a model and its criterion.

    Args:
        model: on its device.
        config: the run.
    """

    def __init__(self, model: HGANModel, config: TrainConfig) -> None:
        self.model, self.config = model, config
        self.criterion = Criterion(config)
        self.device = model.device
        self.optimizer = torch.optim.AdamW(groups(model, config), fused=True)
        self.text_block = TEXT_BLOCK_CUDA if self.device.type == "cuda" else TEXT_BLOCK
        self.bf16 = config.precision == "bfloat16" or (config.precision == "auto" and self.device.type == "cuda")

    def autocast(self) -> torch.autocast:
        """What the forward pass runs in."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    def __call__(self, outputs: Outputs, targets: Targets, step: float, total: int, epoch: float) -> Losses:
        """Backward pass and update.

        Args:
            step, total: steps done, and of the whole run, for the learning rate.
            epoch: epochs done, with the part of the current one, for the hinge.

        Returns:
            The losses, detached, still on the device: reading one waits for all that is queued there.
        """
        config = self.config
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * schedule(step, total, config.warmup)
        ramp = min(1.0, max(0.0, epoch - config.hinge_from))
        losses = self.criterion(outputs, targets, config.hinge_weight * ramp)
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {name: value.detach() for name, value in losses.items()}


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


class Ledger:
    """Losses of steps that are done, read off the device every few steps, so that a step waits for nothing.

    Args:
        every: steps between two readings; 1 where nothing is queued.
        collapse: is shown the hinge.
    """

    def __init__(self, every: int, collapse: Collapse) -> None:
        self.every, self.collapse = every, collapse
        self.sums: dict[str, tuple[float, int]] = {}  # of each loss, and of how many steps
        self.last = 0.0  # the loss last read
        self.waiting: list[tuple[str, Losses]] = []

    def add(self, where: str, losses: Losses) -> None:
        """Takes the losses of a step.

        Args:
            where: step and pictures, in words.

        Raises:
            TrainingError: as `read`.
        """
        self.waiting.append((where, losses))
        if len(self.waiting) >= self.every:
            self.read()

    def read(self) -> None:
        """Adds up what waits.

        Raises:
            TrainingError: a loss is not finite, by its step and pictures; or the embeddings have collapsed.
        """
        waiting, self.waiting = self.waiting, []
        values = [value.float() for _, losses in waiting for value in losses.values()]
        numbers = iter(torch.stack(values).tolist() if values else [])
        for where, losses in waiting:
            read = {name: next(numbers) for name in losses}
            if not math.isfinite(read["loss"]):
                raise TrainingError(f"the loss is {read['loss']} at {where}")
            if "hinge" in read:
                self.collapse.watch(read["hinge"], read["spread"])
            for name, value in read.items():
                total, count = self.sums.get(name, (0.0, 0))
                self.sums[name] = (total + value, count + 1)
            self.last = read["loss"]

    def means(self) -> dict[str, float]:
        """The mean of each loss since the last call, over the steps that had it."""
        self.read()
        sums, self.sums = self.sums, {}
        return {name: total / count for name, (total, count) in sums.items()}
