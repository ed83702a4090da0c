"""The region encoder: backbone, pyramid, proposals, context cells -> regions (docs/architecture.md, section 2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ..types import CONTEXT, OBJECT, Regions
from .backbone import Backbone
from .boxes import context_cells, roi_align
from .proposals import ProposalHead, Proposals
from .selection import Selection


class Pyramid(nn.Module):
    """A light top-down pyramid (Lin et al., CVPR 2017): 1 x 1 laterals, nearest upsampling, sums."""

    def __init__(self, channels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)

    def forward(self, maps: list[Float[Tensor, "batch c h w"]]) -> list[Float[Tensor, "batch width h w"]]:
        top: Tensor | None = None
        levels = []
        for lateral, feature_map in zip(reversed(list(self.laterals)), reversed(maps), strict=True):
            level = lateral(feature_map)
            if top is not None:
                level = level + F.interpolate(top, size=level.shape[-2:], mode="nearest")
            top = level
            levels.append(level)
        return levels[::-1]


class RegionEncoder(nn.Module):
    """Pixels to regions: a grid of context cells, then the best detections after NMS, and one image-level feature.

    A region's feature is RoIAlign on the projected last map (what it is) plus RoIAlign on the finest pyramid level
    (its detail).

    Args:
        backbone: gives maps, finest first.
        channels: their widths.
        pyramid_dim: width of the pyramid.
        region_dim: width of a region's feature.
        head: of proposals, for a pyramid of that width.
        selection: which proposals become detections.
        roi_size: RoIAlign bins a side.
        grid: context cells a side.
    """

    cells: Tensor

    def __init__(
        self,
        backbone: Backbone,
        channels: tuple[int, ...],
        pyramid_dim: int,
        region_dim: int,
        head: ProposalHead,
        selection: Selection,
        roi_size: int,
        grid: int,
    ) -> None:
        super().__init__()
        self.roi_size, self.grid, self.selection = roi_size, grid, selection
        self.backbone = backbone
        self.pyramid = Pyramid(channels, pyramid_dim)
        self.head = head
        self.coarse = nn.Conv2d(channels[-1], region_dim, 1)
        self.fine = nn.Linear(pyramid_dim, region_dim)
        self.norm = nn.LayerNorm(region_dim)
        # Persistent: buffers that are not are garbage after from_pretrained.
        self.register_buffer("cells", context_cells(grid))

    def forward(self, pixel_values: Float[Tensor, "batch 3 height width"]) -> tuple[Regions, Proposals]:
        """Regions of each picture, padded to the most in the batch, and all proposals (for the loss)."""
        maps = self.backbone(pixel_values)
        pyramid = self.pyramid(maps)
        proposals = self.head(pyramid)
        found = self.selection(proposals, padded=self.training and pixel_values.is_cuda)

        batch, cells = len(pixel_values), len(self.cells)
        # Cells first: every picture has them, so that padding stands at the end of a row.
        kinds = F.pad(torch.full_like(found.labels, OBJECT), (cells, 0), value=CONTEXT)
        boxes = torch.cat([self.cells.to(found.boxes.dtype).expand(batch, -1, -1), found.boxes], 1)
        scores = F.pad(found.scores, (cells, 0))
        labels = F.pad(found.labels, (cells, 0), value=-1)
        mask = F.pad(found.mask, (cells, 0), value=True)

        coarse = self.coarse(maps[-1])
        what = roi_align(coarse, boxes, self.roi_size)
        detail = self.fine(roi_align(pyramid[0], boxes, self.roi_size))
        # In the precision of the weights, also where autocast made the maps coarser.
        features = self.norm((what + detail).to(self.norm.weight.dtype))
        image_feature = self.norm(coarse.mean((2, 3)).to(self.norm.weight.dtype))
        return Regions(features, boxes, mask, image_feature, kinds, labels, scores), proposals
