"""The anchor-free proposal head and its loss (after FCOS, Tian et al., ICCV 2019, reduced to what display needs)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .boxes import generalised_iou


@dataclass(frozen=True)
class Proposals:
    """One candidate a point of the pyramid, P points in all."""

    objectness: Float[Tensor, "batch points"]  # logits
    boxes: Float[Tensor, "batch points 4"]  # normalised XYXY, clamped to the picture
    labels: Float[Tensor, "batch points labels"]  # logits
    points: Float[Tensor, "points 2"]  # normalised XY
    reach: Float[Tensor, points]  # side of the boxes a point is made for, share of the picture


class ProposalHead(nn.Module):
    """A shared tower over every pyramid level: objectness, box as distances to the four sides, display label.

    Args:
        channels: width of the pyramid.
        labels: number of display labels.
    """

    def __init__(self, channels: int, labels: int) -> None:
        super().__init__()
        self.tower = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
            nn.Conv2d(channels, channels, 1),
            nn.GroupNorm(8, channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
            nn.Conv2d(channels, channels, 1),
            nn.GroupNorm(8, channels),
            nn.ReLU(),
        )
        self.objectness = nn.Conv2d(channels, 1, 1)
        self.distances = nn.Conv2d(channels, 4, 1)
        self.labels = nn.Conv2d(channels, labels, 1)

    def expect_few(self) -> None:
        """Objects are rare: objectness starts at a probability of 0.02 (the prior of RetinaNet, Lin et al., ICCV
        2017)."""
        assert self.objectness.bias is not None
        nn.init.constant_(self.objectness.bias, -3.9)

    def forward(self, pyramid: list[Float[Tensor, "batch channels h w"]]) -> Proposals:
        objectness, boxes, labels, points, reach = [], [], [], [], []
        for level in pyramid:
            height, width = level.shape[-2:]
            tower = self.tower(level)
            y = (torch.arange(height, device=level.device) + 0.5) / height
            x = (torch.arange(width, device=level.device) + 0.5) / width
            point = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)  # (HW, 2)
            side = 4.0 / max(height, width)  # a level's boxes are around four cells wide
            # exp keeps distances positive; the clamp keeps an untrained head finite
            distance = self.distances(tower).flatten(2).transpose(1, 2).float().clamp(-6, 4).exp() * side / 2
            corners = torch.cat([point - distance[..., :2], point + distance[..., 2:]], -1)
            boxes.append(corners.clamp(0, 1))
            objectness.append(self.objectness(tower).flatten(1).float())
            labels.append(self.labels(tower).flatten(2).transpose(1, 2).float())
            points.append(point)
            reach.append(point.new_full((len(point),), side))
        return Proposals(
            torch.cat(objectness, 1), torch.cat(boxes, 1), torch.cat(labels, 1), torch.cat(points), torch.cat(reach)
        )


def proposal_loss(
    proposals: Proposals,
    boxes: Float[Tensor, "batch targets 4"],
    labels: Int[Tensor, "batch targets"],
    scores: Float[Tensor, "batch targets"],
    mask: Bool[Tensor, "batch targets"],
    has_boxes: Bool[Tensor, batch],
) -> Float[Tensor, ""]:
    """Focal loss on objectness, GIoU on boxes, cross-entropy on labels.

    A point is positive for the smallest target whose middle half it lies in and whose side fits its level. A
    teacher's score is the
    objectness to reach, so that doubtful boxes teach less. Pictures without any boxes known (`has_boxes` False) are
    left out.

    Args:
        proposals: of the head.
        boxes: target boxes, normalised XYXY, padded.
        labels: indices, -1 for a kind without a display label.
        scores: the teacher's confidence, 1 for exact boxes.
        mask: True = a real target.
        has_boxes: pictures for which boxes are known, an empty list included.
    """
    centre, size = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]  # (B, T, 2)
    point, reach = proposals.points, proposals.reach
    offset = (point[None, :, None] - centre[:, None]).abs()  # (B, P, T, 2)
    inside = (offset <= size[:, None] / 4 + 0.02).all(-1)
    side = size.amax(-1)[:, None]  # (B, 1, T)
    fits = (side > reach[:, None] / 2) | (reach <= reach.min() + 1e-6)[:, None]
    fits &= (side <= reach[:, None] * 2) | (reach >= reach.max() - 1e-6)[:, None]
    candidate = inside & fits & mask[:, None]
    area = (size[..., 0] * size[..., 1])[:, None].masked_fill(~candidate, 2.0)
    smallest = area.argmin(-1)  # (B, P)
    positive = candidate.any(-1) & has_boxes[:, None]
    goal = torch.where(positive, scores.gather(1, smallest), 0.0)

    logits = proposals.objectness
    focal = F.binary_cross_entropy_with_logits(logits, goal, reduction="none") * (logits.sigmoid() - goal).abs() ** 2
    count = positive.sum().clamp(min=1)
    loss = (focal * has_boxes[:, None]).sum() / count
    if positive.any():
        row, col = positive.nonzero(as_tuple=True)
        target = smallest[row, col]
        weight = goal[row, col]
        giou = 1 - generalised_iou(proposals.boxes[row, col], boxes[row, target])
        loss = loss + (giou * weight).sum() / weight.sum().clamp(min=1e-6)
        kind = labels[row, target]
        if (kind >= 0).any():
            loss = loss + F.cross_entropy(proposals.labels[row, col], kind, ignore_index=-1)
    return loss
