"""Galleries as what pictures are read from: what this project makes, it reads. Only `manifest.json`, `items.jsonl` and the
thumbnails are looked at; nothing is run, and no name in them is followed out of the gallery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..io.jsonl import parse_object
from ..io.left_out import LeftOut, good_captions
from ..io.names import written

MAX_MANIFEST = 100_000_000  # bytes
NOTICE = (
    "a gallery that hgan made: its thumbnails, which are smaller than the originals, are used as pictures, with their "
    "ids and captions"
)


@dataclass(frozen=True)
class KeptItem:
    """What a gallery keeps of a picture."""

    id: str
    image: str  # what the picture was called
    thumbnail: str  # path inside the gallery
    captions: tuple[str, ...]
    facts: tuple[tuple[str, tuple[str, ...]], ...] | None  # tag and ids of `true_of`, one a caption


def is_manifest(data: bytes) -> bool:
    """Whether these are the bytes of a gallery's manifest."""
    try:
        manifest = parse_object(data)
    except ValueError:
        return False
    if not isinstance(manifest, dict):
        return False
    required = {"format": int, "name": str, "count": int, "model": dict, "files": dict}
    if not all(isinstance(manifest.get(key), kind) for key, kind in required.items()):
        return False
    return isinstance(manifest["model"].get("sha256"), str) and "items.jsonl" in manifest["files"]


def is_gallery(folder: Path) -> bool:
    """Whether a folder is a gallery, by what lies in it."""
    manifest = folder / "manifest.json"
    try:
        if not manifest.is_file() or not (folder / "items.jsonl").is_file():
            return False
        return manifest.stat().st_size <= MAX_MANIFEST and is_manifest(manifest.read_bytes())
    except OSError:
        return False


def kept_items(lines: Iterable[tuple[str, dict[str, Any]]], left_out: list[LeftOut]) -> list[KeptItem]:
    """Items of `items.jsonl`; what is wrong with one is named, and the rest goes on."""
    items = []
    for where, line in lines:
        id_, image, thumbnail = (line.get(key) for key in ("id", "image", "thumbnail"))
        captions = line.get("captions", [])
        if not (isinstance(id_, str) and id_ and isinstance(image, str) and isinstance(captions, list)):
            left_out.append(LeftOut(where, "got a damaged item, but expected id, image, thumbnail and captions"))
            continue
        if not isinstance(thumbnail, str) or not is_inside(thumbnail):
            left_out.append(LeftOut(where, f"got thumbnail {thumbnail!r}, but expected a path inside the gallery"))
            continue
        good = good_captions(captions, where, id_, left_out)
        facts = _facts(line.get("facts"), len(captions))
        kept = None if facts is None else tuple(facts[n] for n in good)
        items.append(KeptItem(written(id_), written(image), thumbnail, tuple(captions[n] for n in good), kept))
    return items


def is_inside(path: str) -> bool:
    """Whether a path from outside stays in its folder."""
    pure = PurePosixPath(path)
    return bool(pure.name) and not pure.is_absolute() and ".." not in pure.parts and not set("\\\0") & set(path)


def _facts(facts: Any, captions: int) -> list[tuple[str, tuple[str, ...]]] | None:
    if not isinstance(facts, list) or len(facts) != captions:
        return None
    try:
        return [(str(f["tag"]), tuple(str(id_) for id_ in f["true_of"])) for f in facts]
    except (KeyError, TypeError):
        return None
