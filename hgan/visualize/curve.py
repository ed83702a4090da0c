"""The curve of a training run, drawn with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..io.files import atomic
from .charts import LEVEL_COLOURS


def draw_in(out: Path, metrics: list[dict[str, Any]]) -> None:
    """The curve of a run as `curve.png` in its folder; what a `Trainer` may be told to do after each epoch."""
    training_curve(metrics, out / "curve.png")


def training_curve(metrics: list[dict[str, Any]], path: Path) -> None:
    """Loss and dev rsum (of the score and of each level) by epoch, as a PNG."""
    from matplotlib.figure import Figure  # not needed to search, and not installed with the core

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [line["epoch"] for line in metrics]
    left.plot(epochs, [line["matching"] for line in metrics], color="black", label="matching")
    taught = [line for line in metrics if "detection" in line]
    if taught:
        numbers = [line["epoch"] for line in taught]
        left.plot(numbers, [line["detection"] for line in taught], color="grey", linestyle="--", label="detection")
    left.set(xlabel="epoch", title="training loss")
    left.legend()
    right.plot(epochs, [line["rsum"] for line in metrics], color="black", label="score")
    for level, colour in LEVEL_COLOURS.items():
        right.plot(epochs, [line[f"rsum_{level}"] for line in metrics], color=colour, label=level)
    right.set(xlabel="epoch", title="dev rsum")
    right.legend()
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=120)
