"""Contact sheets: many pictures of a dataset folder in one."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from . import store


def contact(paths: Sequence[Path], columns: int, width: int) -> Image.Image:
    """The pictures in rows of `columns`, each `width` pixels wide, 4:3, with a narrow white gap."""
    height, gap = width * 3 // 4, 4
    rows = -(-len(paths) // columns)
    sheet = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + gap) - gap), "white")
    for k, path in enumerate(paths):
        with Image.open(path) as image:
            small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (k % columns * (width + gap), k // columns * (height + gap)))
    return sheet


def write(folder: Path, target: Path, number: int, columns: int, width: int, start: int = 0) -> int:
    """A sheet of `number` scenes of the folder, places taken in turn, one of each hard group; gives how many it holds."""
    by_place: dict[str, list[str]] = {}
    shown: set[tuple[str, str]] = set()
    for scene in list(store.load(folder))[start:]:
        if scene.group and (scene.split, scene.group["id"]) in shown:
            continue
        if scene.group:
            shown.add((scene.split, scene.group["id"]))
        by_place.setdefault(scene.place, []).append(scene.id)
    queues, names = list(by_place.values()), []
    while len(names) < number and any(queues):
        names += [queue.pop(0) for queue in queues if queue]
    names = names[:number]
    if not names:
        raise ValueError(f"got no rendered scene in {folder}, expected at least one: run `render` first")
    data = BytesIO()
    contact([folder / store.name_of(name) for name in names], columns, width).save(data, "WEBP", quality=85, method=6)
    store.write(target, data.getvalue())
    return len(names)
