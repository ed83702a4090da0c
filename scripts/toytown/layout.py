"""Positions without overlap, a camera that sees them, and the relations that follow; pure arithmetic, no renderer.

Ground coordinates are units with z up; the camera looks roughly along +y. Picture boxes are normalised XYXY in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from math import cos, radians, sin
from random import Random

import numpy as np

from .catalog import KIND
from .world import Relation, Scene, Thing

ASPECT = 4 / 3
Box = tuple[float, float, float, float]

# Rectangles (x0, y0, x1, y1) on which things may stand, for each place and surface.
GROUND: dict[str, dict[str, Box]] = {
    "beach": {"ground": (-3.2, -2.6, 3.2, 1.0), "water": (-3.2, 2.7, 3.2, 4.4)},
    "lake": {"ground": (-3.2, -2.6, 3.2, 0.0), "water": (-3.0, 1.6, 3.0, 4.2)},
    "street": {"ground": (-3.2, -2.7, 3.2, -1.1), "road": (-3.2, 0.1, 3.2, 1.1), "back": (-3.2, 2.8, 3.2, 3.0)},
    "kitchen": {"ground": (-2.5, -2.2, 2.5, 1.0)},
    "living room": {"ground": (-2.5, -2.2, 2.5, 1.0)},
}
MEADOW = {"ground": (-3.4, -2.6, 3.4, 2.6)}


@dataclass
class Pose:
    """Where a thing stands: the origin of its toy, yaw in degrees, scale; `base` names the thing that carries or holds it."""

    x: float
    y: float
    z: float
    yaw: float
    scale: float
    base: str | None = None
    how: str | None = None  # "on", "under", "riding", "holding": the thing's part in the pair with `base`


@dataclass
class Camera:
    """Azimuth (0 looks along +y) and elevation in degrees, distance to `target`; lens in mm on a 36 mm wide sensor."""

    azimuth: float
    elevation: float
    distance: float
    target: tuple[float, float, float]
    lens: float

    def eye(self) -> tuple[float, float, float]:
        a, e = radians(self.azimuth), radians(self.elevation)
        x, y, z = self.target
        return x + self.distance * cos(e) * sin(a), y - self.distance * cos(e) * cos(a), z + self.distance * sin(e)

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (n, 3) to picture coordinates and depth (n, 3): x and y in [0, 1] from the top left, z in units."""
        a, e = radians(self.azimuth), radians(self.elevation)
        right = np.array([cos(a), sin(a), 0.0])
        ahead = np.array([-sin(a) * cos(e), cos(a) * cos(e), -sin(e)])
        up = np.cross(right, ahead)
        seen = np.asarray(points) - np.array(self.eye())
        depth = np.maximum(seen @ ahead, 0.1)
        zoom = self.lens / 36
        return np.stack([0.5 + zoom * (seen @ right) / depth, 0.5 - zoom * ASPECT * (seen @ up) / depth, depth], 1)


@dataclass
class Layout:
    poses: dict[str, Pose]
    camera: Camera
    boxes: dict[str, Box] = field(default_factory=dict)
    depths: dict[str, float] = field(default_factory=dict)


def corners(thing: Thing, pose: Pose) -> np.ndarray:
    """The eight corners of a thing's extent in the world."""
    width, depth, height = (v * pose.scale for v in KIND[thing.kind].extent)
    low = 0.0
    if thing.kind == "person" and thing.pose == "sitting":
        height, depth, low = 1.15 * pose.scale, 1.2 * pose.scale, (-0.4 if pose.base else 0.0)
    elif thing.kind == "person" and thing.pose == "riding":
        height, low = 1.15 * pose.scale, -0.45 * pose.scale
    elif thing.kind == "person" and thing.pose == "arms up":
        height = 1.75 * pose.scale
    elif thing.kind == "kite":  # the sail alone; its cord belongs to no box
        low, height = (0.6, 2.4) if pose.base else (1.1, 2.95)
        low, height = low * pose.scale, height * pose.scale
    elif thing.kind == "balloon":
        low, height = 0.75 * pose.scale, 1.85 * pose.scale
    shift = 0.55 * pose.scale if thing.kind == "kite" and pose.base else 0.0
    c, s = cos(radians(pose.yaw)), sin(radians(pose.yaw))
    local = [(shift + sx * width / 2, sy * depth / 2, z) for sx in (-1, 1) for sy in (-1, 1) for z in (low, height)]
    return np.array([(pose.x + x * c - y * s, pose.y + x * s + y * c, pose.z + z) for x, y, z in local])


def footprint(thing: Thing, pose: Pose) -> Box:
    """The axis-parallel rectangle on the ground that holds a thing."""
    points = corners(thing, pose)
    if thing.kind in ("kite", "balloon") and not pose.base:
        return pose.x - 0.3, pose.y - 0.3, pose.x + 0.3, pose.y + 0.3
    return points[:, 0].min(), points[:, 1].min(), points[:, 0].max(), points[:, 1].max()


def gap(a: Box, b: Box) -> float:
    """The free space between two rectangles, negative where they overlap."""
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])


def look(things: list[Thing], poses: dict[str, Pose], camera: Camera) -> Layout:
    """Projects every thing; boxes come from the extents and are therefore a little larger than what is rendered."""
    layout = Layout(poses, camera)
    for thing in things:
        pose = poses[thing.id]
        seen = camera.project(corners(thing, pose))
        layout.boxes[thing.id] = (seen[:, 0].min(), seen[:, 1].min(), seen[:, 0].max(), seen[:, 1].max())
        layout.depths[thing.id] = float(camera.project(np.array([[pose.x, pose.y, pose.z]]))[0, 2])
    return layout


def frame(things: list[Thing], poses: dict[str, Pose], rng: Random, azimuth: float) -> Camera | None:
    """A camera from `azimuth` degrees that holds everything with a margin; None where it would stand too far off."""
    points = np.concatenate([corners(t, poses[t.id]) for t in things])
    low, high = points.min(0), points.max(0)
    elevation, lens = rng.triangular(6, 24, 12), rng.uniform(36, 50)
    middle = (low + high) / 2
    target = np.array([middle[0], middle[1], max(0.55, 0.5 * high[2])])
    a = radians(azimuth)
    right = np.array([cos(a), sin(a), 0.0])
    margin, aim = rng.uniform(0.04, 0.08), (0.5 + rng.uniform(-0.04, 0.04), rng.uniform(0.52, 0.6))
    for distance in np.arange(4.5, 12.6, 0.35):
        for _ in range(3):  # moves the target until the things are centred a little below the middle
            camera = Camera(azimuth, elevation, float(distance), tuple(float(v) for v in target), lens)
            seen = camera.project(points)
            centre = (seen[:, :2].min(0) + seen[:, :2].max(0)) / 2
            unit = distance * 36 / lens
            target = target + right * (centre[0] - aim[0]) * unit
            target[2] -= (centre[1] - aim[1]) * unit / ASPECT
        camera = Camera(azimuth, elevation, float(distance), tuple(float(v) for v in target), lens)
        seen = camera.project(points)
        if (
            seen[:, :2].min() >= margin
            and seen[:, :2].max() <= 1 - margin
            and seen[:, 2].min() > 1.2
            and camera.eye()[2] > 0.6
        ):
            return camera
    return None


def visible(layout: Layout, things: list[Thing], part: float = 1.0) -> dict[str, float]:
    """The share of each thing's box (or its lower `part`) that no nearer box covers: a lower bound, as boxes exceed shapes."""
    shares = {}
    grid = np.stack(np.meshgrid((np.arange(96) + 0.5) / 96, (np.arange(72) + 0.5) / 72), -1)
    inside = {
        t.id: ((grid >= layout.boxes[t.id][:2]) & (grid <= layout.boxes[t.id][2:])).all(-1) for t in things
    }  # fmt: skip
    for thing in things:
        _, y0, _, y1 = layout.boxes[thing.id]
        own = inside[thing.id] & (grid[..., 1] >= y1 - part * (y1 - y0))
        rest = own.copy()
        for other in things:
            linked = layout.poses[other.id].base == thing.id or layout.poses[thing.id].base == other.id
            if other.id != thing.id and layout.depths[other.id] < layout.depths[thing.id] and not linked:
                rest &= ~inside[other.id]
        shares[thing.id] = rest.sum() / max(1, own.sum())
    return shares


def plain_to_see(layout: Layout, things: list[Thing], least: float = 0.55) -> bool:
    """Whether everything is uncovered enough and large enough in the picture."""
    for thing in things:
        x0, y0, x1, y1 = layout.boxes[thing.id]
        if (x1 - x0) * 320 < 17 or (y1 - y0) * 240 < 17 or min(x0, y0) < 0.01 or max(x1, y1) > 0.99:
            return False
    if min(visible(layout, things).values()) < least:
        return False
    # The foot of what stands on the ground must show, or a bush behind a table would seem to stand upon it.
    feet = visible(layout, things, 0.15)
    return all(share >= 0.4 for id, share in feet.items() if not layout.poses[id].base)


def relation(a: Thing, b: Thing, layout: Layout) -> list[str]:
    """What is plain to see of `a` against `b` apart from what joins them: left of, right of, in front of, behind, next to."""
    pa, pb = layout.poses[a.id], layout.poses[b.id]
    if pa.base == b.id or pb.base == a.id:
        return []
    found = []
    (ax0, _, ax1, _), (bx0, _, bx1, _) = layout.boxes[a.id], layout.boxes[b.id]
    level = "kite" not in (a.kind, b.kind)  # a kite's height hides how far away it is
    grounded = not pa.base and not pb.base and max(pa.z, pb.z) < 0.05
    deeper = layout.depths[b.id] - layout.depths[a.id]  # positive: a is nearer
    space = gap(footprint(a, pa), footprint(b, pb))
    beside = (pa.x - pb.x) * cos(radians(layout.camera.azimuth)) + (pa.y - pb.y) * sin(radians(layout.camera.azimuth))
    if (ax1 <= bx0 + 0.005 or bx1 <= ax0 + 0.005) and abs(deeper) <= 2.2 * abs(beside):
        found.append("left of" if ax1 <= bx0 + 0.005 else "right of")
    overlap = min(ax1, bx1) - max(ax0, bx0)
    if (
        grounded
        and level
        and overlap > 0.3 * min(ax1 - ax0, bx1 - bx0)
        and abs(deeper) > 0.8
        and abs(deeper) > 1.2 * abs(beside)
        and space > 0.08
    ):
        found.append("in front of" if deeper > 0 else "behind")
    if (
        grounded
        and space < 0.45
        and abs(deeper) < 0.75
        and abs(deeper) < abs(beside)
        and {a.kind, b.kind}.isdisjoint({"kite", "aeroplane"})
    ):
        found.append("next to")
    return found


def relations(scene: Scene, layout: Layout, rng: Random) -> list[Relation]:
    """All relations of a laid-out scene: each pair once, in a direction drawn by chance."""
    found = [
        Relation(pose.base, "holding", thing.id)
        if pose.how == "holding"
        else Relation(thing.id, pose.how or "on", pose.base)
        for thing in scene.things
        if (pose := layout.poses[thing.id]).base
    ]
    for a, b in combinations(scene.things, 2):
        first, second = (a, b) if rng.random() < 0.5 else (b, a)
        found += [Relation(first.id, predicate, second.id) for predicate in relation(first, second, layout)]
    return found
