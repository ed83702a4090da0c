"""The dataset folder on disk: pictures, one truth file a scene while work goes on, and the two JSON Lines files made of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image

from .world import SPLITS, Scene

QUALITY = 80


def write(path: Path, data: bytes) -> None:
    """Atomic: a reader finds the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)


def name_of(scene_id: str) -> str:
    return f"images/{scene_id}.webp"


def split_of(scene_id: str) -> str:
    """The split in a scene's id: "hard-dev" of "hard-dev-0012"."""
    return scene_id.rpartition("-")[0]


def save(out: Path, work: Path, image: Image.Image, scene: Scene) -> None:
    """The picture first, the truth last: where the truth stands, the scene is done."""
    data = BytesIO()
    image.save(data, "WEBP", quality=QUALITY, method=6)
    write(out / name_of(scene.id), data.getvalue())
    write(work / f"{scene.id}.json", json.dumps(scene.to_json(), separators=(",", ":")).encode())


def done(out: Path, work: Path, scene_id: str) -> bool:
    return (work / f"{scene_id}.json").exists() and (out / name_of(scene_id)).exists()


def load(folder: Path) -> Iterator[Scene]:
    """The scenes of a dataset folder's `scenes.jsonl`."""
    with (folder / "scenes.jsonl").open() as lines:
        for line in lines:
            yield Scene.from_json(json.loads(line))


def unpack(out: Path, work: Path) -> None:
    """Writes the truth files anew from `scenes.jsonl`, so that a fresh checkout resumes where the folder stands."""
    if not (out / "scenes.jsonl").exists():
        return
    for scene in load(out):
        path = work / f"{scene.id}.json"
        if not path.exists() and (out / name_of(scene.id)).exists():
            write(path, json.dumps(scene.to_json(), separators=(",", ":")).encode())


def regions_of(scene: Scene) -> str:
    """Its line of `regions.jsonl`."""
    found = [{"box": t.box, "label": t.kind, "score": 1.0} for t in scene.things if t.box]
    return json.dumps({"image": name_of(scene.id), "regions": found})


def assemble(out: Path, work: Path) -> int:
    """Makes `scenes.jsonl` and `regions.jsonl` of all scenes that are done, in the order of `SPLITS`; gives their number."""
    order = {split: number for number, split in enumerate(SPLITS)}
    paths = [p for p in work.glob("*.json") if split_of(p.stem) in SPLITS and done(out, work, p.stem)]
    paths.sort(key=lambda p: (order[split_of(p.stem)], p.stem))
    scenes, regions = [], []
    for path in paths:
        text = path.read_text()
        scene = Scene.from_json(json.loads(text))
        scenes.append(text)
        regions.append(regions_of(scene))
    write(out / "scenes.jsonl", "".join(line + "\n" for line in scenes).encode())
    write(out / "regions.jsonl", "".join(line + "\n" for line in regions).encode())
    return len(paths)
