"""A gallery on disk: encoded pictures and captions, thumbnails, and a manifest with the hash of every file and of
the model.

manifest.json    counts, dimensions, model, hashes, what was skipped and why, and the best scores that verdicts are
                 judged by (see `hgan.gallery.calibration`)
items.jsonl      one line a picture: id, image, width, height (pixels of the original), thumbnail, captions; and where
                 known "facts", one a caption: {"tag": ..., "true_of": [item ids]}
images/*.npy     graphs of the pictures (see `hgan.gallery.ragged`)
captions/*.npy   graphs of the captions, in the order of the items (absent without captions, and in a lean gallery:
                 they are encoded at first use, see `hgan.gallery.captions`)
thumbnails/      WebP
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ..data.folder import CaptionFact, read_jsonl
from ..files import sha256
from ..types import ImageGraph, TextGraph
from .ragged import RaggedGraphs

FORMAT = 1


@dataclass(frozen=True)
class Item:
    """One picture of a gallery."""

    id: str
    image: str  # path relative to the source it was built from
    width: int
    height: int
    thumbnail: str  # path relative to the gallery
    captions: tuple[str, ...]
    facts: tuple[CaptionFact, ...] | None = None  # one a caption, where the gallery knows; `true_of` are item ids


@dataclass(frozen=True)
class CaptionKey:
    """Where a caption stands: caption `number` of item `row`; its id is "ITEM#NUMBER"."""

    row: int
    number: int


class Gallery:
    """An opened gallery. Arrays are memory-mapped; nothing is hashed (see `verify`).

    Args:
        folder: as `hgan gallery build` wrote it.

    Raises:
        ValueError: missing, empty, of another format, or damaged; the message says where.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest = _read_manifest(self.folder)
        self.name: str = self.manifest["name"]
        self.items = [_item(where, line) for where, line in read_jsonl(_present(self.folder, "items.jsonl"))]
        if len(self.items) != self.manifest["count"]:
            raise ValueError(
                f"gallery {self.name}: got {len(self.items)} items, but the manifest says {self.manifest['count']}"
            )
        self.images = RaggedGraphs.read(self.folder / "images", ImageGraph)
        self.caption_keys = [CaptionKey(r, n) for r, item in enumerate(self.items) for n in range(len(item.captions))]
        stored = any(name.startswith("captions/") for name in self.manifest["files"])
        self.captions = RaggedGraphs.read(self.folder / "captions", TextGraph) if stored else None
        held = (len(self.images), len(self.captions) if self.captions else len(self.caption_keys))
        if held != (len(self.items), len(self.caption_keys)):
            raise ValueError(
                f"gallery {self.name}: got graphs of {held[0]} pictures and {held[1]} captions, but expected "
                f"{len(self.items)} and {len(self.caption_keys)}"
            )

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Item id -> row."""
        return {item.id: row for row, item in enumerate(self.items)}

    @cached_property
    def caption_row_of(self) -> dict[str, int]:
        """Caption id -> row of `captions`."""
        return {self.caption_id(row): row for row in range(len(self.caption_keys))}

    def caption_id(self, row: int) -> str:
        """The id of a caption: its item's, "#", its number from 0."""
        key = self.caption_keys[row]
        return f"{self.items[key.row].id}#{key.number}"

    def caption_text(self, row: int) -> str:
        """A caption by its row."""
        key = self.caption_keys[row]
        return self.items[key.row].captions[key.number]

    def thumbnail(self, row: int) -> Path:
        """The thumbnail of an item."""
        return self.folder / self.items[row].thumbnail

    def require_model(self, fingerprint: str) -> None:
        """Refuses a gallery that another model encoded.

        Raises:
            ValueError: with both models' names.
        """
        model = self.manifest["model"]
        if model["sha256"] != fingerprint:
            raise ValueError(
                f"gallery {self.name} was built with model {model['name']} ({model['sha256'][:12]}), but this model is "
                f"{fingerprint[:12]}: build the gallery again with `hgan gallery build`"
            )


def verify(folder: str | Path) -> list[str]:
    """What is wrong with a gallery: hashes, files that are missing or not listed, counts. Empty if all is well.

    Raises:
        ValueError: if there is no gallery to verify.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    listed: dict[str, Any] = manifest["files"]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {"manifest.json"}
    wrong = [f"{name}: missing" for name in sorted(set(listed) - present)]
    wrong += [f"{name}: not in the manifest" for name in sorted(present - set(listed))]
    wrong += [
        f"{name}: its SHA-256 is not the manifest's"
        for name in sorted(present & set(listed))
        if sha256(folder / name) != listed[name]["sha256"]
    ]
    if not wrong:
        try:
            Gallery(folder)
        except ValueError as error:
            wrong.append(str(error))
    return wrong


def _present(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise ValueError(f"got {folder}, which has no {name}, but expected a gallery (see `hgan gallery build`)")
    return path


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ValueError(f"got gallery {folder}, but there is no such folder (see `hgan gallery build`)")
    path = _present(folder, "manifest.json")
    try:
        manifest = json.loads(path.read_bytes())
        required = {"format": int, "name": str, "count": int, "model": dict, "files": dict}
        bad = [key for key, kind in required.items() if not isinstance(manifest[key], kind)]
        if bad or not isinstance(manifest["model"]["sha256"], str):
            raise ValueError(f"{bad[0] if bad else 'model'} is damaged")
    except (UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"got a damaged manifest.json in {folder} ({error}), but expected one from `hgan gallery build`"
        ) from None
    if manifest["format"] != FORMAT:
        raise ValueError(f"got a gallery of format {manifest['format']}, but expected {FORMAT}: build it again")
    if manifest["count"] < 1:
        raise ValueError(f"got gallery {manifest['name']} without pictures, but expected at least one")
    return manifest


def item_json(item: Item) -> dict[str, Any]:
    """The line of an item in items.jsonl."""
    line = {name: value for name, value in vars(item).items() if name != "facts"}
    if item.facts is not None:
        line["facts"] = [{"tag": fact.tag, "true_of": sorted(fact.true_of)} for fact in item.facts]
    return line


def _item(where: str, line: dict[str, Any]) -> Item:
    try:
        facts = line.pop("facts", None)
        known = None if facts is None else tuple(CaptionFact(str(f["tag"]), frozenset(f["true_of"])) for f in facts)
        item = Item(**{**line, "captions": tuple(line["captions"])}, facts=known)
        if known is not None and len(known) != len(item.captions):
            raise TypeError(f"{len(known)} facts about {len(item.captions)} captions")
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{where}: got a damaged item ({error}), but expected id, image, size, thumbnail and captions"
        ) from None
    pure = PurePosixPath(item.thumbnail)
    # A gallery may come from outside: it must not name files elsewhere.
    if pure.is_absolute() or ".." in pure.parts or not all(isinstance(c, str) for c in item.captions):
        raise ValueError(f"{where}: got thumbnail {item.thumbnail!r}, but expected a path inside the gallery")
    return item
