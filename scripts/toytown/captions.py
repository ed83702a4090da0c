"""Five captions a rendered scene, each with meaning and truth; `caption_files` writes them.

What a caption is true of is asked of the whole split: of the rendered truth where a scene is rendered, else of the
scene as it is planned. So a `full` caption is unique even while only a part of the pictures exists; build again when
more are rendered.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from .grammar import TAGS, write
from .lines import read_lines
from .phrases import Mention
from .plan import Draft, Planner, unique
from .truth import Claim, Split, bind
from .world import HARD_SPLITS, SPLITS, Scene

SEED = 0
TRIES = 12  # wordings drawn for one caption before it may repeat one of another scene


def number_of(scene_id: str) -> int:
    """The place of a scene in its split: 7 for "test-0007"."""
    return int(scene_id.rsplit("-", 1)[1])


def load_splits(folder: Path, only: Collection[str] = tuple(SPLITS)) -> tuple[dict[str, Split], set[str]]:
    """Every split of `only` in full and the ids of the scenes that are rendered; the rendered truth replaces the plan of a scene.

    Only splits with a rendered scene are loaded.

    Raises ValueError where a rendered scene is no scene of the plan.
    """
    rendered = {row["id"]: Scene.from_json(row) for row in read_lines(folder / "scenes.jsonl")}
    splits = {}
    for name in only:
        own = {i: scene for i, scene in rendered.items() if scene.split == name}
        if not own:
            continue
        scenes = own
        if len(own) < SPLITS[name]:
            scenes = {scene.id: scene for scene in _planned(name)}
            if not own.keys() <= scenes.keys():
                raise ValueError(
                    f"got rendered scenes {sorted(own.keys() - scenes.keys())[:3]} that are not planned for {name}"
                )
            scenes.update(own)
        split = Split([scenes[i] for i in sorted(scenes)])
        if [number_of(scene.id) for scene in split.scenes] != list(range(len(split.scenes))):
            raise ValueError(f"the ids of split {name} do not count 0, 1, ... {len(split.scenes) - 1}")
        splits[name] = split
    return splits, set(rendered)


def _planned(split: str) -> list[Scene]:
    from . import hard, sample  # needed for unfinished splits only

    return hard.planned(split) if split in HARD_SPLITS else [staged.scene for staged in sample.sample(split)]


def caption(planner: Planner, tag: str, split: Split, number: int) -> tuple[str, dict[str, Any]]:
    """One caption and its facts.

    Raises ValueError where no `full` claim is true of this scene alone.
    """
    if tag == "relations" and not planner.links:  # of "three ducks" only one may stand beside the car
        planner = Planner(planner.scene, planner.rng, singly=True, taught=planner.taught)
    draft = unique(planner, split, number) if tag == "full" else _draft(planner, tag)
    if draft is None:
        raise ValueError(f"no claim is true of {planner.scene.id} alone")
    claim, order = planner.claim(draft)
    if tag == "attributes" and planner.rng.random() < 0.6:
        claim = planner.definite(claim)
    text, mentions = write(claim, tag, planner.rng)
    true_of, named = split.true_of(claim), told(planner, order, mentions)
    return text, {"tag": tag, "claim": claim.to_json(), "true_of": true_of, "mentions": named}


def told(planner: Planner, order: list[int], mentions: list[Mention]) -> list[dict[str, Any]]:
    """The mentions of a caption's words as facts: with the ids of the things they name."""
    return [
        {"words": [start, end], "things": [thing.id for thing in planner.entities[order[node]].things]}
        for start, end, node in mentions
    ]


def _draft(planner: Planner, tag: str) -> Draft:
    if tag == "relations" and not planner.links:
        return planner.objects()  # nothing stands in a plain relation to anything
    return getattr(planner, tag)()


def five(
    scene: Scene,
    split: Split,
    taken: set[str],
    seed: int = SEED,
    number: int | None = None,
    taught: bool = False,
    tags: Sequence[str] = TAGS,
) -> tuple[list[str], list[dict[str, Any]]]:
    """The captions of a scene, one of each of `tags`, with their facts; avoids wordings in `taken` and adds its own.

    `number` is the place of the scene in `split`, by default the one in its id; `taught` as in `Planner`.

    Raises ValueError where a scene has no caption of a tag.
    """
    texts, facts = [], []
    number = number_of(scene.id) if number is None else number
    for tag in tags:
        best: tuple[str, dict[str, Any]] | None = None
        for attempt in range(TRIES):
            planner = Planner(scene, random.Random(f"captions-{seed}-{scene.id}-{tag}-{attempt}"), taught=taught)
            try:
                drawn = caption(planner, tag, split, number)
            except ValueError:  # nothing unique, or no wording for it, from this start; another may do
                continue
            if drawn[0] not in texts and (best is None or drawn[0] not in taken):
                best = drawn
            if best and best[0] not in taken:
                break
        if best is None:
            raise ValueError(f"no {tag} caption for {scene.id}")
        taken.add(best[0])
        texts.append(best[0])
        facts.append(best[1])
    return texts, facts


def mentions_fit(facts: dict[str, Any], text: str, scene: Scene) -> bool:
    """Whether each mention points at words of the text and at things that fit a node, and the claim is true."""
    words, claim = text.split(), Claim.from_json(facts["claim"])
    known = {thing.id: thing for thing in scene.things}
    for mention in facts["mentions"]:
        start, end = mention["words"]
        if not 0 <= start < end <= len(words) or not set(mention["things"]) <= known.keys():
            return False
        things = [known[i] for i in mention["things"]]
        if not any(node.n == len(things) and all(map(node.fits, things)) for node in claim.nodes):
            return False
    return bind(claim, scene) is not None
