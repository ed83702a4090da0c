"""The scene lists of all splits, from nothing but their numbers: the same list however many of them are rendered.

A split is drawn in order, the hard groups first. A scene is drawn again while it says the same as one before it, in any split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tqdm import tqdm

from . import groups
from .arrange import Cluster, arrange
from .catalog import KIND
from .compose import circumstances, compose
from .layout import Layout, relations
from .world import DIFFERENCES, DRAWN_SPLITS, KINDS, PLACES, SPLITS, Scene, Thing

SEED = 2026
FIRST = 120  # the slice of the test split that is rendered first: ten hard groups among singles
GROUPS = {"test": 55, "dev": 5, "train": 60}


@dataclass
class Staged:
    """A scene with what the renderer needs beyond it."""

    scene: Scene
    layout: Layout
    clusters: list[Cluster] = field(
        default_factory=list
    )  # empty for members of hard groups, whose layout is not drawn again


Parts = Counter[tuple[str, str | None]]


def parts_of(things: list[Thing]) -> Parts:
    """What a plain description names: kinds with their colours, as a multiset."""
    return Counter((t.kind, t.colour or t.clothes) for t in things)


def canonical(scene: Scene) -> tuple:
    """All that a scene says but for derived relations; equal for scenes that mean the same."""
    words = {t.id: (t.kind, t.colour, t.size, t.pose, t.state, t.clothes) for t in scene.things}
    joined = ("on", "under", "riding", "holding")
    links = sorted(
        repr((words[r.subject], r.predicate, words[r.object])) for r in scene.relations if r.predicate in joined
    )
    return scene.place, scene.time, scene.weather, tuple(sorted(map(repr, words.values()))), tuple(links)


class Register:
    """Remembers what was drawn: no scene equals another of any split, nor holds all that one of its place and split holds."""

    def __init__(self) -> None:
        self.seen: set[tuple] = set()
        self.held: dict[tuple[str, str], list[Parts]] = {}

    def free(self, scene: Scene) -> bool:
        mine = parts_of(scene.things)
        others = self.held.get((scene.split, scene.place), [])
        return canonical(scene) not in self.seen and not any(mine <= other or other <= mine for other in others)

    def add(self, scene: Scene) -> None:
        self.seen.add(canonical(scene))
        self.held.setdefault((scene.split, scene.place), []).append(parts_of(scene.things))


def finish(scene: Scene, layout: Layout, rng: Random) -> Staged:
    """The scene with its camera and its relations, staged; their order is drawn from `rng`."""
    kept = {t.id for t in scene.things}
    own = Layout({i: p for i, p in layout.poses.items() if i in kept}, layout.camera, layout.boxes, layout.depths)
    camera = layout.camera
    scene.camera = {
        "azimuth": round(camera.azimuth, 2), "elevation": round(camera.elevation, 2), "distance": round(camera.distance, 3),
        "target": [round(v, 3) for v in camera.target], "lens": round(camera.lens, 2),
    }  # fmt: skip
    scene.relations = relations(scene, own, rng)
    return Staged(scene, own)


def _group(split: str, number: int, register: Register) -> list[Staged]:
    differs = DIFFERENCES[number % len(DIFFERENCES)]
    for attempt in range(10_000):
        seed = f"{SEED}-{split}-group-{number}-{attempt}"
        place = PLACES[(number + number // len(PLACES) * 3 + attempt // 8) % len(PLACES)]
        members = groups.make(differs, place, Random(seed))
        if not members:
            continue
        made = []
        for member in members:
            scene = Scene("", split, member.place, member.time, member.weather, member.things)
            scene.group, scene.seed = {"id": f"g{number:03d}", "differs": differs}, attempt
            made.append(finish(scene, member.layout, Random(seed)))
        if all(register.free(staged.scene) for staged in made):
            for staged in made:
                register.add(staged.scene)
            return made
    raise RuntimeError(f"no layout for group {number} of {split}")


def _single(split: str, number: int, register: Register, counts: Counter[str]) -> Staged:
    """The kind and the place shown least so far come first, which balances a split without fixing it."""
    for attempt in range(10_000):
        rng = Random(f"{SEED}-{split}-{number}-{attempt}")
        place = min(PLACES, key=lambda p: (counts[p], rng.random()))
        focus = min(
            (k for k in KINDS if place in KIND[k].places),
            key=lambda k: (counts[k] / len(KIND[k].places) ** 0.5 + rng.random() * 2, k),
        )
        if attempt > 20 or rng.random() < 0.25:
            focus = rng.choice([k for k in KINDS if place in KIND[k].places])
        clusters = compose(place, focus, rng)
        things = [t for c in clusters for t in c.things()]
        if len(things) > 6:
            continue
        layout = arrange(clusters, place, rng, 25)
        if layout is None:
            continue
        scene = Scene("", split, place, *circumstances(place, rng), things, seed=attempt)
        staged = finish(scene, layout, rng)
        staged.clusters = clusters
        if register.free(scene):
            register.add(scene)
            return staged
    raise RuntimeError(f"no layout for scene {number} of {split}")


def again(staged: Staged, attempt: int) -> Staged | None:
    """The same things at the same place in another layout; None when chance offers none. `attempt` counts from 1."""
    rng = Random(f"{SEED}-{staged.scene.id}-again-{attempt}")
    layout = arrange(staged.clusters, staged.scene.place, rng)
    return layout and finish(staged.scene, layout, rng)


def _split(split: str, register: Register) -> Iterator[Staged]:
    total, number = SPLITS[split], GROUPS[split]
    members = [_group(split, g, register) for g in range(number)]
    early = 10 if split == "test" else 0
    rng = Random(f"{SEED}-{split}-order")
    slots = dict.fromkeys(range(total), None)
    first = rng.sample(range(FIRST), early * 4)
    later = rng.sample([i for i in range(total) if i >= FIRST or not early], (number - early) * 4)
    places = iter([*first, *later])
    ordered = [staged for group in members[:early] for staged in group]
    ordered += [staged for group in members[early:] for staged in group]
    slots.update({next(places): staged for staged in ordered})
    counts: Counter[str] = Counter()
    for index in range(total):
        staged = slots[index] or _single(split, index, register, counts)
        counts.update([staged.scene.place, *{t.kind for t in staged.scene.things}])
        staged.scene.id = f"{split}-{index:04d}"
        yield staged


def sample(split: str, limit: int | None = None) -> list[Staged]:
    """The first `limit` scenes of a split (all when None), in order; an unknown split is a ValueError."""
    if split not in DRAWN_SPLITS:
        raise ValueError(f"got split {split!r} but expected one of {', '.join(DRAWN_SPLITS)}")
    register, found = Register(), []
    for name in DRAWN_SPLITS:  # the earlier splits come first, as later ones must not repeat them
        wanted = SPLITS[name] if name != split or limit is None else min(limit, SPLITS[name])
        scenes = _split(name, register)
        drawn = [next(scenes) for _ in tqdm(range(wanted), desc=f"draw {name}", unit="scene")]
        if name == split:
            found = drawn
            break
    return found
