"""Box arithmetic, non-maximum suppression and RoIAlign in plain torch. Boxes are normalised XYXY in [0, 1]."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

_ROUNDS = 4  # of suppression between looks at whether anything changed: a look makes a GPU wait


def xyxy_to_cxcywh(boxes: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 4"]:
    """Corners to centre, width and height."""
    x0, y0, x1, y1 = boxes.unbind(-1)
    return torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], -1)


def area(boxes: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n"]:
    """Area as a share of the picture; 0 for an empty box."""
    return (boxes[..., 2] - boxes[..., 0]).clamp(min=0) * (boxes[..., 3] - boxes[..., 1]).clamp(min=0)


def intersection(a: Float[Tensor, "*n 4"], b: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n"]:
    size = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    return size[..., 0] * size[..., 1]


def pairwise_iou(a: Float[Tensor, "*b n 4"], b: Float[Tensor, "*b m 4"]) -> Float[Tensor, "*b n m"]:
    """Intersection over union of all pairs; 0 where both boxes are empty."""
    inter = intersection(a[..., :, None, :], b[..., None, :, :])
    union = area(a)[..., :, None] + area(b)[..., None, :] - inter
    return inter / union.clamp(min=1e-9)


def generalised_iou(a: Float[Tensor, "*n 4"], b: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n"]:
    """GIoU of matched boxes, in [-1, 1] (Rezatofighi et al., CVPR 2019)."""
    inter = intersection(a, b)
    union = (area(a) + area(b) - inter).clamp(min=1e-9)
    hull = torch.cat([torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:])], -1)
    hull_area = area(hull).clamp(min=1e-9)
    return inter / union - (hull_area - union) / hull_area


def batched_nms(
    boxes: Float[Tensor, "batch n 4"],
    scores: Float[Tensor, "batch n"],
    iou_threshold: float | Float[Tensor, "batch n n"],
) -> Bool[Tensor, "batch n"]:
    """Greedy non-maximum suppression of every picture at once.

    Args:
        boxes: normalised XYXY, sorted by falling score in each row.
        scores: a candidate with a score of 0 or less is never kept and suppresses nothing.
        iou_threshold: of two boxes with a larger IoU the later one is dropped; one number, or one for each pair.

    Returns:
        Which boxes stay.
    """
    real = scores > 0
    suppresses = (pairwise_iou(boxes, boxes) > iou_threshold).triu(1) & real[:, :, None]  # row suppresses column
    keep = real
    # Each round settles at least one more box of the chain in which one suppresses the next, so that a few rounds settle all.
    for _ in range(0, boxes.shape[1], _ROUNDS):
        for _ in range(_ROUNDS):
            last, keep = keep, real & ~(suppresses & keep[:, :, None]).any(1)
        if torch.equal(last, keep):
            break
    return keep


def roi_align(
    features: Float[Tensor, "batch channels height width"], boxes: Float[Tensor, "batch rois 4"], size: int
) -> Float[Tensor, "batch rois channels"]:
    """RoIAlign (He et al., ICCV 2017) with one bilinear sample in the middle of each of `size` x `size` bins,
    averaged over bins.

    Sampling points outside the picture take the border's value. Samples are taken in single precision: in bfloat16, corners
    would be rounded to 1/256 of a picture, and PyTorch sometimes gives NaN on a CPU where
    channels come last.
    """
    batch, rois, _ = boxes.shape
    steps = (
        torch.arange(size, device=boxes.device, dtype=boxes.dtype) + 0.5
    ) / size  # bin centres in [0, 1] of the box
    low, extent = boxes[..., :2], boxes[..., 2:] - boxes[..., :2]
    points = low[..., None, :] + steps[:, None] * extent[..., None, :]  # (B, R, S, 2)
    x = points[..., 0][:, :, None, :].expand(-1, -1, size, -1)
    y = points[..., 1][:, :, :, None].expand(-1, -1, -1, size)
    grid = torch.stack([x, y], -1).reshape(batch, rois, size * size, 2) * 2 - 1  # grid_sample's [-1, 1]
    sampled = F.grid_sample(
        features.float(), grid.float(), mode="bilinear", padding_mode="border", align_corners=False
    )  # (B, C, R, S * S)
    return sampled.mean(-1).transpose(1, 2).to(features.dtype)


def context_cells(grid: int) -> Float[Tensor, "cells 4"]:
    """The boxes of a `grid` x `grid` tiling of the picture, row by row."""
    edges = torch.linspace(0, 1, grid + 1)
    y0, x0 = torch.meshgrid(edges[:-1], edges[:-1], indexing="ij")
    y1, x1 = torch.meshgrid(edges[1:], edges[1:], indexing="ij")
    return torch.stack([x0, y0, x1, y1], -1).reshape(-1, 4)
