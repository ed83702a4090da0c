"""The thresholds of detections, chosen on dev sets once the region encoder is trained: which detections are nodes, and which of
their labels are shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from tqdm import tqdm

from ..data.phrases import IOU as MEETS
from ..data.phrases import TEACHER
from ..data.readable import open_readable
from ..data.record import Box, Record
from ..encoding import to_pixels
from ..labels import label_index
from ..model.boxes import pairwise_iou
from ..model.hgan import HGANModel
from ..model.selection import CANDIDATES, Selection

PER_BOX = 1.4  # detections a known box, on the set that has most
RIGHT = 0.98  # of shown labels, where truth is exact
AGREE = 0.96  # of shown labels where a teacher's box lies, where it is not
LEAST = 0.05  # no lower score is looked at
BATCH = 32


@dataclass(frozen=True)
class Thresholds:
    """`score_threshold` and `label_threshold` of HGANConfig."""

    score: float
    label: float


@dataclass(frozen=True)
class Found:
    """All detections of one dev set, however low their scores."""

    scores: Float[Tensor, detections]
    certainty: Float[Tensor, detections]  # of their labels: what `label_threshold` is held against
    meets: Bool[Tensor, detections]  # a known box
    right: Bool[Tensor, detections]  # the label is that box's
    boxes: int  # known
    exact: bool  # whether all things are known: then a label on nothing is wrong


def choose(sets: Sequence[Found]) -> Thresholds:
    """The lowest thresholds with which every set keeps to PER_BOX, and to RIGHT or AGREE.

    Raises:
        ValueError: a set without known boxes.
    """
    if not sets or any(found.boxes == 0 for found in sets):
        raise ValueError("got a dev set without known boxes, but expected some on each to choose thresholds by")
    score = max(_lowest_score(found) for found in sets)
    return Thresholds(score, max(_lowest_certainty(found, score) for found in sets))


def _lowest_score(found: Found) -> float:
    allowed = int(PER_BOX * found.boxes)
    ordered = found.scores.sort(descending=True).values
    return LEAST if len(ordered) <= allowed else _above(ordered[allowed])


def _lowest_certainty(found: Found, score: float) -> float:
    counts = (found.scores >= score) & (found.meets | found.exact)
    certainty, order = found.certainty[counts].sort(descending=True)
    right = found.right[counts][order].double().cumsum(0) / torch.arange(1, len(order) + 1)
    good = (right >= (RIGHT if found.exact else AGREE)).nonzero()[:, 0]
    # Above the first that may not be shown; with none that may, nothing is.
    place = int(good[-1]) + 1 if len(good) else 0
    return LEAST if place == len(certainty) else _above(certainty[place])


def _above(value: Tensor) -> float:
    """The next thousandth that is surely larger, in single precision too, but no more than 1."""
    return min(1.0, (math.floor((value.item() + 1e-4) * 1000) + 1) / 1000)


@torch.no_grad()
def find(model: HGANModel, records: Sequence[Record], progress: bool = False) -> Found:
    """The detections of a dev set with known boxes; pictures that cannot be read are left out.

    Raises:
        ValueError: the model has no region encoder; no picture can be read.
    """
    # Suppression goes by falling score: what a lower threshold lets in takes nothing away from what a higher one leaves.
    everything = Selection(CANDIDATES, LEAST, model.config.nms_threshold)
    records = [record for record in records if record.regions is not None]
    exact = all(box.score == 1 for record in records for box in record.regions or ())
    parts, boxes = list[tuple[Tensor, ...]](), 0
    for start in tqdm(range(0, len(records), BATCH), desc="detections", unit="batch", disable=not progress):
        pictures, read, _ = open_readable(records[start : start + BATCH], model.config.image_size)
        if not pictures:
            continue
        detections = everything(model.encode_regions(to_pixels(pictures, model).to(model.device))[1])
        for row, record in enumerate(read):
            known = [box for box in record.regions or () if box.score >= TEACHER]
            boxes += len(known)
            real = detections.mask[row]
            kinds = torch.tensor([_index(box, model.config.labels) for box in known], dtype=torch.long)
            place = torch.tensor([box.box for box in known]).view(-1, 4)
            met = pairwise_iou(detections.boxes[row][real].cpu(), place) >= MEETS  # (detections, known)
            same = detections.labels[row][real].cpu()[:, None] == kinds
            scores, certainty = (value[row][real].cpu() for value in (detections.scores, detections.certainty))
            parts.append((scores, certainty, met.any(1), (met & same).any(1)))
    if not parts:
        raise ValueError("got no picture that can be read and whose boxes are known, but expected some to choose by")
    scores, certainty, meets, right = (torch.cat(column) for column in zip(*parts, strict=True))
    return Found(scores, certainty, meets, right, boxes, exact)


def _index(box: Box, labels: Sequence[str]) -> int:
    index = label_index(box.label, list(labels))
    return -2 if index is None else index  # the label of no detection
