"""Renders what of a split is not yet rendered; can be stopped at any time and started again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

from tqdm import tqdm

from . import hard, store
from .sample import Staged, again, sample
from .world import HARD_SPLITS, SPLITS

ATTEMPTS = 4  # further layouts tried for a scene in which something came out hidden


def run(split: str, start: int, limit: int | None, out: Path, work: Path, workers: int = 1, every: int = 50) -> float:
    """Renders the scenes from `start` to `limit` (to the last when None) of a split, assembling as it goes; gives the
    seconds a scene. Hard splits go group by group, on any number of processes with the same result.

    Raises:
        ValueError: several workers for a split that is drawn in order.
    """
    store.unpack(out, work)
    begun, rendered = time.monotonic(), 0
    if split in HARD_SPLITS:
        groups = range(start // 4, -(-min(SPLITS[split], SPLITS[split] if limit is None else limit) // 4))
        done = _groups(split, groups, out, work, workers)
    elif workers > 1:
        raise ValueError(
            f"got {workers} workers for {split}, but expected one: only hard splits are drawn group by group"
        )
    else:
        done = _scenes(split, start, limit, out, work)
    try:
        for _ in done:
            rendered += 1
            if rendered == 1 or rendered % every == 0:  # after one, the folder is known for Toy Town's
                store.assemble(out, work)
    finally:
        store.assemble(out, work)
    return (time.monotonic() - begun) / max(1, rendered)


def _scenes(split: str, start: int, limit: int | None, out: Path, work: Path) -> Iterable[str]:
    from . import render  # bpy is needed from here on only

    todo = [s for s in sample(split, limit)[start:] if not store.done(out, work, s.scene.id)]
    for one in tqdm(todo, desc=f"render {split}", unit="scene", smoothing=0.05):
        _render(render, one, out, work)
        yield one.scene.id


def _groups(split: str, groups: range, out: Path, work: Path, workers: int) -> Iterable[str]:
    todo = [g for g in groups if not all(store.done(out, work, id_) for id_ in hard.ids(split, g))]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_group, split, number, out, work) for number in todo]
        for done in tqdm(as_completed(waiting), desc=f"render {split}", unit="group", total=len(todo), smoothing=0.05):
            for scene_id, good in done.result():
                if not good:
                    tqdm.write(f"{scene_id}: something is hardly seen")
                yield scene_id


def _group(split: str, number: int, out: Path, work: Path) -> list[tuple[str, bool]]:
    """Renders the members of a hard group that are not done; with each whether all its things are plain to see."""
    from . import render

    found = []
    for staged in hard.group(split, number):
        if not store.done(out, work, staged.scene.id):
            image, scene, good = render.picture(staged)
            store.save(out, work, image, scene)
            found.append((scene.id, good))
    return found


def _render(render: ModuleType, staged: Staged, out: Path, work: Path) -> None:
    """A single scene may be laid out anew; a member of a hard group keeps the layout it shares."""
    image, scene, good = render.picture(staged)
    attempt = 0
    while not good and attempt < ATTEMPTS and scene.group is None:
        attempt += 1
        other = again(staged, attempt)
        if other is not None:
            image, scene, good = render.picture(other)
    if not good:
        tqdm.write(f"{scene.id}: something is hardly seen")
    store.save(out, work, image, scene)
