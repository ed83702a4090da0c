"""Hard groups: four scenes with one camera and one layout that differ in exactly one thing."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from math import cos, radians, sin
from random import Random

from .arrange import Cluster, all_apart, arrange, attach, free
from .catalog import ANIMALS, BRIGHT, CARRIES, KIND, SCALE, UNDER
from .compose import COLOURS_WORN, Composer, circumstances
from .layout import Layout, Pose, frame, look, plain_to_see, relation
from .world import INDOOR, PLACES, Thing


@dataclass
class Member:
    """One scene of a group before it gets its id."""

    place: str
    time: str
    weather: str
    things: list[Thing]
    layout: Layout
    stands: str = ""  # in relation groups, what distinguishes the member


def make(differs: str, place: str, rng: Random) -> list[Member] | None:
    """At `place`, four members that differ in one thing, or None where chance gives no such layout."""
    if differs == "place":
        return _places(rng)
    return {"attribute": _attributes, "count": _counts, "relation": _relations, "swapped attributes": _swapped}[
        differs
    ](place, rng)


def _extras(maker: Composer, rng: Random, number: int, without: set[str]) -> list[Cluster]:
    kinds = [
        k
        for k in KIND
        if maker.fits(k) and k not in without and k not in ("boat", "aeroplane", "kite", "train", "tower", "house")
    ]
    return [Cluster(maker.thing(kind), surface=maker.surface(kind)) for kind in rng.sample(kinds, number)]


def _places(rng: Random) -> list[Member] | None:
    maker = Composer("lake", rng)  # its strip of ground is the narrowest, so what fits there fits everywhere
    outdoor = rng.random() < 0.8
    places = rng.sample([p for p in PLACES if (p not in (*INDOOR, "street")) or not outdoor], 4)
    kinds = [k for k in KIND if set(places) <= set(KIND[k].places) and k not in ("duck", "train")]
    if len(kinds) < 3 or ("snow field" in places and rng.random() < 0.3):
        return None
    clusters = [Cluster(maker.thing(kind)) for kind in rng.sample(kinds, rng.choice((2, 3)))]
    if "snow field" in places and any(t.colour == "white" for c in clusters for t in c.things()):
        return None
    if rng.random() < 0.5 and "person" in kinds:
        clusters = [
            *clusters[:2],
            maker._hold("person", 2, rng.choice(("ball", "balloon", "umbrella") if outdoor else ("ball", "balloon"))),
        ]
    _number(clusters)
    layout = arrange(clusters, "lake", rng)
    return layout and [Member(place, "day", "clear", _copy(clusters), layout) for place in places]


def _attributes(place: str, rng: Random) -> list[Member] | None:
    time, weather = circumstances(place, rng)
    maker = Composer(place, rng)
    focus = (
        "person" if rng.random() < 0.3 else rng.choice([k for k in KIND if maker.fits(k) and len(KIND[k].colours) > 4])
    )
    clusters = [maker.cluster(focus, 2)]
    clusters += _extras(maker, rng, rng.choice((1, 2)), {t.kind for t in clusters[0].things()})
    _number(clusters)
    things = [t for c in clusters for t in c.things()]
    target = next(i for i, t in enumerate(things) if t.kind == focus)
    colours = COLOURS_WORN if focus == "person" else KIND[focus].colours
    colours = rng.sample([c for c in colours if not (c == "white" and place == "snow field")], 4)
    layout = arrange(clusters, place, rng)
    if layout is None:
        return None
    members = []
    for colour in colours:
        copies = deepcopy(things)
        setattr(copies[target], "clothes" if focus == "person" else "colour", colour)
        members.append(Member(place, time, weather, copies, layout))
    return members


def _counts(place: str, rng: Random) -> list[Member] | None:
    time, weather = circumstances(place, rng)
    maker = Composer(place, rng)
    kinds = (
        *ANIMALS,
        "ball",
        "balloon",
        "flower",
        "chair",
        "box",
        "umbrella",
        "mug",
        "bush",
        "snowman",
        "bicycle",
        "car",
        "tree",
    )
    kind = rng.choice([k for k in kinds if maker.fits(k)])
    first = maker.thing(kind, None if kind not in ("car", "tree", "bush", "umbrella", "horse", "cow") else "small")
    clusters = [
        maker.cluster(rng.choice([k for k in KIND if maker.fits(k) and k not in (kind, "boat", "train", "house")]), 2)
    ]
    if any(t.kind == kind for t in clusters[0].things()):
        return None
    base = len(clusters[0].things())
    for _ in range(4):
        copy = maker.thing(kind, first.size)
        copy.colour, copy.state = first.colour, first.state
        clusters.append(Cluster(copy, surface=maker.surface(kind)))
    _number(clusters)
    layout = arrange(clusters, place, rng, 100)
    if layout is None:
        return None
    things = [t for c in clusters for t in c.things()]
    return [Member(place, time, weather, deepcopy(things[: base + number]), layout) for number in (1, 2, 3, 4)]


def _swapped(place: str, rng: Random) -> list[Member] | None:
    time, weather = circumstances(place, rng)
    maker = Composer(place, rng)
    colours = rng.sample([c for c in BRIGHT], 3)
    kinds = [
        k for k in KIND if maker.fits(k) and k != "train" and (k == "person" or set(colours) <= set(KIND[k].colours))
    ]
    if len(kinds) < 3:
        return None
    return exchanged(maker, rng.sample(kinds, 3), colours, place, time, weather, rng)


def exchanged(
    maker: Composer, kinds: list[str], colours: list[str], place: str, time: str, weather: str, rng: Random
) -> list[Member] | None:
    """Three things, one of each kind, in four of the six ways to give them three colours."""
    clusters = [Cluster(maker.thing(kind), surface=maker.surface(kind)) for kind in kinds]
    _number(clusters)
    layout = arrange(clusters, place, rng)
    if layout is None:
        return None
    orders = rng.sample([(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)], 4)
    members = []
    for order in orders:
        things = _copy(clusters)
        for thing, index in zip(things, order, strict=True):
            setattr(thing, "clothes" if thing.kind == "person" else "colour", colours[index])
        members.append(Member(place, time, weather, things, layout))
    return members


def _relations(place: str, rng: Random) -> list[Member] | None:
    """One thing moves round another that stays: left, right, in front and behind, or on and under where there is a table."""
    if place == "street":  # pavement and road leave no room to walk round a thing
        return None
    time, weather = circumstances(place, rng)
    maker = Composer(place, rng)
    vertical = maker.fits("table") and rng.random() < 0.5
    if vertical:
        fixed = maker.thing("table", "medium")
        mover = maker.thing(rng.choice([k for k in UNDER["table"] if maker.fits(k) and k in CARRIES["table"]]), "small")
    else:
        steady = [
            k
            for k in (
                "house",
                "car",
                "bench",
                "bush",
                "tree",
                "horse",
                "cow",
                "table",
                "box",
                "truck",
                "fence",
                "sheep",
            )
            if maker.fits(k)
        ]
        moving = [
            k
            for k in (
                "dog",
                "cat",
                "duck",
                "ball",
                "person",
                "box",
                "flower",
                "mug",
                "bicycle",
                "chair",
                "sheep",
                "balloon",
            )
            if maker.fits(k)
        ]
        fixed, mover = maker.thing(rng.choice(steady)), maker.thing(rng.choice(moving))
        if fixed.kind == mover.kind:
            return None
    cluster, extra = Cluster(fixed), _extras(maker, rng, 1, {fixed.kind, mover.kind, "table"})
    clusters = [cluster, *extra, Cluster(mover)]
    _number(clusters)
    for _ in range(40):
        start = arrange(clusters[:-1], place, rng, 10)
        if start is None:
            continue
        members = _round(clusters, start, vertical, rng)
        if members:
            return [Member(place, time, weather, things, layout, stands) for things, layout, stands in members]
    return None


def _round(
    clusters: list[Cluster], start: Layout, vertical: bool, rng: Random
) -> list[tuple[list[Thing], Layout, str]] | None:
    fixed, mover = clusters[0].root, clusters[-1].root
    base, azimuth = start.poses[fixed.id], start.camera.azimuth
    a = radians(azimuth)
    right, ahead = (cos(a), sin(a)), (-sin(a), cos(a))
    wide = 0.5 * (
        max(KIND[fixed.kind].extent[:2]) * base.scale + max(KIND[mover.kind].extent[:2]) * SCALE[mover.size]
    ) + rng.uniform(0.15, 0.35)
    off = rng.choice((-1, 1)) * 0.22 * wide
    yaw = azimuth + rng.uniform(-30, 5)
    slots: dict[str, Pose] = {}
    for name, side, deep in (
        ("left of", -wide, 0.0),
        ("right of", wide, 0.0),
        ("in front of", off, -wide),
        ("behind", off * 2.8, wide),
    ):
        x, y = base.x + right[0] * side + ahead[0] * deep, base.y + right[1] * side + ahead[1] * deep
        slots[name] = Pose(x, y, 0.0, yaw, SCALE[mover.size])
    if vertical:
        del slots["in front of"], slots["behind"]
        for how in ("on", "under"):
            slots[how] = attach(mover, how, fixed, base, 0, 1, azimuth, rng)
    things = [t for c in clusters for t in c.things()]
    ghosts = {f"{mover.id}-{name}": pose for name, pose in slots.items()}
    every = [t for t in things if t is not mover] + [
        Thing(id, mover.kind, None, mover.size, mover.pose) for id in ghosts
    ]
    camera = frame(every, {**start.poses, **ghosts}, rng, azimuth)
    if camera is None:
        return None
    members = []
    for name, pose in slots.items():
        poses = {**start.poses, mover.id: pose}
        layout = look(things, poses, camera)
        attached = [Cluster(fixed, [(mover, name)] if pose.base else [])]
        rest = clusters[1:-1] if pose.base else clusters[1:]
        if (
            not all_apart([*attached, *rest], poses)
            or not plain_to_see(layout, things, 0.5)
            or not free([*attached, *rest], poses)
        ):
            return None
        if not pose.base and name not in relation(mover, fixed, layout):
            return None
        members.append((deepcopy(things), layout, name))
    return members


def _number(clusters: list[Cluster]) -> None:
    for number, thing in enumerate(thing for cluster in clusters for thing in cluster.things()):
        thing.id = f"t{number}"


def _copy(clusters: list[Cluster]) -> list[Thing]:
    return deepcopy([t for c in clusters for t in c.things()])
