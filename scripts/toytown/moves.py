"""Relation groups of the hard splits: one thing moves round, onto, under or into the hands of a thing that stays.

Each family of moves has four slots or more of which chance takes four; every scene has the same camera and the same things.
What a move changes of itself is the pose of a person: who holds something has the pose "holding", who rides "riding".
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from math import cos, radians, sin
from random import Random

from .arrange import Cluster, all_apart, arrange, attach, free
from .catalog import CARRIES, KIND, SADDLE, SCALE, UNDER
from .compose import COLOURS_WORN, Composer, circumstances
from .groups import Member, _extras, _number
from .kept import is_kept
from .layout import Layout, Pose, frame, look, plain_to_see, relation
from .world import Thing

ROUND = ("left of", "right of", "in front of", "behind")
FAMILIES = ("round", "on", "under", "on or under", "holding", "riding", "next to", "two hands", "two seats")
STEADY = ("house", "car", "bench", "bush", "tree", "horse", "cow", "table", "box", "truck", "fence", "sheep", "bus",
          "chair", "lamp", "tower", "snowman", "bicycle", "umbrella", "person")  # fmt: skip
MOVING = ("dog", "cat", "duck", "ball", "person", "box", "flower", "mug", "bicycle", "chair", "sheep", "balloon",
          "book", "bush", "umbrella", "horse", "cow")  # fmt: skip
IN_HAND = ("ball", "box", "book", "flower", "balloon", "umbrella", "mug")


@dataclass
class _Cast:
    """Who plays: `fixed` stays, `mover` moves, `second` is another thing that it may sit on, or a second pair of hands."""

    fixed: Thing
    mover: Thing
    slots: tuple[str, ...]  # of which four are taken; those with a colon are about `second`
    second: Thing | None = None
    must: tuple[str, ...] = field(default=())  # slots that a group of this family always has


def make(family: str, place: str, kept: bool, rng: Random) -> list[Member] | None:
    """Four members, or None where chance gives no such layout at this place.

    With `kept` the pair of things is one that training never tells a relation of, otherwise one that it does.
    """
    if place == "street":  # pavement and road leave no room to walk round a thing
        return None
    time, weather = circumstances(place, rng)
    maker = Composer(place, rng)
    cast = _cast(family, maker, rng)
    if cast is None or cast.fixed.kind == cast.mover.kind:
        return None
    others = [cast.second] if cast.second else []
    if any(is_kept(one.kind, cast.mover.kind) for one in (cast.fixed, *others)) is not kept:
        return None
    names = {thing.kind for thing in (cast.fixed, cast.mover, *others)}
    extra = _extras(maker, rng, rng.choice((0, 1, 1)) if not others else 0, names | {"table", "person"})
    clusters = [Cluster(cast.fixed), *map(Cluster, others), *extra, Cluster(cast.mover)]
    _number(clusters)
    for _ in range(8):
        start = arrange(clusters[:-1], place, rng, 8)
        members = start and _moved(clusters, cast, start, rng)
        if members:
            return [Member(place, time, weather, things, layout, stands) for things, layout, stands in members]
    return None


def _cast(family: str, maker: Composer, rng: Random) -> _Cast | None:
    def thing(kinds: tuple[str, ...], size: str | None = None) -> Thing | None:
        fitting = [kind for kind in kinds if maker.fits(kind)]
        return maker.thing(rng.choice(fitting), size) if fitting else None

    if family in ("round", "next to"):
        fixed, mover = thing(STEADY), thing(MOVING)
        slots = ROUND if family == "round" else ("left of", "right of", "far left of", "far right of")
        return _plain(_Cast(fixed, mover, slots)) if fixed and mover else None
    if family in ("on", "on or under", "under"):
        carries = {"on": CARRIES, "under": UNDER, "on or under": {"table": UNDER["table"]}}[family]
        fixed = thing(tuple(k for k in carries if k != "boat"), "medium")
        if fixed is None:
            return None
        load = [k for k in carries[fixed.kind] if k in CARRIES["table"] and k != "person"]
        mover = thing(tuple(load) if family == "on or under" else carries[fixed.kind])
        if mover is None or mover.kind == "person":
            return None
        mover.size = "small" if "small" in KIND[mover.kind].sizes else KIND[mover.kind].sizes[0]
        must = ("on", "under") if family == "on or under" else (family,)
        return _Cast(fixed, mover, (*ROUND, *must), must=must)
    if family in ("holding", "two hands"):
        people = [_person(maker) for _ in range(2)]
        people[1].clothes = rng.choice([c for c in COLOURS_WORN if c != people[0].clothes])
        mover = thing(IN_HAND)
        if mover is None:
            return None
        mover.size = "small" if mover.kind in ("box", "ball", "flower") else "medium"
        if family == "holding":
            return _Cast(people[0], mover, (*ROUND, "holding"), must=("holding",))
        hands = ("holding", "second: holding")
        return _Cast(people[0], mover, ("left of", "right of", "in front of", *hands), people[1], hands)
    fixed = thing(tuple(SADDLE), "medium")
    mover = _person(maker)
    if fixed is None or family == "riding":
        return fixed and _Cast(fixed, mover, (*ROUND, "riding"), must=("riding",))
    second = thing(tuple(k for k in SADDLE if k != fixed.kind), "medium")
    seats = ("riding", "second: riding")
    return second and _Cast(fixed, mover, ("left of", "right of", "in front of", *seats), second, seats)


def _person(maker: Composer) -> Thing:
    """Someone who stands there without its being said: who holds a thing stands too."""
    person = maker.thing("person", "medium", "standing")
    person.pose = None
    return person


def _plain(cast: _Cast) -> _Cast:
    """People only stand there."""
    for one in (cast.fixed, cast.mover):
        if one.kind == "person":
            one.pose, one.size = "standing", "medium"
    return cast


def _slots(cast: _Cast, start: Layout, rng: Random) -> dict[str, Pose]:
    """Where the mover stands in each slot of the family."""
    fixed, mover = cast.fixed, cast.mover
    base, azimuth = start.poses[fixed.id], start.camera.azimuth
    a = radians(azimuth)
    right, ahead = (cos(a), sin(a)), (-sin(a), cos(a))
    reach = 0.5 * (max(KIND[fixed.kind].extent[:2]) * base.scale + max(KIND[mover.kind].extent[:2]) * SCALE[mover.size])
    wide, far = reach + rng.uniform(0.15, 0.35), reach + rng.uniform(1.5, 2.1)
    off = rng.choice((-1, 1)) * 0.22 * wide
    yaw = azimuth + rng.uniform(-30, 5)
    found: dict[str, Pose] = {}
    for name, side, deep in (
        ("left of", -wide, 0.0), ("right of", wide, 0.0), ("in front of", off, -wide), ("behind", off * 2.8, wide),
        ("far left of", -far, 0.0), ("far right of", far, 0.0),
    ):  # fmt: skip
        x, y = base.x + right[0] * side + ahead[0] * deep, base.y + right[1] * side + ahead[1] * deep
        found[name] = Pose(x, y, 0.0, yaw, SCALE[mover.size])
    for name in cast.must:
        bearer = cast.second if name.startswith("second: ") and cast.second else fixed
        how = name.removeprefix("second: ")
        found[name] = attach(mover, how, bearer, start.poses[bearer.id], 0, 1, azimuth, rng)
    wanted = [*cast.must, *rng.sample([s for s in cast.slots if s not in cast.must], 4 - len(cast.must))]
    return {name: found[name] for name in sorted(wanted, key=cast.slots.index)}


def _posed(things: list[Thing], cast: _Cast, stands: str) -> list[Thing]:
    """Copies of the things with the poses that a slot brings about."""
    copies = deepcopy(things)
    how = stands.removeprefix("second: ")
    doer = None
    if how == "holding":
        doer = cast.second if stands.startswith("second: ") else cast.fixed
    elif how == "riding":
        doer = cast.mover
    for copy in copies:
        if doer is not None and copy.id == doer.id:
            copy.pose = how
    return copies


def _moved(
    clusters: list[Cluster], cast: _Cast, start: Layout, rng: Random
) -> list[tuple[list[Thing], Layout, str]] | None:
    mover = cast.mover
    slots = _slots(cast, start, rng)
    things = [t for c in clusters for t in c.things()]
    ghosts, poses = [], dict(start.poses)
    for name, pose in slots.items():
        ghost = next(t for t in _posed(things, cast, name) if t.id == mover.id)
        ghost.id = f"{mover.id}-{name}"
        ghosts.append(ghost)
        poses[ghost.id] = pose
    camera = frame([*(t for t in things if t is not mover), *ghosts], poses, rng, start.camera.azimuth)
    if camera is None:
        return None
    members = []
    for name, pose in slots.items():
        own = _posed(things, cast, name)
        poses = {**start.poses, mover.id: pose}
        layout = look(own, poses, camera)
        roots = [Cluster(c.root, [(mover, pose.how or "")] if c.root.id == pose.base else []) for c in clusters[:-1]]
        solid = roots if pose.base else [*roots, Cluster(mover)]
        if not all_apart(solid, poses) or not plain_to_see(layout, own, 0.5) or not free(solid, poses):
            return None
        said = relation(mover, cast.fixed, layout)
        if not pose.base and name.removeprefix("far ") not in said:
            return None
        if "far left of" in cast.slots and ("next to" in said) is name.startswith("far"):
            return None
        members.append((own, layout, name))
    return members
