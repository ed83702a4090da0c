"""What lies in a folder: its pictures, and what is left out of it and why. Nothing but names is looked at."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..io.images import SUFFIXES, UNREAD
from ..io.left_out import LeftOut
from ..io.names import without_suffix, written
from .own_gallery import is_gallery

LITTER = (
    "__macosx", "@eadir", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "lost+found", "#recycle", "#snapshot",
    "system volume information", "found.000",
)  # fmt: skip
PLANS = (".plan.json", "plan.txt")  # in the work of a build, by this release and by those up to 1.0
CAPTION_TABLES = ("captions.csv", "captions.txt", "captions.tsv")  # read where they lie at the top of a folder
_CAPTIONS = (
    "captions.*", "captions_*.json", "dataset*.json", "results*.csv", "metadata.jsonl", "metadata.csv", "metadata.parquet",
    "*.token", "*.token.txt", "*.caption", "*.parquet", "*.arrow", "annotations*.json",
)  # fmt: skip
_OURS = ("captions.jsonl", "regions.jsonl", "caption_facts.jsonl", "scenes.jsonl")
_HIDDEN = "hidden, or left by another program"
_TABLE = (
    "it seems to hold captions in a format that is not supported: write captions.jsonl (a line is "
    '{"image": "NAME.jpg", "captions": ["...", ...]}) or captions.csv with the columns image and caption'
)
_SIDECAR = "a text file with the name of a picture is not read as its caption: write captions.jsonl or captions.csv"
_BARE = f"it has no extension: if it is a picture, give it one ({', '.join(SUFFIXES[:3])} ...)"


@dataclass
class Listing:
    """A folder's pictures, sorted by name, as (path with "/" relative to it, path), and what else lies there."""

    pictures: list[tuple[str, Path]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def list_folder(folder: Path) -> Listing:
    """Looks through a folder and the folders in it; links to folders are not followed."""
    listing, texts, waiting = Listing(), list[str](), [""]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(folder / here) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            _leave(listing, here or ".", f"the folder cannot be opened ({error.strerror or type(error).__name__})")
            continue
        for entry in entries:
            name = f"{here}/{entry.name}" if here else entry.name
            kind = _kind(entry, name, listing)
            if kind == "folder" and _is_wanted(folder / name, name, listing):
                waiting.append(name)
            elif kind == "file" and PurePosixPath(name).suffix.lower() in SUFFIXES:
                listing.pictures.append((name, folder / name))
            elif kind == "file" and not (here == "" and entry.name in _OURS):
                texts.append(name)
    listing.pictures.sort(key=lambda picture: picture[0].split("/"))
    stems = {without_suffix(name) for name, _ in listing.pictures}
    for name in sorted(texts):
        _other(name, stems, listing)
    return listing


def _kind(entry: os.DirEntry[str], name: str, listing: Listing) -> str:
    """ "folder", "file", or "" for what has been left out."""
    try:
        folder, file, link = entry.is_dir(follow_symlinks=False), entry.is_file(), entry.is_symlink()
        if is_litter(entry.name):
            _leave(listing, name + "/" * folder, _HIDDEN, counts=False)
        elif link and entry.is_dir():
            _leave(listing, name, "links to folders are not followed: name the folder itself, or copy its pictures")
        elif link and not file and not os.path.exists(entry.path):
            _leave(listing, name, "the link is broken")
        elif not folder and not file:
            _leave(listing, name, "it is not a regular file (a pipe, a device or a socket)")
        else:
            return "folder" if folder else "file"
    except OSError as error:
        _leave(listing, name, f"it cannot be read ({error.strerror or type(error).__name__})")
    return ""


def is_litter(name: str) -> bool:
    """Whether a file or folder is hidden, or what systems and programs leave behind."""
    return name.startswith(".") or name.lower() in LITTER


def _is_wanted(folder: Path, name: str, listing: Listing) -> bool:
    if is_gallery(folder):
        _leave(listing, name + "/", "a gallery that hgan made: its thumbnails are not used as pictures")
    elif name.endswith(".building") and any((folder / note).is_file() for note in PLANS):
        _leave(listing, name + "/", "the unfinished work of a stopped gallery build")
    else:
        return True
    return False


def _other(name: str, stems: set[str], listing: Listing) -> None:
    pure = PurePosixPath(name)
    suffix, last = pure.suffix.lower(), pure.name.lower()
    if suffix in UNREAD:
        _leave(listing, name, f"{suffix[1:].upper()} is not supported: {UNREAD[suffix]}")
    elif any(fnmatch.fnmatchcase(last, pattern) for pattern in _CAPTIONS):
        _leave(listing, name, _TABLE)
    elif suffix in (".txt", ".json", ".xml", ".caption") and without_suffix(name) in stems:
        _leave(
            listing,
            name,
            _SIDECAR,
        )
    elif not suffix:
        _leave(listing, name, _BARE)
    else:
        _leave(listing, name, f"not a picture, judging by its extension ({suffix})", counts=False)


def _leave(listing: Listing, name: str, reason: str, counts: bool = True) -> None:
    listing.left_out.append(LeftOut(written(name), reason, counts))
