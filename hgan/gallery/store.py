"""A gallery on disk: encoded pictures and captions, thumbnails, and a manifest with the hash of every file and of
the model.

manifest.json    counts, dimensions, model, hashes, what was skipped and why, and the best scores that verdicts are
                 judged by (see `hgan.gallery.calibration`)
items.jsonl      one line a picture: id, image, width, height (pixels of the original), thumbnail, captions; and where
                 known "facts", one a caption: {"tag": ..., "true_of": [item ids]}
images/*.npy     graphs of the pictures (see `hgan.gallery.packed`)
captions/*.npy   graphs of the captions, in the order of the items (absent without captions, and in a lean gallery:
                 they are encoded at first use, see `hgan.gallery.captions`)
thumbnails/      WebP
"""

from __future__ import annotations

import hashlib
import os
import stat
import weakref
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ..data.folder import CaptionFact, read_jsonl
from ..io.files import sha256
from ..io.locks import lock_handle
from ..io.places import Kind
from ..types import ImageGraph, TextGraph
from .manifest import FORMAT, checked_manifest, present, read_manifest
from .packed import RaggedGraphs

__all__ = ["FORMAT", "GALLERY", "PLAN", "CaptionKey", "Gallery", "Item", "is_inside", "item_json", "verify"]


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

    It goes on answering from what was opened, whatever is built in its place meanwhile: the folder is held, and thumbnails are
    read from the held one, not by its name.

    Args:
        folder: as `hgan gallery build` wrote it.

    Raises:
        ValueError: missing, empty, of another format, or damaged; the message says where.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._held = _Held(self.folder)
        while True:
            try:
                self._open()
            except ValueError:
                if self._held.is_current():
                    raise
            if self._held.is_current():
                return
            self._held = _Held(self.folder)  # another version took its place while it was being read

    def _open(self) -> None:
        data = self._held.manifest
        self.manifest = checked_manifest(self.folder, data)
        self.sha256 = hashlib.sha256(data).hexdigest()  # of the manifest, which holds the hash of everything else
        self.name: str = self.manifest["name"]
        self.items = [_item(where, line) for where, line in read_jsonl(present(self.folder, "items.jsonl"))]
        if len(self.items) != self.manifest["count"]:
            raise ValueError(
                f"gallery {self.name}: got {len(self.items)} items, but the manifest says {self.manifest['count']}"
            )
        twice = [id_ for id_, times in Counter(item.id for item in self.items).items() if times > 1]
        if twice:
            raise ValueError(
                f"gallery {self.name}: got two pictures with the id {twice[0]!r}, but expected one of each"
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
        """Where the thumbnail of an item lies, as long as this gallery is open."""
        return self._held.path() / self.items[row].thumbnail

    def read_thumbnail(self, row: int) -> bytes:
        """The thumbnail of an item, a WebP file, as it was when the gallery was opened.

        Raises:
            ValueError: it is not there, or not a regular file.
        """
        name = self.items[row].thumbnail
        try:
            return self._held.read(name)
        except OSError:
            raise ValueError(
                f"gallery {self.name}: got no thumbnail {name}, but expected one: build the gallery again"
            ) from None

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


class _Held:
    """A gallery folder as it is now: held open, and marked as in use until this object goes (see `hgan.io.replace`)."""

    def __init__(self, folder: Path) -> None:
        present(folder, "manifest.json")
        self.folder = folder
        self.handles = [os.open(folder / "manifest.json", os.O_RDONLY)]
        try:
            lock_handle(self.handles[0], shared=True)
            if os.open in os.supports_dir_fd:
                self.handles.append(os.open(folder, os.O_RDONLY))
            with os.fdopen(os.dup(self.handles[0]), "rb") as file:
                self.manifest = file.read()
        finally:
            weakref.finalize(self, _close, self.handles)

    def is_current(self) -> bool:
        """Whether the folder of that name is still this one."""
        try:
            now = os.stat(self.folder / "manifest.json")
        except OSError:
            return False
        return os.path.samestat(now, os.fstat(self.handles[0]))

    def path(self) -> Path:
        """A path that leads to the held folder in this process."""
        if len(self.handles) < 2 or self.is_current():
            return self.folder
        by_handle = Path(f"/proc/self/fd/{self.handles[1]}")  # Linux
        return by_handle if by_handle.exists() else self.folder

    def read(self, name: str) -> bytes:
        """A file of the held folder, whatever lies under its name now."""
        if len(self.handles) < 2:  # a system that opens files by their whole name alone
            return (self.folder / name).read_bytes()
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=self.handles[1])
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(f"{name} is not a regular file")
            return file.read()


def _close(handles: list[int]) -> None:
    for handle in handles:
        os.close(handle)


def verify(folder: str | Path) -> list[str]:
    """What is wrong with a gallery: hashes, files that are missing, files in its folders that are not listed, counts. Empty if
    all is well; what lies beside them, such as a person's notes, is nothing wrong.

    Raises:
        ValueError: if there is no gallery to verify.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    listed: dict[str, Any] = manifest["files"]
    own = (*GALLERY.patterns, "images/**/*", "captions/**/*", "thumbnails/**/*")
    kinds = {path for pattern in own for path in folder.glob(pattern)}
    present = {p.relative_to(folder).as_posix() for p in kinds if p.is_file()} - {"manifest.json", PLAN}
    present |= {name for name in listed if is_inside(name) and (folder / name).is_file()}
    wrong = [f"{name}: missing" for name in sorted(set(listed) - present)]
    wrong += [f"{name}: not in the manifest" for name in sorted(present - set(listed))]
    wrong += [
        f"{name}: its SHA-256 differs from the manifest"
        for name in sorted(present & set(listed))
        if sha256(folder / name) != listed[name]["sha256"]
    ]
    if not wrong:
        try:
            gallery = Gallery(folder)
        except ValueError as error:
            return [str(error)]
        counted = {"captions": len(gallery.caption_keys), "regions": int(gallery.images.arrays["counts"].sum())}
        wrong += [
            f"manifest.json: got {manifest[key]} {key}, but the gallery has {number}"
            for key, number in counted.items()
            if manifest[key] != number
        ]
    return wrong


def _own_files(folder: Path) -> set[str] | None:
    """Of a gallery: what its manifest lists, and a build makes; a manifest that lists other files makes them nobody's."""
    try:
        manifest = read_manifest(folder)
    except (ValueError, OSError):
        return None
    if "items.jsonl" not in manifest["files"]:
        return None
    made = {path.relative_to(folder).as_posix() for pattern in GALLERY.patterns for path in folder.glob(pattern)}
    return {"manifest.json", PLAN, *(name for name in manifest["files"] if name in made)}


PLAN = (
    ".plan.json"  # what a build goes by (see `hgan.gallery.plan`); a gallery in which it was left is whole all the same
)
GALLERY = Kind(
    "a gallery",
    "hgan gallery build",
    _own_files,
    ("manifest.json", "items.jsonl", PLAN, "images/*.npy", "captions/*.npy", "thumbnails/*.webp", "part-?????.pkl"),
    held="manifest.json",
)


def is_inside(name: str) -> bool:
    """Whether a path in a gallery leads to a place inside it: a gallery may come from outside, and must not name others."""
    pure = PurePosixPath(name)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in name


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
    texts = (item.id, item.image, item.thumbnail, *item.captions)
    sizes = (item.width, item.height)
    if not all(isinstance(text, str) for text in texts) or not all(type(size) is int and size > 0 for size in sizes):
        raise ValueError(f"{where}: got a damaged item, but expected id, image, size, thumbnail and captions")
    if not is_inside(item.thumbnail):
        raise ValueError(f"{where}: got thumbnail {item.thumbnail!r}, but expected a path inside the gallery")
    return item
