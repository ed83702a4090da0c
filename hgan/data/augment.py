"""Random crops of a picture, and what becomes of the boxes known about it. A window is normalised XYXY of the picture."""

from __future__ import annotations

import random

from .record import Box

Window = tuple[float, float, float, float]
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


def draw_window(rng: random.Random, least: float) -> Window:
    """A window of a random place and shape that keeps at least that share of the area."""
    if least >= 1:
        return WHOLE
    share, aspect = rng.uniform(least, 1), rng.uniform(0.8, 1.25)
    width, height = min(1.0, (share * aspect) ** 0.5), min(1.0, (share / aspect) ** 0.5)
    x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return (x, y, x + width, y + height)


def move_boxes(regions: tuple[Box, ...], window: Window, mirror: bool) -> list[Box]:
    """Boxes seen through a window (normalised XYXY) and perhaps mirrored; those cut to under a quarter are left out."""
    wx0, wy0, wx1, wy1 = window
    moved = []
    for region in regions:
        x0, y0, x1, y1 = region.box
        nx0, nx1 = ((min(max(x, wx0), wx1) - wx0) / (wx1 - wx0) for x in (x0, x1))
        ny0, ny1 = ((min(max(y, wy0), wy1) - wy0) / (wy1 - wy0) for y in (y0, y1))
        before = (x1 - x0) * (y1 - y0)
        after = (nx1 - nx0) * (wx1 - wx0) * (ny1 - ny0) * (wy1 - wy0)
        if before <= 0 or after < before / 4:
            continue
        box = (1 - nx1, ny0, 1 - nx0, ny1) if mirror else (nx0, ny0, nx1, ny1)
        moved.append(Box(box, region.label, region.score))
    return moved
