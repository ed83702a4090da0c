"""Region proposals: is a node a thing? Known boxes and detections are held against each other, and so are their labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...data.folder import Box
from ...labels import canonical, label_index
from ...model.boxes import pairwise_iou
from ...types import OBJECT, ImageGraph

THRESHOLDS = (0.5, 0.3)  # of IoU; everything but recall is read at the first


@dataclass(frozen=True)
class Known:
    """A known box, against the detection that overlaps it most."""

    kind: str
    iou: float
    labelled: bool  # whether that detection has a label
    right: bool  # whether that is the box's own


@dataclass(frozen=True)
class Detected:
    """A detection, against all known boxes."""

    meets: bool  # one of them
    again: bool  # only such as a detection with a higher score meets too
    labelled: bool
    right: bool  # whether its label is that of a box that it meets


def compare(image: ImageGraph, known: Sequence[Box], labels: Sequence[str]) -> tuple[list[Known], list[Detected]]:
    """The known boxes and the detections of the first picture.

    Args:
        image: the detections of a picture stand in the order of their scores.
        known: its boxes.
        labels: of the model.
    """
    real = image.mask[0] & (image.kinds[0] == OBJECT)
    found = image.labels[0][real].tolist()
    own = [label_index(box.label, list(labels)) for box in known]
    overlaps = pairwise_iou(torch.tensor([box.box for box in known]).view(-1, 4), image.boxes[0][real])
    boxes = []
    for row, box in enumerate(known):
        place = int(overlaps[row].argmax()) if found else None
        label = -1 if place is None else found[place]
        iou = 0.0 if place is None else overlaps[row, place].item()
        boxes.append(Known(canonical(box.label), iou, label >= 0, label >= 0 and label == own[row]))
    detections, taken = [], set[int]()
    for place, label in enumerate(found):
        met = (overlaps[:, place] >= THRESHOLDS[0]).nonzero()[:, 0].tolist()
        right = label >= 0 and any(own[row] == label for row in met)
        detections.append(Detected(bool(met), bool(met) and taken.issuperset(met), label >= 0, right))
        taken.update(met)
    return boxes, detections


def summarise(known: Iterable[Known], detected: Iterable[Detected], pictures: int) -> dict[str, Any]:
    """Percent over all known boxes, and over all detections.

    Args:
        known, detected: of `compare`, of all pictures.
        pictures: how many there were.

    Returns:
        `boxes` known; `proposals_per_picture`, `boxes_per_picture`, `proposals_per_box`; `recall` by IoU; `precision`: share of
        detections that meet a known box, and `repeated`: share that meet only what a better one meets; `label_accuracy` of
        boxes met by a detection with a label; `labels`: share of detections that are `shown` with one, how many of these are
        `right`, and how many of those where a known box lies `agree` with it; `kinds` with boxes, recall and label accuracy.
    """
    boxes, detections = list(known), list(detected)
    shown = [one for one in detections if one.labelled]
    kinds: dict[str, list[Known]] = defaultdict(list)
    for box in boxes:
        kinds[box.kind].append(box)
    return {
        "boxes": len(boxes),
        "proposals_per_picture": len(detections) / max(1, pictures),
        "boxes_per_picture": len(boxes) / max(1, pictures),
        "proposals_per_box": len(detections) / len(boxes) if boxes else None,
        "recall": {str(t): _recall(boxes, t) for t in THRESHOLDS},
        "precision": _percent(one.meets for one in detections),
        "repeated": _percent(one.again for one in detections),
        "label_accuracy": _accuracy(boxes),
        "labels": {
            "shown": _percent(one.labelled for one in detections),
            "right": _percent(one.right for one in shown),
            "agree": _percent(one.right for one in shown if one.meets),
        },
        "kinds": {
            kind: {"boxes": len(of_kind), "recall": _recall(of_kind), "label_accuracy": _accuracy(of_kind)}
            for kind, of_kind in sorted(kinds.items(), key=lambda entry: -len(entry[1]))
        },
    }


def _recall(boxes: list[Known], threshold: float = THRESHOLDS[0]) -> float | None:
    return _percent(box.iou >= threshold for box in boxes)


def _accuracy(boxes: list[Known]) -> float | None:
    return _percent(box.right for box in boxes if box.labelled and box.iou >= THRESHOLDS[0])


def _percent(values: Iterable[bool]) -> float | None:
    listed = list(values)
    return 100 * sum(listed) / len(listed) if listed else None
