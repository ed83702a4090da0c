"""Region proposals: how many known boxes have a detection on them, and whether it has the right label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from ...data.folder import Box
from ...labels import canonical, label_index
from ...model.boxes import pairwise_iou
from ...types import OBJECT, ImageGraph

THRESHOLDS = (0.5, 0.3)  # of IoU; labels are read at the first


def compare(image: ImageGraph, known: Sequence[Box], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Each known box against the detections of the first picture: `kind`, best `iou`, and whether that detection's label is
    the `right` one."""
    if not known:
        return []
    detections = image.mask[0] & (image.kinds[0] == OBJECT)
    boxes, found = image.boxes[0][detections], image.labels[0][detections].tolist()
    if not found:
        return [{"kind": canonical(box.label), "iou": 0.0, "right": False} for box in known]
    best = pairwise_iou(torch.tensor([box.box for box in known]), boxes).max(1)
    return [
        {"kind": canonical(box.label), "iou": iou, "right": found[place] == label_index(box.label, list(labels))}
        for box, iou, place in zip(known, best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def summarise(rows: Iterable[dict[str, Any]], pictures: int, proposals: int) -> dict[str, Any]:
    """Percent over all known boxes.

    Args:
        rows: of `compare`, of all pictures.
        pictures, proposals: how many there were.

    Returns:
        `boxes` known; `proposals_per_picture`, `boxes_per_picture`; `recall` by IoU; `label_accuracy` of boxes met at IoU 0.5;
        `kinds` with boxes, recall and label accuracy at IoU 0.5.
    """
    listed = list(rows)
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in listed:
        kinds[row["kind"]].append(row)
    return {
        "boxes": len(listed),
        "proposals_per_picture": proposals / max(1, pictures),
        "boxes_per_picture": len(listed) / max(1, pictures),
        "recall": {str(t): _recall(listed, t) for t in THRESHOLDS},
        "label_accuracy": _accuracy(listed),
        "kinds": {
            kind: {"boxes": len(of_kind), "recall": _recall(of_kind), "label_accuracy": _accuracy(of_kind)}
            for kind, of_kind in sorted(kinds.items(), key=lambda entry: -len(entry[1]))
        },
    }


def _recall(rows: list[dict[str, Any]], threshold: float = THRESHOLDS[0]) -> float | None:
    return 100 * sum(row["iou"] >= threshold for row in rows) / len(rows) if rows else None


def _accuracy(rows: list[dict[str, Any]]) -> float | None:
    met = [row for row in rows if row["iou"] >= THRESHOLDS[0]]
    return 100 * sum(row["right"] for row in met) / len(met) if met else None
