"""Captions of hard groups: five a scene, four of which tell it from others of its group by the one thing in which they differ.

One is the grammar's, the others are of named wordings (`wordings.py`): in `hard` and `hard-dev` one that training may use and
two that are kept back from it. The fifth is a `full` caption, true of this scene alone in its split, or a telling one of the
grammar where no such claim was found.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from . import grammar, wordings
from .captions import SEED, caption, number_of, told
from .kept import is_kept
from .phrases import UnsayableError
from .plan import Draft, Planner
from .truth import Claim, Split, holds, relations_of
from .world import Scene

TAG = {"relation": "relations", "count": "objects", "swapped attributes": "attributes"}  # by what a group differs in
DRAWS = 14  # claims drawn for one caption, of which the one is taken that is true of the fewest of its group
# By what each of the four is written: None is the grammar, True a wording kept back, False another one.
WAYS: dict[str, tuple[bool | None, ...]] = {
    "hard": (None, False, True, True),
    "hard-dev": (None, False, True, True),
    "hard-train": (None, False, False, False),
}


def five(
    scene: Scene, group: Sequence[Scene], split: Split, taken: set[str], seed: int = SEED, number: int | None = None
) -> tuple[list[str], list[dict[str, Any]]]:
    """The captions of a scene of a hard group and their facts; avoids wordings in `taken` and adds its own.

    `number` is the place of the scene in `split`, by default the one in its id.

    Raises ValueError where a caption cannot be said.
    """
    texts, facts = [], []
    number = number_of(scene.id) if number is None else number
    for place, way in enumerate(WAYS[scene.split]):
        text, fact = telling(scene, group, split, way, f"telling-{seed}-{scene.id}-{place}", {*taken, *texts})
        texts.append(text)
        facts.append(fact)
    for attempt in range(DRAWS):
        planner = _planner(scene, f"telling-{seed}-{scene.id}-full-{attempt}")
        try:
            text, fact = caption(planner, "full", split, number)
        except ValueError:  # nothing unique from this start; another may do
            continue
        if text not in texts:
            taken.update([*texts, text])
            return [*texts, text], [*facts, fact]
    text, fact = telling(scene, group, split, None, f"telling-{seed}-{scene.id}-fifth", {*taken, *texts})
    taken.update([*texts, text])
    return [*texts, text], [*facts, fact]


def telling(
    scene: Scene, group: Sequence[Scene], split: Split, kept: bool | None, seed: str, taken: set[str]
) -> tuple[str, dict[str, Any]]:
    """One caption that is true of the scene and not of all its group, with its facts.

    Raises ValueError where no claim tells the scene from its group, or none can be said in this way.
    """
    if scene.group is None:
        raise ValueError(f"got {scene.id}, but expected a scene of a hard group")
    tag = TAG[scene.group["differs"]]
    best: tuple[tuple[int, int], str, dict[str, Any]] | None = None
    for attempt in range(DRAWS):
        planner = _planner(scene, f"{seed}-{attempt}")
        draft = _DRAFTS[tag](planner, group, kept is None)
        if draft is None:
            continue
        claim, order = planner.claim(draft)
        true = sum(holds(claim, member) for member in group)
        if true == len(group):
            continue
        try:
            text, fact = _write(planner, claim, order, tag, split, kept)
        except UnsayableError:
            continue
        rank = (true, text in taken)
        if best is None or rank < best[0]:
            best = rank, text, fact
        if rank == (1, False):
            break
    if best is None:
        raise ValueError(f"nothing tells {scene.id} from its group")
    return best[1], best[2]


def _write(
    planner: Planner, claim: Claim, order: list[int], tag: str, split: Split, kept: bool | None
) -> tuple[str, dict[str, Any]]:
    name = None
    if kept is None:
        if tag == "attributes" and planner.rng.random() < 0.6:
            claim = planner.definite(claim)
        text, mentions = grammar.write(claim, tag, planner.rng)
    else:
        text, mentions, name = wordings.write(claim, tag, planner.rng, kept)
    fact: dict[str, Any] = {"tag": tag, "claim": claim.to_json(), "true_of": split.true_of(claim)}
    fact["mentions"] = told(planner, order, mentions)
    if name is not None:
        fact["wording"] = name
    back = ["wording"] * bool(kept) + ["pair"] * any(
        is_kept(claim.nodes[s].kind, claim.nodes[o].kind) for s, _, o in claim.links
    )
    return text, fact | ({"kept": back} if back else {})


def _planner(scene: Scene, seed: str) -> Planner:
    return Planner(scene, random.Random(seed), taught=scene.split == "hard-train")


def _relation(planner: Planner, group: Sequence[Scene], free: bool) -> Draft | None:
    """One relation that not all of the group have."""
    always = set.intersection(*map(relations_of, group))
    pool = [
        (s, p, o)
        for s, p, o in planner.links
        if not all((a.id, p, b.id) in always for a in planner.entities[s].things for b in planner.entities[o].things)
    ]
    if not pool:
        return None
    predicates = sorted({p for _, p, _ in pool})  # the rare ones as gladly as left and right
    predicate = planner.rng.choice(predicates)
    link = planner.rng.choice([one for one in pool if one[1] == predicate])
    alike = planner.entities[link[0]].plain.kind == planner.entities[link[2]].plain.kind
    looks = 1.0 if alike else 0.4
    draft = Draft({"place"} if planner.rng.random() < 0.15 else set(), links=[link])
    for e in (link[0], link[2]):
        draft.entities[e] = planner.tellable(e, ("colour", "clothes"), {"colour": looks, "clothes": max(looks, 0.6)})
    return draft


def _count(planner: Planner, group: Sequence[Scene], free: bool) -> Draft | None:
    """The number of the kind of which the scenes of the group have more or less, now and then with another thing."""
    numbers = {
        t.kind: {sum(o.kind == t.kind for o in scene.things) for scene in group} for s in group for t in s.things
    }
    counted = [e for e, entity in enumerate(planner.entities) if len(numbers[entity.plain.kind]) > 1]
    if len(counted) != 1:
        return None
    e, rng = counted[0], planner.rng
    draft = Draft({"place"} if rng.random() < 0.25 else set(), {e: planner.tellable(e, ("colour",), {"colour": 0.4})})
    if not planner.entities[e].counted:
        draft.single.add(e)
    others = [o for o in range(len(planner.entities)) if o != e and not planner.entities[o].counted]
    if others and rng.random() < 0.4:
        draft.entities[rng.choice(others)] = set()
    return draft


def _swapped(planner: Planner, group: Sequence[Scene], free: bool) -> Draft | None:
    """Two or all of the things with their colours."""
    entities = list(range(len(planner.entities)))
    chosen = planner.rng.sample(entities, min(len(entities), planner.rng.choice((2, 2, 3))))
    draft = Draft({"place"} if free and planner.rng.random() < 0.2 else set())
    for e in chosen:
        draft.entities[e] = planner.tellable(e, ("colour", "clothes"), {})
    return draft


_DRAFTS = {"relations": _relation, "objects": _count, "attributes": _swapped}
