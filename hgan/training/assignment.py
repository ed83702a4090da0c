"""Which proposals are to become which known box: task-aligned assignment (TOOD, Feng et al., ICCV 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

SCORE_POWER, IOU_POWER = 0.5, 4.0  # how much a proposal's score and its fit count; YOLOv8 has 0.5 and 6
_AROUND = 0.125  # of a point's reach: half a cell, so that a thing smaller than a cell has points too


@dataclass(frozen=True)
class Assignment:
    """The proposals that stand for each known box, K of them at most.

    A proposal stands for one box at most: where several want it, for the one that it fits best.
    """

    points: Int[Tensor, "batch targets k"]  # indices of proposals
    mask: Bool[Tensor, "batch targets k"]  # True = the proposal stands for the box
    quality: Float[Tensor, "batch targets k"]  # what its score should be, in [0, 1]; 0 where it stands for none


@torch.no_grad()
def assign(
    scores: Float[Tensor, "batch points"],
    overlaps: Float[Tensor, "batch targets points"],
    points: Float[Tensor, "points 2"],
    reach: Float[Tensor, points],
    boxes: Float[Tensor, "batch targets 4"],
    mask: Bool[Tensor, "batch targets"],
    k: int,
) -> Assignment:
    """The `k` proposals of each box that suit it best, by score ** 0.5 * IoU ** 4.

    A proposal suits a box only if its point lies inside it. The best proposal of a box should score as high as its IoU, the
    others in proportion: a score then says how well the box fits, and one proposal of each thing stands out.

    Args:
        scores: of the proposals, in [0, 1].
        overlaps: IoU of every known box with every proposal.
        points, reach: where they stand, and the side of the boxes they are made for (see `Proposals`).
        boxes: known boxes, padded.
        mask: True = a real one.
        k: most proposals of a box.
    """
    centre, size = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]  # (B, T, 2)
    offset = (points[None, None] - centre[:, :, None]).abs()  # (B, T, P, 2)
    half = torch.maximum(size[:, :, None] / 2, _AROUND * reach[:, None])
    inside = (offset < half).all(-1) & mask[..., None]
    aligned = scores[:, None] ** SCORE_POWER * overlaps**IOU_POWER * inside
    best, chosen = aligned.topk(min(k, aligned.shape[-1]), -1)  # (B, T, K)
    fit = overlaps.gather(-1, chosen)
    real = best > 0

    # Of the boxes that want a proposal, the one that it fits best has it.
    wanted = torch.zeros_like(overlaps).scatter(-1, chosen, fit * real)
    winner = wanted.argmax(1).gather(1, chosen.flatten(1)).view_as(chosen)
    real &= winner == torch.arange(boxes.shape[1], device=boxes.device)[:, None]
    best, fit = best * real, fit * real
    quality = best / best.amax(-1, keepdim=True).clamp(min=1e-12) * fit.amax(-1, keepdim=True)
    return Assignment(chosen, real, quality)
