"""A faithfulness audit as one figure: what deletion costs, and how often the largest term lies on the right thing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..io.files import atomic
from .charts import LEVEL_COLOURS

if TYPE_CHECKING:  # imported where a figure is drawn: the core is installed without matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARK = "made by hgan audit"
_ORDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "top": ("largest term first", {"color": LEVEL_COLOURS["global"], "linewidth": 2}),
    "random": ("random order", {"color": "black", "linestyle": "--"}),
    "least": ("smallest term first", {"color": "grey", "linestyle": ":", "linewidth": 2}),
}
_SETS = {"all": "detections and context cells", "objects": "detections alone"}
_BASELINES = {"largest": "largest region", "random": "random region", "ceiling": "perfect choice"}


def audit_figure(report: Mapping[str, Any]) -> Figure:
    """Deletion curves of regions and of words, and the pointing game next to its baselines.

    Args:
        report: of `hgan.evaluation.faithfulness.audit`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.8), layout="constrained")
    regions, words, pointing = figure.subplots(1, 3)
    for axes, name in ((regions, "regions"), (words, "words")):
        _deletion(axes, name, report["deletion"].get(name))
    _pointing(pointing, report["pointing"])
    return figure


def is_audit_figure(data: bytes) -> bool:
    """Whether these are the bytes of such a picture: they carry a mark."""
    return MARK.encode() in data


def write_audit_figure(report: Mapping[str, Any], path: Path) -> None:
    """The figure as a picture of the path's kind (.png, .webp, .svg)."""
    figure, kind = audit_figure(report), path.suffix.removeprefix(".")
    marked: dict[str, dict[str, Any]] = {
        "png": {"metadata": {"Software": MARK}},
        "svg": {"metadata": {"Creator": MARK}},
        "webp": {"pil_kwargs": {"xmp": f"<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='{MARK}'/>".encode()}},
    }
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=110, format=kind, **marked[kind])


def _deletion(axes: Axes, name: str, result: Mapping[str, Any] | None) -> None:
    axes.set(xlabel=f"share of {name} removed", ylabel="mean drop of the score", title=f"deletion of {name}")
    if result is None:
        return
    for order, (label, style) in _ORDERS.items():
        axes.plot(result["shares"], result["curve"][order], label=label, **style)
    axes.legend(title=f"{result['pairs']} pairs, area between {result['area_between']:.4f}")


def _pointing(axes: Axes, result: Mapping[str, Any]) -> None:
    names = [f"{said}\n({_SETS[kind]})" for kind in _SETS for said in ("largest term", *_BASELINES.values())]
    keys = ("share", *_BASELINES)
    values = [result["regions"][kind][key] or 0.0 for kind in _SETS for key in keys]
    colours = [LEVEL_COLOURS["local"] if key == "share" else "#B8BDC4" for _ in _SETS for key in keys]
    bars = axes.barh(names[::-1], values[::-1], color=colours[::-1])
    axes.bar_label(bars, fmt="%.0f", padding=2)
    axes.set(xlim=(0, 110), xlabel="% of words that name a thing", title=f"pointing, {result['mentions']:,} mentions")
    axes.tick_params(axis="y", labelsize=7)
