"""What a caption claims, as data, and whether that is true of a scene.

A `Claim` is read as follows; nothing a caption says may lie outside of it.

* `place`, `time`, `weather`: the scene has exactly this one. None claims nothing.
* `nodes`: there are distinct things that fit the descriptions ("a red car and a car" needs two cars). A node with `n`
  things binds a set of `n` distinct things, each of which fits. "a", "another" and "the" (a second mention) claim no
  more than that.
* `links`: (subject node, predicate, object node). Where a node binds several things, each of them stands in the
  relation to each thing of the other node. Left and right are the viewer's, "in front of" is nearer to the camera.
* `exactly`: exactly `n` things of the whole scene fit the description. Every number word claims this ("three red
  ducks": three ducks of the scene are red, no more), as do "a single", "only one" (n = 1) and "no", "without" (n =
  0). A definite first mention ("the car is red") claims that the scene has exactly one car.

The kind of a description is a kind of `world.KINDS` or one of the `CATEGORIES` below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from typing import Any

from .world import INVERSE, Scene, Thing

CATEGORIES = {
    "animal": ("dog", "cat", "duck", "horse", "cow", "sheep"),
    "farm animal": ("horse", "cow", "sheep"),
    "road vehicle": ("car", "bus", "truck"),
}  # fmt: skip
CONTEXT = ("place", "time", "weather")
ATTRIBUTES = ("colour", "size", "pose", "state", "clothes")


@dataclass(frozen=True)
class Node:
    """A description of `n` things: all that is not None must be so of each."""

    kind: str
    colour: str | None = None
    size: str | None = None
    pose: str | None = None
    state: str | None = None
    clothes: str | None = None
    n: int = 1

    def fits(self, thing: Thing) -> bool:
        if thing.kind != self.kind and thing.kind not in CATEGORIES.get(self.kind, ()):
            return False
        return all(getattr(self, name) in (None, getattr(thing, name)) for name in ATTRIBUTES)

    def to_json(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) not in (None, f.default)}


Link = tuple[int, str, int]  # subject node, predicate, object node


@dataclass(frozen=True)
class Claim:
    """The meaning of one caption; see the top of this file."""

    place: str | None = None
    time: str | None = None
    weather: str | None = None
    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    exactly: tuple[Node, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Compact: what is not claimed is left out; `n` is written where it is not 1."""
        data: dict[str, Any] = {name: getattr(self, name) for name in CONTEXT if getattr(self, name)}
        if self.nodes:
            data["nodes"] = [node.to_json() for node in self.nodes]
        if self.links:
            data["links"] = [list(link) for link in self.links]
        if self.exactly:
            data["exactly"] = [node.to_json() for node in self.exactly]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Claim:
        """The inverse of `to_json`."""
        return cls(
            **{name: data.get(name) for name in CONTEXT},
            nodes=tuple(Node(**node) for node in data.get("nodes", [])),
            links=tuple((s, p, o) for s, p, o in data.get("links", [])),
            exactly=tuple(Node(**node) for node in data.get("exactly", [])),
        )


def relations_of(scene: Scene) -> set[tuple[str, str, str]]:
    """All (subject, predicate, object) of a scene, with the inverse of each that has one."""
    found = {(r.subject, r.predicate, r.object) for r in scene.relations}
    return found | {(o, INVERSE[p], s) for s, p, o in found if p in INVERSE}


def bind(claim: Claim, scene: Scene, known: set[tuple[str, str, str]] | None = None) -> list[tuple[str, ...]] | None:
    """For each node the ids of things that make the claim true of the scene, or None where it is not true.

    `known` is `relations_of(scene)`, for callers that have it already.
    """
    if any(getattr(claim, name) not in (None, getattr(scene, name)) for name in CONTEXT):
        return None
    if any(sum(map(node.fits, scene.things)) != node.n for node in claim.exactly):
        return None
    candidates = [[thing.id for thing in scene.things if node.fits(thing)] for node in claim.nodes]
    if any(len(ids) < node.n for ids, node in zip(candidates, claim.nodes, strict=True)):
        return None
    known = relations_of(scene) if known is None and claim.links else known or set()
    order = sorted(range(len(claim.nodes)), key=lambda i: len(candidates[i]))  # the scarce first: fewer dead ends
    bound: dict[int, tuple[str, ...]] = {}

    def linked() -> bool:
        return all(
            (a, p, b) in known
            for s, p, o in claim.links
            if s in bound and o in bound
            for a in bound[s]
            for b in bound[o]
        )

    def extend(depth: int) -> bool:
        if depth == len(order):
            return True
        i = order[depth]
        taken = {thing for ids in bound.values() for thing in ids}
        for ids in combinations([c for c in candidates[i] if c not in taken], claim.nodes[i].n):
            bound[i] = ids
            if linked() and extend(depth + 1):
                return True
            del bound[i]
        return False

    return [bound[i] for i in range(len(claim.nodes))] if extend(0) else None


def holds(claim: Claim, scene: Scene) -> bool:
    """Whether the claim is true of the scene."""
    return bind(claim, scene) is not None


def true_of(claim: Claim, scenes: Iterable[Scene]) -> list[str]:
    """The ids of the scenes of which the claim is true, in their order."""
    return [scene.id for scene in scenes if holds(claim, scene)]


class Split:
    """All scenes of one split, indexed so that `true_of` looks only where a claim can be true.

    The index keeps sets of scenes as bits of an int and discards by the single parts of a claim; `bind` decides the
    rest.
    """

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self.scenes = list(scenes)
        self.known = [relations_of(scene) for scene in self.scenes]
        self.everywhere = (1 << len(self.scenes)) - 1
        self._bits: dict[tuple[str, Any], int] = {}
        self._with_kind: dict[str, list[int]] = {}
        for i, scene in enumerate(self.scenes):
            kinds = {thing.id: thing.kind for thing in scene.things}
            keys = {(name, getattr(scene, name)) for name in CONTEXT}
            keys |= {("link", (kinds[s], p, kinds[o])) for s, p, o in self.known[i]}
            for key in keys:
                self._bits[key] = self._bits.get(key, 0) | 1 << i
            for kind in set(kinds.values()):
                self._with_kind.setdefault(kind, []).append(i)
        self._counts: dict[Node, dict[int, int]] = {}

    def _count(self, node: Node) -> dict[int, int]:
        """Scene number -> how many of its things fit, for the scenes that have any."""
        key = Node(**{**node.to_json(), "n": 1})
        if key not in self._counts:
            numbers = {i for kind in CATEGORIES.get(node.kind, (node.kind,)) for i in self._with_kind.get(kind, [])}
            counts = {i: sum(map(key.fits, self.scenes[i].things)) for i in sorted(numbers)}
            self._counts[key] = {i: count for i, count in counts.items() if count}
        return self._counts[key]

    def _fitting(self, node: Node, exact: bool) -> int:
        key = ("exactly" if exact else "some", node)
        if key not in self._bits:
            counts = self._count(node)
            if exact and node.n == 0:
                self._bits[key] = self.everywhere & ~sum(1 << i for i in counts)
            else:
                self._bits[key] = sum(
                    1 << i for i, count in counts.items() if count == node.n or (not exact and count > node.n)
                )
        return self._bits[key]

    def true_of(self, claim: Claim) -> list[int]:
        """The numbers (positions in `scenes`) of all scenes of which the claim is true."""
        bits = self.everywhere
        for name in CONTEXT:
            if getattr(claim, name):
                bits &= self._bits.get((name, getattr(claim, name)), 0)
        for node in claim.nodes:
            bits &= self._fitting(node, exact=False)
        for node in claim.exactly:
            bits &= self._fitting(node, exact=True)
        for s, p, o in claim.links:
            kinds = claim.nodes[s].kind, claim.nodes[o].kind
            if not any(kind in CATEGORIES for kind in kinds):
                bits &= self._bits.get(("link", (kinds[0], p, kinds[1])), 0)
        found = []
        while bits:
            i = (bits & -bits).bit_length() - 1
            bits &= bits - 1
            if bind(claim, self.scenes[i], self.known[i]) is not None:
                found.append(i)
        return found
