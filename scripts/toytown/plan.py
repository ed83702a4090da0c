"""Which facts of a scene a caption tells: a claim for each tag; for `full`, one that is true of no other scene."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from .catalog import KIND
from .kept import is_kept
from .truth import CONTEXT, Claim, Node, Split, holds, relations_of
from .world import INDOOR, Scene, Thing

LOOKS = ("colour", "clothes", "size", "state", "pose")


@dataclass
class Entity:
    """One thing, or all things of a kind (and colour) that a number word can sum up."""

    things: list[Thing]
    plain: Node  # kind and number only, or with the colour where the group is one of that colour
    facts: dict[str, str]  # attribute -> value, the same of all its things
    counted: bool  # the number is claimed exactly


@dataclass
class Draft:
    """A claim under construction."""

    context: set[str] = field(default_factory=set)
    entities: dict[int, set[str]] = field(default_factory=dict)  # entity number -> attributes told
    links: list[tuple[int, str, int]] = field(default_factory=list)  # between entity numbers
    single: set[int] = field(default_factory=set)  # entities told as "a single ..."
    absent: list[str] = field(default_factory=list)


class Planner:
    """Drafts claims for one scene. Every random choice is drawn from `rng`."""

    def __init__(self, scene: Scene, rng: random.Random, singly: bool = False, taught: bool = False) -> None:
        """With `singly` each thing is told for itself, none as one of "three ducks"; with `taught` no relation is told of a
        pair of kinds that is kept back from training."""
        self.scene, self.rng, self.taught = scene, rng, taught
        self.entities = [self._entity(t.kind, [t], whole=False) for t in scene.things] if singly else self._entities()
        known = relations_of(scene)
        self.links = [
            (a, p, b)
            for p in sorted({p for _, p, _ in known})
            for a, left in enumerate(self.entities)
            for b, right in enumerate(self.entities)
            if a != b
            and not (taught and is_kept(left.plain.kind, right.plain.kind))
            and all((s.id, p, o.id) in known for s in left.things for o in right.things)
        ]

    def _entities(self) -> list[Entity]:
        kinds: dict[str, list[Thing]] = {}
        for thing in self.scene.things:
            kinds.setdefault(thing.kind, []).append(thing)
        found = []
        for kind, things in kinds.items():
            looks = {(t.colour, t.clothes) for t in things}
            groups = (
                [things]
                if len(looks) == 1
                else [[t for t in things if (t.colour, t.clothes) == look] for look in sorted(looks, key=str)]
            )
            if len(groups) > 2 and len(things) == len(groups) and self.rng.random() < 0.5:
                groups = [things]
            for group in groups:
                found.append(self._entity(kind, group, whole=len(group) == len(things)))
        return found

    def _entity(self, kind: str, group: list[Thing], whole: bool) -> Entity:
        facts = {}
        for name in LOOKS:
            values = {getattr(thing, name) for thing in group}
            value = values.pop() if len(values) == 1 else None
            if value and value not in ("riding", "holding", "medium") and not (name == "pose" and len(group) > 1):
                facts[name] = value
        counted = len(group) > 1
        base = {name: facts[name] for name in ("colour", "clothes") if counted and not whole and name in facts}
        return Entity(group, Node(kind, n=len(group), **base), facts, counted)

    def claim(self, draft: Draft) -> tuple[Claim, list[int]]:
        """The claim of a draft, and the entity of each of its nodes."""
        order = list(draft.entities)
        nodes = [
            replace(self.entities[e].plain, **{a: self.entities[e].facts[a] for a in draft.entities[e]}) for e in order
        ]
        exactly = [node for e, node in zip(order, nodes, strict=True) if self.entities[e].counted or e in draft.single]
        exactly += [Node(kind, n=0) for kind in draft.absent]
        links = tuple((order.index(a), p, order.index(b)) for a, p, b in draft.links)
        context = {name: getattr(self.scene, name) for name in draft.context}
        return Claim(**context, nodes=tuple(nodes), links=links, exactly=tuple(exactly)), order

    def tellable(self, e: int, looks: Iterable[str], share: dict[str, float]) -> set[str]:
        """A random part of the attributes an entity has; the height of people is left to `unique`."""
        facts = set(self.entities[e].facts) - ({"size"} if self.entities[e].plain.kind == "person" else set())
        return {name for name in looks if name in facts and self.rng.random() < share.get(name, 1.0)}

    def context_names(self) -> list[str]:
        """Indoors the weather is out of sight."""
        return [name for name in CONTEXT if not (name == "weather" and self.scene.place in INDOOR)]

    def some(self, most: int, fit: Callable[[int], bool] = lambda e: True) -> list[int]:
        """Up to `most` entities, the well visible ones more likely."""
        pool = [e for e in range(len(self.entities)) if fit(e)]
        weights = {e: self.rng.random() * self._presence(e) for e in pool}
        return sorted(pool, key=lambda e: -weights[e])[:most]

    def _presence(self, e: int) -> float:
        areas = [(t.box[2] - t.box[0]) * (t.box[3] - t.box[1]) for t in self.entities[e].things if t.box]
        return (max(areas) if areas else 0.1) ** 0.25

    def context(self) -> Draft:
        names = self.context_names()
        told = {"place"} | {name for name in names[1:] if self.rng.random() < 0.75}
        if len(told) == 1 and len(names) > 1:
            told.add(self.rng.choice(names[1:]))
        draft = Draft(told)
        if self.rng.random() < 0.35:
            chosen = self.some(self.rng.choice((1, 1, 2)), lambda e: not self.entities[e].counted)
            draft.entities = {e: set() for e in chosen if e == chosen[0] or not self._alike(e, chosen[0])}
        return draft

    def objects(self) -> Draft:
        draft = Draft({"place"} if self.rng.random() < 0.45 else set())
        seen: set[str] = set()
        for e in self.some(self.rng.choice((2, 3, 3, 4))):
            if self.entities[e].plain.kind not in seen:  # "a red car and a blue car" is for the other tags
                draft.entities[e] = set()
                seen.add(self.entities[e].plain.kind)
        return draft

    def attributes(self) -> Draft:
        draft = Draft({"place"} if self.rng.random() < 0.25 else set())
        for e in self.some(self.rng.choice((1, 2, 2, 2, 3)), lambda e: bool(self.entities[e].facts)):
            draft.entities[e] = self.tellable(e, LOOKS, {"colour": 0.95, "size": 0.6, "state": 0.8, "pose": 0.7})
            if not draft.entities[e]:
                draft.entities[e] = set(list(self.entities[e].facts)[:1])
        return draft

    def definite(self, claim: Claim) -> Claim:
        """Adds "the only one of its kind" where that is so of every node, so that "the car is red" may be said."""
        whole = [Node(node.kind) for node in claim.nodes]
        new = replace(claim, exactly=claim.exactly + tuple(whole))
        return new if all(node.n == 1 for node in claim.nodes) and holds(new, self.scene) else claim

    def relations(self) -> Draft:
        draft = Draft({"place"} if self.rng.random() < 0.2 else set())
        self._link(draft, self.rng.choice((1, 1, 2)), {"colour": 0.15, "clothes": 0.3, "pose": 0.2})
        return draft

    def _link(self, draft: Draft, most: int, share: dict[str, float]) -> None:
        """Adds up to `most` links that hang together, actions first."""
        for _ in range(most):
            pairs = {frozenset((a, b)) for a, _, b in draft.links}
            pool = [link for link in self.links if frozenset((link[0], link[2])) not in pairs]
            if draft.entities:
                pool = [link for link in pool if {link[0], link[2]} & set(draft.entities)] if draft.links else pool
            if not pool:
                return
            chosen = self.rng.choices(pool, [self._interest(*link) for link in pool])[0]
            draft.links.append(chosen)
            alike = self._alike(chosen[0], chosen[2])
            for e in (chosen[0], chosen[2]):
                draft.entities.setdefault(
                    e, self.tellable(e, ("colour", "clothes") if alike else share, {} if alike else share)
                )

    def _interest(self, a: int, predicate: str, b: int) -> float:
        """How gladly a relation is told: what is being done before what merely stands beside what."""
        weight = {"riding": 4.0, "holding": 4.0, "on": 3.0, "under": 3.0, "next to": 1.5}.get(predicate, 1.0)
        return weight * (0.2 if self._alike(a, b) else 1.0)

    def _alike(self, a: int, b: int) -> bool:
        return self.entities[a].plain.kind == self.entities[b].plain.kind

    def rich(self) -> Draft:
        """The first try at a full caption; `unique` adds what it lacks."""
        names = self.context_names()
        draft = Draft({name for name in names if self.rng.random() < (0.9 if name == "place" else 0.4)})
        told = {"colour": 0.9, "clothes": 0.9, "size": 0.15, "state": 0.3, "pose": 0.4}
        self._link(draft, self.rng.choice((1, 2, 2)), told)
        extra = (
            [e for e in self.some(1) if e not in draft.entities]
            if self.rng.random() < 0.5 or not draft.entities
            else []
        )
        for e in extra:
            draft.entities[e] = self.tellable(e, LOOKS, {"size": 0.4, "state": 0.5, "pose": 0.5})
        return draft


def unique(planner: Planner, split: Split, number: int, most: int = 12) -> Draft | None:
    """A draft true of scene `number` of the split and of no other, or None where the facts of the scene do not suffice.

    Adds at each step the fact that rules out most of the scenes still confused with this one; cheap, plain facts first.
    """
    draft = planner.rich()
    for _ in range(most):
        others = [split.scenes[i] for i in split.true_of(planner.claim(draft)[0]) if i != number]
        if not others:
            return draft
        best: tuple[float, Draft] | None = None
        for cost, fact in _facts(planner, draft, others):
            claim = planner.claim(fact)[0]
            left = sum(holds(claim, scene) for scene in others[:40])
            score = left + cost + 0.2 * planner.rng.random()
            if left < len(others[:40]) and (best is None or score < best[0]):
                best = score, fact
        if best is None:
            return None
        draft = best[1]
    return None


def _facts(planner: Planner, draft: Draft, others: list[Scene]) -> Iterable[tuple[float, Draft]]:
    """The draft with one more fact, each with a price for how heavily it sits in a sentence."""
    for name in planner.context_names():
        if name not in draft.context:
            yield 0.0, replace(draft, context=draft.context | {name})
    for e, entity in enumerate(planner.entities):
        if e in draft.entities:
            for name in sorted(set(entity.facts) - draft.entities[e]):
                yield 0.1, replace(draft, entities={**draft.entities, e: draft.entities[e] | {name}})
        else:
            yield 0.4, replace(draft, entities={**draft.entities, e: set()})
            look = next((name for name in ("colour", "clothes") if name in entity.facts), None)
            if look:
                yield 0.5, replace(draft, entities={**draft.entities, e: {look}})
        if not entity.counted and e not in draft.single:
            entities = {**draft.entities, e: draft.entities.get(e, set())}
            sole = replace(draft, entities=entities, single=draft.single | {e})
            if holds(planner.claim(sole)[0], planner.scene):
                yield 1.0, sole
    for link in planner.links:
        a, _, b = link
        if link in draft.links:
            continue
        entities = dict(draft.entities)
        for e in (a, b):
            entities.setdefault(e, planner.tellable(e, ("colour", "clothes"), {}))
        kept = [
            other for other in draft.links if {other[0], other[2]} != {a, b}
        ]  # two relations of one pair read badly
        price = 0.5 + 0.5 * (len(entities) - len(draft.entities)) + 0.5 * (len(draft.links) - len(kept))
        yield price, replace(draft, entities=entities, links=[*kept, link])
    here = {thing.kind for thing in planner.scene.things}
    for kind in sorted({thing.kind for scene in others for thing in scene.things} - here - set(draft.absent)):
        if planner.scene.place not in KIND[kind].places:
            continue  # the place may show it as decoration
        yield 2.0, replace(draft, absent=[*draft.absent, kind])
