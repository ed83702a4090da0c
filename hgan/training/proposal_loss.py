"""The loss of the proposal head: scores that say how well a box fits, boxes, display labels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..model.boxes import generalised_iou, pairwise_iou
from ..model.proposals import Proposals
from .assignment import assign

SURE = 0.5  # a teacher's box of less confidence is taken neither for a thing nor for background
MEETS = 0.4  # IoU from which on a proposal is about a doubtful box
PROPOSALS = 8  # that learn from one box
BOX_WEIGHT, LABEL_WEIGHT = 2.0, 0.5


def proposal_loss(
    proposals: Proposals,
    boxes: Float[Tensor, "batch targets 4"],
    labels: Int[Tensor, "batch targets"],
    scores: Float[Tensor, "batch targets"],
    mask: Bool[Tensor, "batch targets"],
    has_boxes: Bool[Tensor, batch],
) -> Float[Tensor, ""]:
    """Quality focal loss on scores (GFL, Li et al., NeurIPS 2020), GIoU on boxes, cross-entropy on labels.

    Nothing here waits for the device: shapes depend on those of the arguments alone.

    Args:
        proposals: of the head.
        boxes: known boxes, normalised XYXY, padded.
        labels: indices, -1 for a kind without a display label.
        scores: the teacher's confidence, 1 for exact boxes.
        mask: True = a real box.
        has_boxes: pictures for which boxes are known, an empty list included; others are left out.
    """
    mask = mask & has_boxes[:, None]
    sure = mask & (scores >= SURE)
    logits = proposals.objectness
    overlaps = pairwise_iou(boxes, proposals.boxes.detach())  # (B, T, P)
    found = assign(logits.detach().sigmoid(), overlaps, proposals.points, proposals.reach, boxes, sure, PROPOSALS)
    points, quality = found.points.flatten(1), found.quality.flatten(1)  # (B, T * K)
    weight = quality / quality.sum().clamp(min=1)

    goal = torch.zeros_like(logits).scatter_reduce(1, points, quality, "amax")
    doubtful = (overlaps * (mask & ~sure)[..., None]).amax(1) > MEETS
    counts = has_boxes[:, None] & ~(doubtful & (goal == 0))
    focal = F.binary_cross_entropy_with_logits(logits, goal, reduction="none") * (logits.sigmoid() - goal) ** 2
    score_loss = (focal * counts).sum() / quality.sum().clamp(min=1)

    each = found.points.shape[-1]
    proposed = proposals.boxes.gather(1, points[..., None].expand(-1, -1, 4))
    box_loss = ((1 - generalised_iou(proposed, boxes.repeat_interleave(each, 1))) * weight).sum()

    kind = labels.repeat_interleave(each, 1)
    known = proposals.labels.gather(1, points[..., None].expand(-1, -1, proposals.labels.shape[-1]))
    wrong = F.cross_entropy(known.transpose(1, 2), kind, ignore_index=-1, reduction="none")  # 0 where there is no label
    label_loss = (wrong * weight).sum()
    return score_loss + BOX_WEIGHT * box_loss + LABEL_WEIGHT * label_loss
