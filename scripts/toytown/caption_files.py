"""Writes `captions.jsonl` and `caption_facts.jsonl`, and folders with more captions to train on."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from . import captions, telling, wordings
from .captions import SEED, load_splits, mentions_fit, number_of, told
from .lines import read_lines, write_lines
from .phrases import UnsayableError
from .plan import Draft, Planner
from .store import regions_of
from .truth import Claim, Split
from .world import HARD_SPLITS, SPLITS, Scene

LEARNED = {"train": ("train", "hard-train")}  # what `build_more` puts together under one name
Captions = tuple[list[str], list[dict[str, Any]]]


def build(folder: Path, seed: int = SEED, only: Collection[str] = tuple(SPLITS)) -> list[str]:
    """Writes both files for all rendered scenes of the splits `only`, and leaves the lines of others as they are; returns what
    could not be said, one line a scene."""
    splits, rendered = load_splits(folder, only)
    old = {row["id"]: row for row in read_lines(folder / "captions.jsonl")}
    old_facts = {row["id"]: row for row in read_lines(folder / "caption_facts.jsonl")}
    rows, fact_rows, wrong = [], [], []
    for name in SPLITS:
        if name not in only:
            kept = [i for i in old if i.rpartition("-")[0] == name]
            rows += [old[i] for i in kept]
            fact_rows += [old_facts[i] for i in kept]
            continue
        split, taken = splits.get(name, Split([])), set[str]()
        for scene in tqdm([s for s in split.scenes if s.id in rendered], desc=f"caption {name}", unit="scene"):
            try:
                texts, facts = _five(scene, split, taken, seed)
            except ValueError as error:
                wrong.append(str(error))
                continue
            rows.append(_row(scene, name, texts))
            fact_rows.append({"id": scene.id, "captions": facts})
    write_lines(folder / "captions.jsonl", rows)
    write_lines(folder / "caption_facts.jsonl", fact_rows)
    return wrong


def _five(scene: Scene, split: Split, taken: set[str], seed: int) -> Captions:
    if scene.split not in HARD_SPLITS:
        return captions.five(scene, split, taken, seed)
    first = number_of(scene.id) // 4 * 4
    return telling.five(scene, split.scenes[first : first + 4], split, taken, seed)


def _row(scene: Scene, split: str, texts: list[str]) -> dict[str, Any]:
    group = {"group": _group(scene, split)} if scene.group else {}
    return {"id": scene.id, "image": f"images/{scene.id}.webp", "split": split, **group, "captions": texts}


def _group(scene: Scene, split: str) -> str:
    """The name of its group, unique where scenes of several splits come together."""
    assert scene.group is not None
    return scene.group["id"] if split == scene.split else f"{scene.split}-{scene.group['id']}"


def build_more(folder: Path, out: Path, times: int, split: str = "train") -> int:
    """Writes a dataset folder of one split, to train on: `times` captions of every tag for each scene, each from a seed of its
    own, and as many in named wordings. Pictures are linked. Returns the number of captions.

    With "train" come the scenes of `hard-train`, and nothing that is kept back is said: no such wording, and no relation of such
    a pair of things.
    """
    splits, rendered = load_splits(folder, LEARNED.get(split, (split,)))
    scenes = [s for name in splits for s in splits[name].scenes if s.id in rendered]
    of_split, taken, rows, fact_rows = Split(scenes), set[str](), [], []
    groups: dict[str, list[Scene]] = {}
    for scene in scenes:
        if scene.group:
            groups.setdefault(_group(scene, split), []).append(scene)
    for number, scene in enumerate(tqdm(scenes, desc=f"caption {split}", unit="scene")):
        texts, facts = [], []
        members = groups[_group(scene, split)] if scene.group and scene.split in HARD_SPLITS else None
        for seed in range(SEED, SEED + times):
            for more in _more(scene, members, of_split, number, taken, seed, split in LEARNED):
                texts += more[0]
                facts += more[1]
        rows.append(_row(scene, split, texts))
        fact_rows.append({"id": scene.id, "captions": facts})
    write_lines(out / "captions.jsonl", rows)
    write_lines(out / "caption_facts.jsonl", fact_rows)
    write_lines(out / "scenes.jsonl", [_scene_row(scene, split) for scene in scenes])
    pictures = {row["image"] for row in rows}
    write_lines(out / "regions.jsonl", [r for r in read_lines(folder / "regions.jsonl") if r["image"] in pictures])
    if not (out / "images").exists():
        (out / "images").symlink_to((folder / "images").resolve(), target_is_directory=True)
    return sum(len(row["captions"]) for row in rows)


def refresh(folder: Path, work: Path) -> tuple[int, int]:
    """Brings a folder that `build_more` wrote from scenes still to be rendered up to date: scenes whose truth file now lies in
    `work` get their boxes and relations from it, scenes without a picture go, and every caption's truth is asked again; captions
    that are no longer true go too. Returns the numbers of captions kept and gone.
    """
    scenes = []
    for row in read_lines(folder / "scenes.jsonl"):
        if not (folder / "images" / f"{row['id']}.webp").exists():
            continue
        truth = work / f"{row['id']}.json"
        if truth.exists():
            row = {**json.loads(truth.read_text(encoding="utf-8")), "split": row["split"], "group": row["group"]}
        scenes.append(Scene.from_json(row))
    split = Split(scenes)
    old, old_facts = (
        {row["id"]: row for row in read_lines(folder / name)} for name in ("captions.jsonl", "caption_facts.jsonl")
    )
    rows, fact_rows, gone = [], [], 0
    for number, scene in enumerate(tqdm(scenes, desc="ask again", unit="scene")):
        texts, facts = [], []
        for text, fact in zip(old[scene.id]["captions"], old_facts[scene.id]["captions"], strict=True):
            true_of = split.true_of(Claim.from_json(fact["claim"]))
            if number in true_of and mentions_fit(fact, text, scene):
                texts.append(text)
                facts.append({**fact, "true_of": true_of})
            else:
                gone += 1
        rows.append({**old[scene.id], "captions": texts})
        fact_rows.append({"id": scene.id, "captions": facts})
    write_lines(folder / "captions.jsonl", rows)
    write_lines(folder / "caption_facts.jsonl", fact_rows)
    write_lines(folder / "scenes.jsonl", [scene.to_json() for scene in scenes])
    write_lines(folder / "regions.jsonl", [json.loads(regions_of(scene)) for scene in scenes])
    return sum(len(row["captions"]) for row in rows), gone


def _scene_row(scene: Scene, split: str) -> dict[str, Any]:
    row = scene.to_json()
    if scene.group:
        row["group"] = {**scene.group, "id": _group(scene, split)}
    return {**row, "split": split}


def _more(
    scene: Scene, group: list[Scene] | None, split: Split, number: int, taken: set[str], seed: int, taught: bool
) -> Iterator[Captions]:
    """The captions of one seed: telling ones where the scene is of a hard split, else one of every tag and one more wording."""
    if group is not None:
        yield telling.five(scene, group, split, taken, seed, number)
        if seed % 2:  # half as many that tell what its group has in common
            yield _every_tag(scene, split, number, taken, seed, taught)
        return
    yield _every_tag(scene, split, number, taken, seed, taught)
    worded = _worded(scene, split, seed, taught)
    if worded is not None:
        yield worded


def _every_tag(scene: Scene, split: Split, number: int, taken: set[str], seed: int, taught: bool) -> Captions:
    """A caption of every tag, but for `full` where among so many scenes nothing that may be said is true of this one alone."""
    try:
        return captions.five(scene, split, taken, seed, number, taught)
    except ValueError:
        return captions.five(scene, split, taken, seed, number, taught, captions.TAGS[:-1])


def _worded(scene: Scene, split: Split, seed: int, taught: bool) -> Captions | None:
    """One relation of the scene in a wording that training may use; None where it has none to tell."""
    planner = Planner(scene, random.Random(f"worded-{seed}-{scene.id}"), taught=taught)
    if not planner.links:
        return None
    predicate = planner.rng.choice(sorted({p for _, p, _ in planner.links}))
    link = planner.rng.choice([one for one in planner.links if one[1] == predicate])
    shares = {"colour": 0.4, "clothes": 0.6}
    draft = Draft(links=[link])
    for e in (link[0], link[2]):
        draft.entities[e] = planner.tellable(e, ("colour", "clothes"), shares)
    claim, order = planner.claim(draft)
    try:
        text, mentions, name = wordings.write(claim, "relations", planner.rng, kept=False)
    except UnsayableError:
        return None
    fact = {"tag": "relations", "claim": claim.to_json(), "true_of": split.true_of(claim)}
    return [text], [{**fact, "mentions": told(planner, order, mentions), "wording": name}]
