"""The hard splits, of groups alone: `hard` for the verdict, `hard-dev` to choose on, `hard-train` to learn from.

Every group is drawn from a seed of its own, whatever the other groups are, so that any part of a split can be drawn and
rendered by itself, on any number of processes, with the same result.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from random import Random

from tqdm import tqdm

from . import groups, moves
from .catalog import KIND
from .compose import COLOURS_WORN, Composer, circumstances
from .groups import Member
from .lines import read_lines, write_lines
from .sample import SEED, Staged, finish
from .world import HARD_SPLITS, PLACES, SPLITS, Scene

# What the groups of a split differ in, taken in turn, so that any beginning of a split is balanced.
TURNS = {
    "hard": ("relation", "count", "swapped attributes"),
    "hard-dev": ("relation", "count", "swapped attributes"),
    "hard-train": ("relation", "count", "relation", "swapped attributes"),
}
KEPT_PART = 3  # in `hard` and `hard-dev` every so many-th relation group is of a pair of things kept back
# Groups in which something came out hidden once it was rendered, or that mean what another says: drawn again so often.
AGAIN: dict[tuple[str, int], int] = {("hard-dev", 6): 1}


def group(split: str, number: int) -> list[Staged]:
    """Group `number` of a hard split, staged for the renderer.

    Raises:
        ValueError: not a hard split, or no such group.
    """
    if split not in HARD_SPLITS or not 0 <= number < SPLITS[split] // 4:
        raise ValueError(
            f"got group {number} of {split!r}, but expected one of {', '.join(HARD_SPLITS)} and its groups"
        )
    turns = TURNS[split]
    differs, turn = turns[number % len(turns)], number // len(turns) * turns.count(turns[number % len(turns)])
    turn += turns[: number % len(turns)].count(differs)
    skipped = AGAIN.get((split, number), 0)
    for attempt in count():
        rng = Random(f"{SEED}-{split}-{number}-{attempt}")
        place = PLACES[(turn * 3 + attempt // 8) % len(PLACES)]
        members = _members(split, differs, turn, place, rng)
        if not members:
            continue
        if skipped:
            skipped -= 1
            continue
        made = []
        for id_, member in zip(ids(split, number), members, strict=True):
            scene = Scene(id_, split, member.place, member.time, member.weather, member.things)
            scene.group, scene.seed = {"id": f"g{number:03d}", "differs": differs}, attempt
            made.append(finish(scene, member.layout, Random(f"{SEED}-{split}-{number}-relations")))
        return made
    raise AssertionError("count() has no end")


def _members(split: str, differs: str, turn: int, place: str, rng: Random) -> list[Member] | None:
    if differs == "relation":
        family = moves.FAMILIES[turn % len(moves.FAMILIES)]
        return moves.make(family, place, split != "hard-train" and turn // len(moves.FAMILIES) % KEPT_PART == 0, rng)
    if differs == "swapped attributes":
        return _swapped(place, rng)
    return groups.make("count", place, rng)


def _swapped(place: str, rng: Random) -> list[Member] | None:
    """Three things of different kinds exchange three colours that each of them may have."""
    time, weather = circumstances(place, rng)
    maker = Composer(place, rng)
    kinds = rng.sample([k for k in KIND if maker.fits(k) and k not in ("train", "snowman", "boat")], 3)
    colours = set(COLOURS_WORN) - ({"white"} if place == "snow field" else set())
    for kind in kinds:
        colours &= set(COLOURS_WORN if kind == "person" else KIND[kind].colours)
    if len(colours) < 3:
        return None
    return groups.exchanged(maker, kinds, rng.sample(sorted(colours), 3), place, time, weather, rng)


def ids(split: str, number: int) -> list[str]:
    """The ids of the four scenes of a group."""
    return [f"{split}-{4 * number + member:04d}" for member in range(4)]


def planned(split: str, folder: Path = Path("build/toytown/plan")) -> list[Scene]:
    """All scenes of a hard split as they are drawn, in order; kept in `folder`, as drawing them takes minutes."""
    path = folder / f"{split}.jsonl"
    scenes = [Scene.from_json(row) for row in read_lines(path)]
    for number in tqdm(range(len(scenes) // 4, SPLITS[split] // 4), desc=f"draw {split}", unit="group"):
        scenes += [staged.scene for staged in group(split, number)]
        write_lines(path, [scene.to_json() for scene in scenes])
    return scenes
