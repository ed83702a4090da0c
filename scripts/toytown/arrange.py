"""From clusters of things to a layout: where each cluster stands, how things sit on, under and in the hands of others."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from math import cos, radians, sin
from random import Random

from .catalog import FRONT_GRIP, KIND, LONG, SADDLE, SCALE, TOP
from .layout import GROUND, MEADOW, Layout, Pose, corners, footprint, frame, gap, look, plain_to_see
from .world import INDOOR, Thing

HAND_SIDE = (0.44, -0.2, 0.86)  # must agree with `shapes.people`


@dataclass
class Cluster:
    """A thing on a surface ("ground", "water", "road", "air") with what it carries or holds as (thing, how) pairs."""

    root: Thing
    attached: list[tuple[Thing, str]] = field(default_factory=list)
    surface: str = "ground"

    def things(self) -> list[Thing]:
        return [self.root, *(thing for thing, _ in self.attached)]


def arrange(clusters: list[Cluster], place: str, rng: Random, tries: int = 60) -> Layout | None:
    """A layout in which nothing overlaps and everything is seen; None when chance offers none in `tries` attempts."""
    things = [thing for cluster in clusters for thing in cluster.things()]
    for attempt in range(tries):
        azimuth = rng.uniform(-22, 22) if place in (*INDOOR, "street") else rng.uniform(-32, 32)
        poses = _scatter(clusters, place, azimuth, rng, 0.8 + attempt / tries)
        if poses is None or not free(clusters, poses):
            continue
        camera = frame(things, poses, rng, azimuth)
        if camera is None:
            continue
        layout = look(things, poses, camera)
        if plain_to_see(layout, things):
            return layout
    return None


def turned(thing: Thing, azimuth: float, rng: Random, road: bool = False) -> float:
    """A yaw that shows the thing from its telling side."""
    if thing.kind in LONG:
        if road:
            return rng.choice((0, 180)) + rng.uniform(-5, 5)
        return azimuth + (rng.uniform(-42, 12) if rng.random() < 0.5 else 180 + rng.uniform(-12, 42))
    return azimuth + rng.uniform(-28, 28)


def _scatter(clusters: list[Cluster], place: str, azimuth: float, rng: Random, room: float) -> dict[str, Pose] | None:
    """Poses of all things; `room` widens the used part of the ground as attempts fail."""
    zones = GROUND.get(place, MEADOW)
    poses: dict[str, Pose] = {}
    taken: list[tuple[float, float, float, float]] = []
    bulk = sum(max(KIND[c.root.kind].extent[:2]) * SCALE[c.root.size] for c in clusters)
    reach = room * (0.5 + 0.36 * bulk)
    for cluster in clusters:
        x0, y0, x1, y1 = zones.get(cluster.surface, zones["ground"])
        if cluster.surface == "air":
            y1 = min(y1, 1.2)  # clear of walls and firs
        middle = min(max(-0.2, y0), y1)
        for _ in range(40):
            x = rng.uniform(max(x0, -reach), min(x1, reach))
            y = rng.uniform(max(y0, middle - reach * 0.8), min(y1, middle + reach * 0.8))
            made = place_cluster(cluster, x, y, azimuth, rng, place)
            prints = footprints(cluster, made)
            if all(gap(mine, other) > 0.12 for mine in prints for other in taken) and _inside(
                prints, (x0, y0, x1, y1), cluster, place
            ):
                break
        else:
            return None
        poses.update(made)
        taken += prints
    return poses


def footprints(cluster: Cluster, poses: dict[str, Pose]) -> list[tuple[float, float, float, float]]:
    """What the cluster occupies on the ground; what flies occupies nothing."""
    if cluster.surface == "air":
        return []
    return [
        footprint(t, poses[t.id]) for t in cluster.things() if t.kind not in ("kite", "balloon") or t is cluster.root
    ]


def _inside(prints: list, zone: tuple, cluster: Cluster, place: str) -> bool:
    slack = 0.6 if cluster.surface == "ground" and place not in INDOOR else 0.35
    if cluster.surface == "back":
        return all(p[1] > 1.85 and p[3] < 3.8 for p in prints)
    edge = (
        0.3 if place in ("lake", "beach", "street") else slack
    )  # nothing may hang over the water's or the pavement's edge
    return all(
        p[0] > zone[0] - slack and p[1] > zone[1] - slack and p[2] < zone[2] + slack and p[3] < zone[3] + edge
        for p in prints
    )


def place_cluster(cluster: Cluster, x: float, y: float, azimuth: float, rng: Random, place: str) -> dict[str, Pose]:
    """Poses of a cluster whose root stands at (x, y)."""
    root = cluster.root
    z = 0.0
    if cluster.surface == "water":
        z = -0.14 if root.kind == "boat" else -0.1 * SCALE[root.size]
    elif cluster.surface == "air":
        z = rng.uniform(1.9, 2.7)
    yaw = turned(root, azimuth, rng, cluster.surface == "road")
    poses = {root.id: Pose(x, y, z, yaw, SCALE[root.size])}
    same = [thing for thing, how in cluster.attached if how == "on"]
    for thing, how in cluster.attached:
        poses[thing.id] = attach(
            thing, how, root, poses[root.id], same.index(thing) if how == "on" else 0, len(same), azimuth, rng
        )
    return poses


def attach(thing: Thing, how: str, root: Thing, base: Pose, slot: int, slots: int, azimuth: float, rng: Random) -> Pose:
    """The pose of a thing on, under, astride or in the hand of `root`."""
    scale, s = SCALE[thing.size], base.scale
    yaw = turned(thing, azimuth, rng)
    if how == "on":
        width = KIND[root.kind].extent[0]
        free = (
            max(0.0, 0.5 * width * s - 0.45 * KIND[thing.kind].extent[0] * scale)
            if root.kind in ("table", "bench", "bus")
            else 0.0
        )
        dx = (slot - (slots - 1) / 2) * 2 * free / max(1, slots - 1) if slots > 1 else rng.uniform(-free, free) * 0.8
        dx, dy = (0.42 * s, 0.0) if root.kind == "boat" else (dx, 0.0)
        if thing.kind == "person":
            yaw, dx, dy = (base.yaw + 90, 0.1 * s, 0.0) if root.kind == "boat" else (base.yaw, dx, -0.06 * s)
        return _at(base, (dx, dy, TOP[root.kind] * s), yaw, scale, root, how)
    if how == "under":
        dx, dy = (rng.uniform(-0.2, 0.2), 0.0) if root.kind == "table" else (rng.choice((-0.42, 0.42)) * s, 0.0)
        if root.kind == "umbrella":  # towards the camera, or the pole would stand before it
            a = radians(azimuth - base.yaw)
            dx, dy = dx * cos(a) + 0.3 * s * sin(a), dx * sin(a) - 0.3 * s * cos(a)
        return _at(base, (dx, dy, 0.0), yaw, scale, root, how)
    if how == "riding":  # here `thing` is the rider
        along, height = SADDLE[root.kind]
        return _at(base, (along * s, 0, height * s), base.yaw + 90, scale, root, how)
    hand = tuple(v * s for v in HAND_SIDE)
    if thing.kind in FRONT_GRIP:
        away = 0.22 * s + 0.5 * KIND[thing.kind].extent[1] * scale
        return _at(base, (0, -away, (0.45 if thing.kind == "book" else 0.6) * s), base.yaw, scale, root, how)
    offset = {"umbrella": (0, 0, -0.12), "flower": (0, -0.05, -0.3), "mug": (0, -0.4, -0.28)}.get(thing.kind, (0, 0, 0))
    spot = (hand[0] + offset[0] * scale, hand[1] + offset[1] * scale, hand[2] + offset[2] * scale)
    return _at(base, spot, base.yaw + (90 if thing.kind == "mug" else 0), scale, root, how)


def _at(base: Pose, local: tuple[float, float, float], yaw: float, scale: float, root: Thing, how: str) -> Pose:
    """A pose given in the base's own, turned frame."""
    c, s = cos(radians(base.yaw)), sin(radians(base.yaw))
    x, y, z = local
    return Pose(base.x + x * c - y * s, base.y + x * s + y * c, base.z + z, yaw, scale, root.id, how)


def free(clusters: list[Cluster], poses: dict[str, Pose]) -> bool:
    """Whether nothing that flies or is held up high cuts through a thing of another cluster: no boxes meet in space."""
    solid = [[corners(t, poses[t.id]) for t in cluster.things()] for cluster in clusters]
    return not any(
        bool(((a.min(0) < b.max(0)) & (b.min(0) < a.max(0))).all())
        for one, other in combinations(solid, 2)
        for a in one
        for b in other
    )


def clear(prints: list, others: list) -> bool:
    """Whether footprints stay apart from all others."""
    return all(gap(a, b) > 0.1 for a in prints for b in others)


def all_apart(clusters: list[Cluster], poses: dict[str, Pose]) -> bool:
    """Whether no two clusters overlap on the ground."""
    return all(clear(footprints(a, poses), footprints(b, poses)) for a, b in combinations(clusters, 2))
