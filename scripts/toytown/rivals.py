"""Scenes side by side: equal ones, and the hard groups of four that must differ in exactly one thing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .truth import Split, relations_of
from .world import DIFFERENCES, Scene, Thing

Words = tuple[str | None, ...]
DOING = ("holding", "riding")


def words_of(thing: Thing, without: str | None = None) -> Words:
    """The attributes of a thing, `without` the one named."""
    names = ("kind", "colour", "size", "pose", "state", "clothes")
    return tuple(None if name == without else getattr(thing, name) for name in names)


def signature(scene: Scene) -> str:
    """Equal for scenes whose graphs are equal up to the ids of things.

    Each thing is described by its attributes and, three rounds long, by the descriptions of what it is related to;
    scenes are told apart unless all descriptions agree, so an unequal pair could be called equal only by a graph of
    rare symmetry.
    """
    known = relations_of(scene)
    label = {thing.id: repr(words_of(thing)) for thing in scene.things}
    for _ in range(3):
        label = {i: repr((label[i], sorted((p, label[o]) for s, p, o in known if s == i))) for i in label}
    return repr((scene.place, scene.time, scene.weather, sorted(label.values())))


def group_faults(splits: dict[str, Split], rendered: set[str]) -> tuple[Counter[str], list[str]]:
    """Numbers of rendered members and of groups with any, and what is wrong with the groups."""
    grouped: dict[tuple[str, str], list[Scene]] = {}
    for name, split in splits.items():
        for scene in split.scenes:
            if scene.group:
                grouped.setdefault((name, scene.group["id"]), []).append(scene)
    numbers, wrong = Counter(rendered=0, groups=0), []
    for (name, group), scenes in grouped.items():
        here = [scene for scene in scenes if scene.id in rendered]
        if not here:
            continue
        numbers.update(rendered=len(here), groups=1)
        kinds = {scene.group["differs"] for scene in scenes if scene.group}
        differs = next(iter(kinds))
        if len(scenes) != 4 or len(kinds) != 1 or differs not in DIFFERENCES:
            wrong.append(f"{name} group {group}: {len(scenes)} scenes that differ in {sorted(kinds)}")
        elif fault := _difference(scenes, differs):
            wrong.append(f"{name} group {group} ({differs}): {fault}")
    return numbers, wrong


def _things(scene: Scene, done: bool = False) -> Counter[Words]:
    """Their descriptions; with `done` without poses that say what a relation says already."""
    return Counter(words_of(thing, "pose" if done and thing.pose in DOING else None) for thing in scene.things)


def _alike(values: list[Any]) -> bool:
    return all(value == values[0] for value in values)


def _distinct(values: list[Any]) -> bool:
    return all(a != b for k, a in enumerate(values) for b in values[:k])


def _difference(scenes: list[Scene], differs: str) -> str | None:
    """What is wrong with a group said to differ in one thing, or None."""
    places = [scene.place for scene in scenes]
    if not _alike([(scene.time, scene.weather) for scene in scenes]):
        return "the hour or the weather differs"
    if not (_distinct(places) if differs == "place" else _alike(places)):
        return "the places do not differ" if differs == "place" else "the place differs"
    things = [_things(scene, differs == "relation") for scene in scenes]
    if differs in ("place", "relation"):
        if not _alike(things):
            return "the things differ"
        if differs == "relation":
            return None if _one_mover(scenes) else "more or less than the relations of one thing differ"
        return None
    if not _distinct(things):
        return "two of the scenes have the same things"
    if differs == "count":
        return None if _one_kind_counted(things) else "more than the number of one kind differs"
    by_id = [{thing.id: thing for thing in scene.things} for scene in scenes]
    if not _alike([own.keys() for own in by_id]):
        return "the things do not correspond"
    changed = {i for i in by_id[0] if not _alike([words_of(own[i]) for own in by_id])}
    names = [name for name in ("colour", "clothes", "size", "state", "pose") if _only_in(by_id, changed, name)]
    if differs == "attribute":
        return None if len(changed) == 1 and names else f"things {sorted(changed)} differ in more than one attribute"
    colours = [Counter(own[i].colour or own[i].clothes for i in changed) for own in by_id]
    plain = [[(thing.kind, thing.size, thing.pose, thing.state) for thing in scene.things] for scene in scenes]
    return None if _alike(colours) and _alike(plain) else "more than an exchange of colours"


def _only_in(by_id: list[dict[str, Thing]], changed: set[str], name: str) -> bool:
    return all(_alike([words_of(own[i], without=name) for own in by_id]) for i in changed)


def _one_mover(scenes: list[Scene]) -> bool:
    """Whether the relations differ between any two scenes, and only in those of one thing."""
    known = [relations_of(scene) for scene in scenes]
    if not _distinct(known):
        return False
    differing = set().union(*known) - set.intersection(*known)
    return any(all(thing.id in (s, o) for s, _, o in differing) for thing in scenes[0].things)


def _one_kind_counted(things: list[Counter[Words]]) -> bool:
    kinds = {words for own in things for words in own if any(other[words] != own[words] for other in things)}
    return len(kinds) == 1
