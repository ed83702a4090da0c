"""The numbers of the data card, counted from the files."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from statistics import mean, median

from . import wordings
from .grammar import TAGS
from .kept import is_kept
from .lines import read_lines, write_text
from .skeletons import count
from .world import KINDS, SPLITS, Scene

BEGIN, END = "<!-- numbers: python -m scripts.toytown stats -->", "<!-- end of numbers -->"


def write_card(path: Path, numbers: str) -> None:
    """Puts the numbers between the two marks of the data card; raises ValueError where it lacks the marks."""
    card = path.read_text(encoding="utf-8")
    if BEGIN not in card or END not in card:
        raise ValueError(f"{path} has no lines {BEGIN!r} and {END!r}")
    write_text(path, f"{card.split(BEGIN)[0]}{BEGIN}\n{numbers}\n{END}{card.split(END)[1]}")


def table(folder: Path) -> str:
    """Markdown: what is rendered, how it is balanced, what the captions are like."""
    scenes = [Scene.from_json(row) for row in read_lines(folder / "scenes.jsonl")]
    captions = {row["id"]: row["captions"] for row in read_lines(folder / "captions.jsonl")}
    facts = {row["id"]: row["captions"] for row in read_lines(folder / "caption_facts.jsonl")}
    things = [thing for scene in scenes for thing in scene.things]
    rendered = Counter(scene.split for scene in scenes)
    lines = ["* scenes: " + ", ".join(f"{rendered[name]} of {total} {name}" for name, total in SPLITS.items())]
    for name, values in (
        ("places", [scene.place for scene in scenes]),
        ("hours", [scene.time for scene in scenes]),
        ("weathers", [scene.weather for scene in scenes]),
        ("things a scene", [str(len(scene.things)) for scene in scenes]),
        ("kinds", [thing.kind for thing in things]),
        ("colours", [thing.colour or thing.clothes for thing in things]),
        ("sizes", [thing.size for thing in things]),
        ("poses", [thing.pose for thing in things if thing.pose]),
        ("states", [thing.state for thing in things if thing.state]),
        ("relations", [relation.predicate for scene in scenes for relation in scene.relations]),
        ("hard groups (scenes)", [scene.group["differs"] for scene in scenes if scene.group]),
    ):
        lines.append(f"* {name}: {', '.join(f'{value} {times}' for value, times in Counter(values).most_common())}")
    texts = [text for own in captions.values() for text in own]
    if texts:
        numbers = count(captions, facts)
        words = [len(text.split()) for text in texts]
        lines.append(
            f"* captions: {len(texts)}, {len(set(texts))} distinct; "
            f"{min(words)} to {max(words)} words, {mean(words):.1f} on average"
        )
        lines.append(
            f"* skeletons: {numbers['skeletons']}; strictest mask: {numbers['frames']}; "
            + ", ".join(f"{t} {numbers[t]}" for t in TAGS)
        )
        for tag in TAGS:
            share = [len(fact["true_of"]) for own in facts.values() for fact in own if fact["tag"] == tag]
            lines.append(
                f"* scenes of its split a `{tag}` caption is true of: median {median(share):g}, at most {max(share)}"
            )
    lines.append(f"* wordings kept back from training: {'; '.join(wordings.names(kept=True))}")
    lines.append(f"* wordings that training may use: {'; '.join(wordings.names(kept=False))}")
    pairs = [f"{a} and {b}" for a, b in combinations(KINDS, 2) if is_kept(a, b)]
    lines.append(f"* pairs of kinds kept back from training, {len(pairs)}: {', '.join(pairs)}")
    return "\n".join(lines)
