"""What is trained how fast: the learning-rate schedule, parameter groups, and what rests."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn

from ..model.hgan import HGANModel
from .config import TrainConfig

EDGE_PARTS = ("predicates.", "geometry.", "log_edge_temperature")


def schedule(step: float, total: int, warmup: float) -> float:
    """Linear warm-up, then a cosine to zero: the factor on the peak learning rate.

    Args:
        step: steps done; with a part of one where the clock says that the run is further.
        total: steps of the whole run.
        warmup: share of the run that warms up.
    """
    first = max(1, int(warmup * total))
    if step < first:
        return (step + 1) / first
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - first) / max(1, total - first))))


def groups(model: HGANModel, config: TrainConfig) -> list[dict[str, Any]]:
    """Parameter groups by tower, and by whether they decay (matrices do, vectors and scalars do not)."""
    by_rate: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        rate = config.lr
        if name.startswith("regions.backbone."):
            rate = config.backbone_lr
        elif name.startswith("text_encoder."):
            rate = config.text_lr
        elif name.startswith(EDGE_PARTS):
            rate = config.edge_lr or config.lr
        by_rate.setdefault((rate, parameter.dim() > 1), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "peak": rate, "weight_decay": config.weight_decay if decays else 0.0}
        for (rate, decays), parameters in by_rate.items()
    ]


def freeze(model: HGANModel, config: TrainConfig, epoch: int) -> None:
    """The first blocks of the backbone rest for `frozen_epochs`, or the whole region encoder for good."""
    if model.regions is None:
        return
    if config.frozen_regions:
        model.regions.requires_grad_(False)
        return
    for block in model.regions.backbone.blocks()[: config.frozen_blocks]:
        block.requires_grad_(epoch >= config.frozen_epochs)


def freeze_statistics(model: HGANModel) -> None:
    """Batch norm keeps the statistics it came with: small batches would only add noise; its scale and shift are
    trained."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
