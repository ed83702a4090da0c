"""From a visitor's own files to a gallery that is theirs alone, and gone when they leave."""

from __future__ import annotations

import math
import secrets
import shutil
import threading
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ...data.folder import Record, read_jsonl
from ...gallery.build import build_gallery
from ...gallery.store import Gallery
from ...retrieval.retriever import ROOT, Retriever
from .files import Upload, receive, shown_name
from .galleries import GALLERIES
from .limits import Limits
from .private import FOLDERS, PrivateFolders
from .shares import NOBODY, Visitor

NAME = "my-gallery"
EVERYDAY = ROOT / "assets" / "captions" / "everyday.jsonl"
Report = Callable[[int, int], None]
Encode = Callable[[list[Record], Path, Report | None], None]
_everyday: dict[int, Retriever] = {}  # one a model
everyday_folders = PrivateFolders(seconds=math.inf)  # for the process's whole life
_everyday_lock = threading.Lock()


class StoppedError(ValueError):
    """The visitor stopped a build."""


@dataclass(frozen=True)
class SessionGallery:
    """A visitor's own gallery.

    `chosen` says whether the other pages search it; `dataclasses.replace` makes a copy with another choice.
    """

    folder: Path  # private; the gallery lies in it
    served: Path  # private; the download lies in it
    download: Path  # the gallery folder as a zip, under a name that cannot be guessed
    skipped: tuple[tuple[str, str], ...]  # (name, reason) of what was left out
    chosen: bool = True

    @property
    def opened(self) -> Retriever:
        """Searches the pictures of this gallery.

        Raises:
            ValueError: the gallery has been removed.
        """
        opened = GALLERIES.opened.get(self.folder)
        if opened is None or not (self.folder / NAME).is_dir():
            GALLERIES.close(self.folder)
            raise ValueError("got a search in your own gallery, which has been removed: build it again in My gallery")
        GALLERIES.count.touch(self.folder)
        GALLERIES.bytes.touch(self.folder)
        return opened

    @property
    def retriever(self) -> Retriever:
        """As `opened`."""
        return self.opened

    @property
    def for_pictures(self) -> Retriever:
        """What a picture is compared with: this gallery's captions, or everyday sentences where it has none.

        Raises:
            ValueError: the gallery has been removed.
        """
        retriever = self.retriever
        return retriever if retriever.gallery.caption_keys else everyday(retriever)

    def close(self) -> None:
        """Removes everything of it from the disk."""
        GALLERIES.close(self.folder)

    def to_json(self) -> dict[str, Any]:
        """What came of an upload, as data."""
        manifest = self.opened.gallery.manifest
        return {
            "name": manifest["name"],
            "pictures": manifest["count"],
            "captions": len(self.opened.gallery.caption_keys),
            "ids": [item.id for item in self.opened.gallery.items],
            "skipped": [{"name": name, "reason": reason} for name, reason in self.skipped],
        }


def build_session_gallery(
    retriever: Retriever,
    uploads: Sequence[Upload],
    report: Report | None = None,
    limits: Limits | None = None,
    encode: Encode | None = None,
    downloads: Path | None = None,
    visitor: Visitor = NOBODY,
    stopped: Callable[[], None] | None = None,
) -> SessionGallery:
    """Receives files, encodes their pictures with the retriever's model, and opens the result.

    Args:
        report: called with (pictures done, pictures in all); what it raises stops the build.
        encode: does the work that needs the model, by default `gallery_builder(retriever)`.
        downloads: a folder that a server gives files from; by default the system's folder for temporary files.
        visitor: whose it is.
        stopped: called again and again while files are unpacked and read; what it raises stops the build.

    Raises:
        ValueError: as `receive` and `build_gallery`. Nothing is left on disk, nor after any other error.
    """
    folder, served = FOLDERS.create(), FOLDERS.create(downloads)
    try:
        incoming = folder / "incoming"
        incoming.mkdir()
        received = receive(uploads, incoming, limits, stopped)
        if report:
            report(0, len(received.records))
        (encode or gallery_builder(retriever))(received.records, folder / NAME, report)
        shutil.rmtree(incoming)
        opened = Retriever.of(retriever.encoder, Gallery(folder / NAME))
        unread = [(shown_name(s["image"]), s["reason"]) for s in opened.gallery.manifest["skipped"]]
        download = served / secrets.token_hex(16) / f"{NAME}.zip"
        download.parent.mkdir()
        _pack(folder / NAME, download)
        GALLERIES.add(folder, served, opened, visitor)
        return SessionGallery(folder, served, download, (*received.skipped, *unread))
    except BaseException:
        GALLERIES.close(folder)
        FOLDERS.remove(folder)
        FOLDERS.remove(served)
        raise


def gallery_builder(retriever: Retriever, lean: bool = False) -> Encode:
    """Builds galleries with the retriever's encoder."""

    def encode(records: list[Record], out: Path, report: Report | None = None) -> None:
        name, encoder = retriever.gallery.manifest["model"]["name"], retriever.encoder
        build_gallery(encoder.model, encoder.processor, records, out, name, lean=lean, report=report, encoder=encoder)

    return encode


def everyday(retriever: Retriever, report: Report | None = None) -> Retriever:
    """2,000 sentences on everyday scenes to compare a picture with: the captions of a lean gallery that holds one blank
    picture. They are encoded at the first picture query, and kept (see `hgan.gallery.captions`)."""
    with _everyday_lock:
        key = id(retriever.model)
        if key not in _everyday:
            folder = everyday_folders.create()
            blank = folder / "pictures" / "blank.png"
            blank.parent.mkdir()
            Image.new("RGB", (96, 96), "white").save(blank)
            sentences = tuple(line["text"] for _, line in read_jsonl(EVERYDAY))
            record = Record("everyday", "everyday sentences", blank, None, sentences, None)
            gallery_builder(retriever, lean=True)([record], folder / "everyday", None)
            made = Retriever.of(retriever.encoder, Gallery(folder / "everyday"))
            if report is not None:
                made.scorer(False, report)
            _everyday[key] = made
        return _everyday[key]


def _pack(folder: Path, out: Path) -> None:
    """A folder as a zip, uncompressed: what is in a gallery is compressed already, or small."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
