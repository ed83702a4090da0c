"""Which proposals become nodes: a node should be a thing, and be called by its name only where that is sure."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .boxes import batched_nms
from .proposals import Proposals

CANDIDATES = 100  # of a picture, before suppression; enough for 27 that stay


@dataclass(frozen=True)
class Detections:
    """The proposals that stay, the best first, padded to the most in the batch."""

    boxes: Float[Tensor, "batch regions 4"]  # normalised XYXY
    scores: Float[Tensor, "batch regions"]  # in [0, 1]
    labels: Int[Tensor, "batch regions"]  # -1 = not sure
    certainty: Float[Tensor, "batch regions"]  # of the likeliest label, in [0, 1]
    mask: Bool[Tensor, "batch regions"]


@dataclass(frozen=True)
class Selection:
    """How detections are chosen.

    Attributes:
        most: detections of a picture.
        score: least score of a detection.
        overlap: greatest IoU of two detections.
        overlap_between_labels: greatest IoU of two that are sure to be different kinds: a person on a motorcycle are two
            things. 0 asks no label.
        label: least certainty of a label that is shown: the score of its box times the probability of the label. 0 shows
            every label.
    """

    most: int
    score: float
    overlap: float
    overlap_between_labels: float = 0.0
    label: float = 0.0

    @torch.no_grad()
    def __call__(self, proposals: Proposals, padded: bool = False) -> Detections:
        """The detections of each picture.

        Args:
            padded: to `most` in every case, rather than to the most that a picture of the batch has. To ask a GPU how many there
                are makes everything wait for it.
        """
        scores, index = proposals.objectness.sigmoid().topk(min(CANDIDATES, proposals.objectness.shape[1]), 1)
        boxes = proposals.boxes.gather(1, index[..., None].expand(-1, -1, 4))
        logits = proposals.labels.gather(1, index[..., None].expand(-1, -1, proposals.labels.shape[-1]))
        labels = logits.argmax(-1)
        certainty = logits.softmax(-1).amax(-1) * scores
        if self.label:
            labels = labels.masked_fill(certainty < self.label, -1)
        keep = batched_nms(boxes, scores * (scores >= self.score), self._overlap(labels))
        order = keep.int().sort(dim=1, descending=True, stable=True).indices[:, : self.most]
        mask = keep.gather(1, order)
        if not padded:
            most = int(mask.sum(1).max())
            order, mask = order[:, :most], mask[:, :most]
        return Detections(
            boxes.gather(1, order[..., None].expand(-1, -1, 4)) * mask[..., None],
            scores.gather(1, order) * mask,
            labels.gather(1, order).masked_fill(~mask, -1),
            certainty.gather(1, order) * mask,
            mask,
        )

    def _overlap(self, labels: Int[Tensor, "batch n"]) -> float | Float[Tensor, "batch n n"]:
        if not self.overlap_between_labels:
            return self.overlap
        sure = labels >= 0
        different = (labels[:, :, None] != labels[:, None]) & sure[:, :, None] & sure[:, None]
        return torch.where(different, self.overlap_between_labels, self.overlap)
