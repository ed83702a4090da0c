"""The anchor-free proposal head (after FCOS, Tian et al., ICCV 2019, reduced to what display needs)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn


@dataclass(frozen=True)
class Proposals:
    """One candidate a point of the pyramid, P points in all."""

    objectness: Float[Tensor, "batch points"]  # logits
    boxes: Float[Tensor, "batch points 4"]  # normalised XYXY, clamped to the picture
    labels: Float[Tensor, "batch points labels"]  # logits
    points: Float[Tensor, "points 2"]  # normalised XY
    reach: Float[Tensor, points]  # side of the boxes a point is made for, share of the picture


class ProposalHead(nn.Module):
    """Shared over every pyramid level: objectness, box as distances to the four sides, display label.

    Args:
        channels: width of the pyramid.
        labels: number of display labels.
        kernel: of the depthwise convolutions.
        side_tower: whether the sides have a tower of their own, rather than the one that says what is there.
    """

    def __init__(self, channels: int, labels: int, kernel: int = 3, side_tower: bool = False) -> None:
        super().__init__()
        self.tower = _tower(channels, kernel)
        self.side_tower = _tower(channels, kernel) if side_tower else None
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
            sides = tower if self.side_tower is None else self.side_tower(level)
            y = (torch.arange(height, device=level.device) + 0.5) / height
            x = (torch.arange(width, device=level.device) + 0.5) / width
            point = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)  # (HW, 2)
            side = 4.0 / max(height, width)  # a level's boxes are around four cells wide
            # exp keeps distances positive; the clamp keeps an untrained head finite
            distance = self.distances(sides).flatten(2).transpose(1, 2).float().clamp(-6, 4).exp() * side / 2
            corners = torch.cat([point - distance[..., :2], point + distance[..., 2:]], -1)
            boxes.append(corners.clamp(0, 1))
            objectness.append(self.objectness(tower).flatten(1).float())
            labels.append(self.labels(tower).flatten(2).transpose(1, 2).float())
            points.append(point)
            reach.append(point.new_full((len(point),), side))
        return Proposals(
            torch.cat(objectness, 1), torch.cat(boxes, 1), torch.cat(labels, 1), torch.cat(points), torch.cat(reach)
        )


def _tower(channels: int, kernel: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(2):
        layers += [
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels),
            nn.Conv2d(channels, channels, 1),
            nn.GroupNorm(8, channels),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)
