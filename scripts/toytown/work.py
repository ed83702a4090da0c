"""Renders what of a split is not yet rendered; can be stopped at any time and started again."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType

from tqdm import tqdm

from . import store
from .sample import Staged, again, sample

ATTEMPTS = 4  # further layouts tried for a scene in which something came out hidden


def run(split: str, start: int, limit: int | None, out: Path, work: Path, every: int = 50) -> float:
    """Renders the scenes from `start` to `limit` (to the last when None) of a split, assembling as it goes; gives the
    seconds a scene."""
    from . import render  # bpy is needed from here on only

    store.unpack(out, work)
    staged = sample(split, limit)[start:]
    todo = [s for s in staged if not store.done(out, work, s.scene.id)]
    begun, rendered = time.monotonic(), 0
    try:
        for one in tqdm(todo, desc=f"render {split}", unit="scene", smoothing=0.05):
            _render(render, one, out, work)
            rendered += 1
            if rendered % every == 0:
                store.assemble(out, work)
    finally:
        store.assemble(out, work)
    return (time.monotonic() - begun) / max(1, rendered)


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
