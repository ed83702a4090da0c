"""Verifies the dataset folder: pictures against graphs, captions against graphs, files against hashes.

Needs no renderer. Every check yields one line for each thing that is wrong; none at all means that the folder keeps
its promises as far as it is rendered.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from . import rle, wordings
from .captions import load_splits, mentions_fit, number_of
from .grammar import TAGS
from .kept import is_kept
from .lines import read_lines, write_text
from .rivals import group_faults, signature
from .skeletons import count
from .telling import TAG
from .truth import Claim, Split
from .world import (
    COLOURS,
    HARD_SPLITS,
    INDOOR,
    KINDS,
    PLACES,
    POSES,
    RELATIONS,
    SIZES,
    SPLITS,
    STATES,
    TIMES,
    WEATHERS,
    Scene,
)  # fmt: skip

LEAST_SKELETONS = 300
LEAST_GROUPED = 200  # scenes of the finished test split that belong to a hard group
LEAST_HARD = {
    "hard": {"relation": 100, "count": 100, "swapped attributes": 100},
    "hard-dev": {"relation": 30, "count": 30, "swapped attributes": 30},
    "hard-train": {"relation": 150, "count": 75, "swapped attributes": 75},
}
LEAST_SEEN = 0.3  # share of a thing in a hard group
KEPT_WORDINGS = frozenset(wordings.names(kept=True))
UNHASHED = ("manifest.json", "README.md")


def early_pictures(folder: Path) -> set[str]:
    """Pictures without a line in `scenes.jsonl`: while a render runs, those since it last assembled that file."""
    known = {f"images/{row['id']}.webp" for row in read_lines(folder / "scenes.jsonl")}
    return {path.relative_to(folder).as_posix() for path in (folder / "images").glob("*.webp")} - known


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the folder but the manifest itself, the data card and early pictures."""
    left_out = early_pictures(folder) | set(UNHASHED)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part")
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in named.items() if name not in left_out}


def write_manifest(folder: Path) -> int:
    """Writes `manifest.json`; the number of files in it."""
    found = hashes(folder)
    write_text(folder / "manifest.json", json.dumps({"sha256": found}, indent=0) + "\n")
    return len(found)


def check(folder: Path) -> tuple[list[str], list[str]]:
    """(what stands, what is wrong), one line each.

    Raises FileNotFoundError where there are no scenes.
    """
    if not (folder / "scenes.jsonl").exists():
        raise FileNotFoundError(f"no scenes.jsonl in {folder}; render first")
    splits, rendered = load_splits(folder)
    stands, wrong = [], []
    for name, total in SPLITS.items():
        here = sum(scene_id.startswith(f"{name}-") for scene_id in rendered)
        stands.append(f"{here} of {total} {name} scenes rendered")
    scenes = [scene for split in splits.values() for scene in split.scenes if scene.id in rendered]
    for scene in scenes:
        wrong += [f"{scene.id}: {fault}" for fault in _scene(scene)]
        if not (folder / "images" / f"{scene.id}.webp").exists():
            wrong.append(f"{scene.id}: no picture")
    early = early_pictures(folder)
    if early and len(rendered) < sum(SPLITS.values()):
        stands.append(f"{len(early)} pictures more, whose scenes the renderer has not yet assembled; they are left out")
    else:
        wrong += [f"{name}: a picture of no scene" for name in sorted(early)]
    wrong += _regions(folder, scenes)
    wrong += _leaks(splits)
    wrong += _hard(splits)
    grouped, faults = group_faults(splits, rendered)
    wrong += faults
    stands.append(f"{grouped['rendered']} rendered scenes in {grouped['groups']} hard groups")
    for name, split in splits.items():
        planned = sum(scene.group is not None for scene in split.scenes)
        if name == "test" and planned < LEAST_GROUPED:
            wrong.append(f"only {planned} test scenes belong to hard groups, {LEAST_GROUPED} are promised")
    said, faults = _captions(folder, splits, rendered)
    stands += said
    wrong += faults
    wrong += _files(folder)
    return stands, wrong


def _scene(scene: Scene) -> Iterator[str]:
    """Words of the vocabulary only; relations between things that exist; boxes and masks that agree."""
    ids = [thing.id for thing in scene.things]
    if len(set(ids)) != len(ids):
        yield "two things with one id"
    if scene.place not in PLACES or scene.time not in TIMES or scene.weather not in WEATHERS:
        yield f"unknown place, time or weather: {scene.place}, {scene.time}, {scene.weather}"
    if scene.place in INDOOR and scene.weather != "clear":
        yield f"{scene.weather} indoors"
    for relation in scene.relations:
        if relation.predicate not in RELATIONS or not {relation.subject, relation.object} <= set(ids):
            yield f"bad relation {relation}"
    for thing in scene.things:
        known = thing.kind in KINDS and thing.size in SIZES and thing.pose in (None, *POSES)
        known &= thing.state in (None, *STATES.get(thing.kind, ()))
        known &= (
            thing.clothes in COLOURS and thing.colour is None if thing.kind == "person" else thing.colour in COLOURS
        )
        if not known:
            yield f"{thing.id}: a word that the vocabulary lacks"
        for fault in _box(thing.box, thing.mask, thing.visible_share):
            yield f"{thing.id} ({thing.kind}): {fault}"


def _box(box: list[float] | None, mask: dict | None, share: float | None) -> Iterator[str]:
    if box is None or mask is None or share is None:
        yield "no box, mask or visible share"
        return
    x0, y0, x1, y1 = box
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        yield f"box {box} is not inside the picture"
    if not 0 < share <= 1:
        yield f"visible share {share}"
    try:
        seen = rle.box(mask)
    except ValueError as error:
        yield str(error)
        return
    height, width = mask["size"]
    slack = (0.51 / width, 0.51 / height) * 2  # half a pixel, for rounding in the file
    if seen is None or any(abs(a - b) > s for a, b, s in zip(seen, box, slack, strict=True)):
        yield f"box {box} is not the box {seen} of the mask"


def _regions(folder: Path, scenes: list[Scene]) -> Iterator[str]:
    """`regions.jsonl` has the things of each scene, box for box."""
    rows = {row["image"]: row["regions"] for row in read_lines(folder / "regions.jsonl")}
    for scene in scenes:
        regions = rows.pop(f"images/{scene.id}.webp", None)
        if regions is None:
            yield f"{scene.id}: not in regions.jsonl"
        elif Counter(tuple(r["box"]) for r in regions) != Counter(tuple(t.box or ()) for t in scene.things):
            yield f"{scene.id}: the boxes of regions.jsonl and scenes.jsonl differ"
    for image in rows:
        yield f"regions.jsonl names {image}, which no scene has"


def _leaks(splits: dict[str, Split]) -> Iterator[str]:
    first: dict[str, str] = {}
    for split in splits.values():
        for scene in split.scenes:
            other = first.setdefault(signature(scene), scene.id)
            if other != scene.id:
                yield f"{scene.id} says the same as {other}"


def _captions(folder: Path, splits: dict[str, Split], rendered: set[str]) -> tuple[list[str], list[str]]:
    """Captions and facts of every rendered scene, the claims tested again on the whole split."""
    rows = {row["id"]: row for row in read_lines(folder / "captions.jsonl")}
    facts = {row["id"]: row["captions"] for row in read_lines(folder / "caption_facts.jsonl")}
    wrong = [f"{i}: captions but no scene" for i in sorted(rows.keys() | facts.keys()) if i not in rendered]
    texts: Counter[tuple[str, str]] = Counter()
    for name, split in splits.items():
        for scene in split.scenes:
            if scene.id not in rendered:
                continue
            if scene.id not in rows or scene.id not in facts:
                wrong.append(f"{scene.id}: no captions or no facts")
                continue
            row = rows[scene.id]
            if (row["image"], row["split"]) != (f"images/{scene.id}.webp", name):
                wrong.append(f"{scene.id}: captions.jsonl gives {row['image']} of {row['split']}")
            wrong += [
                f"{scene.id}: {fault}" for fault in _caption_faults(row["captions"], facts[scene.id], scene, split)
            ]
            texts.update((name, text) for text in row["captions"])
    again = sum(times - 1 for times in texts.values())
    whole = {i: row["captions"] for i, row in rows.items() if i in facts and len(row["captions"]) == len(facts[i])}
    counts = count(whole, facts)
    if len(rendered) >= 100 and counts["skeletons"] < LEAST_SKELETONS:
        wrong.append(f"{counts['skeletons']} sentence skeletons, {LEAST_SKELETONS} are promised")
    total = sum(texts.values())
    said = [
        f"{total} captions, {total - again} of them distinct within their split",
        f"{counts['skeletons']} sentence skeletons with names, colours and places masked",
        f"{counts['frames']} frames with every phrase of thing, place, hour and weather masked",
    ]
    return said, wrong


def _caption_faults(texts: list[str], facts: list[dict], scene: Scene, split: Split) -> Iterator[str]:
    tags = list(TAGS)
    if scene.split in HARD_SPLITS and scene.group:
        tags = [TAG[scene.group["differs"]]] * 4 + ["full"]
        yield from _telling_faults(texts, facts, scene)
    if [fact["tag"] for fact in facts] != tags or len(set(texts)) != len(tags):
        yield f"expected five different captions tagged {', '.join(tags)}"
        return
    number = number_of(scene.id)
    for text, fact in zip(texts, facts, strict=True):
        truth = split.true_of(Claim.from_json(fact["claim"]))
        if number not in truth:
            yield f"untrue: {text!r}"
        if truth != fact["true_of"]:
            yield f"the list of scenes is wrong that {text!r} is true of"
        if fact["tag"] == "full" and truth != [number]:
            yield f"true of {len(truth)} scenes, not of one: {text!r}"
        if not mentions_fit(fact, text, scene):
            yield f"the mentions do not fit {text!r}"


def _telling_faults(texts: list[str], facts: list[dict], scene: Scene) -> Iterator[str]:
    """The first four captions tell the scene from others of its group; what is kept back is marked, and never in training."""
    first = number_of(scene.id) // 4 * 4
    for text, fact in zip(texts[:4], facts[:4], strict=False):
        if set(range(first, first + 4)) <= set(fact["true_of"]):
            yield f"tells nothing of its group apart: {text!r}"
    for text, fact in zip(texts, facts, strict=False):
        nodes = Claim.from_json(fact["claim"]).nodes
        pairs = [(nodes[s].kind, nodes[o].kind) for s, _, o in fact["claim"].get("links", [])]
        back = ["wording"] * (fact.get("wording") in KEPT_WORDINGS)
        back += ["pair"] * (fact["tag"] != "full" and any(is_kept(*pair) for pair in pairs))
        if fact.get("kept", []) != back:
            yield f"kept back is {back}, not {fact.get('kept', [])}: {text!r}"
        if scene.split == "hard-train" and (back or any(is_kept(*pair) for pair in pairs)):
            yield f"training says what is kept back: {text!r}"


def _hard(splits: dict[str, Split]) -> Iterator[str]:
    """Hard splits hold groups alone, of each kind what is promised, and every thing is plain to see."""
    for name in HARD_SPLITS:
        if name not in splits:
            continue
        groups = Counter(scene.group["differs"] if scene.group else "nothing" for scene in splits[name].scenes)
        for differs, least in LEAST_HARD[name].items():
            if groups[differs] < 4 * least:
                yield f"{groups[differs] // 4} groups of {name} differ in {differs}, {least} are promised"
        for scene in splits[name].scenes:
            hidden = [t.id for t in scene.things if t.visible_share is not None and t.visible_share < LEAST_SEEN]
            if hidden:
                yield f"{scene.id}: of {', '.join(hidden)} less than {LEAST_SEEN:.0%} is seen"


def _files(folder: Path) -> Iterator[str]:
    path = folder / "manifest.json"
    if not path.exists():
        yield "no manifest.json; write it with the subcommand manifest"
        return
    wanted, found = json.loads(path.read_text(encoding="utf-8"))["sha256"], hashes(folder)
    yield from (f"{name}: in the manifest but not on disk" for name in sorted(wanted.keys() - found.keys()))
    yield from (f"{name}: on disk but not in the manifest" for name in sorted(found.keys() - wanted.keys()))
    yield from (
        f"{name}: not the file that the manifest names"
        for name in sorted(wanted.keys() & found.keys())
        if wanted[name] != found[name]
    )
