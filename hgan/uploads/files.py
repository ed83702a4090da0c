"""Files from outside -> pictures in a folder of our own: a zip is read with suspicion, no name from outside is ever a path.

What breaks a limit refuses the whole upload; a single odd entry is left out and named.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from ..data.folder import Record
from ..images import MAX_BYTES, SUFFIXES
from .captions import CAPTION_SUFFIXES, MAX_CAPTION_FILE, assign, read_captions
from .limits import Limits

ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # bz2 and lzma can ask for gigabytes of memory
_ENTRY_MARK = b"PK\x01\x02"  # stands before each entry of a zip's list
_LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")  # what systems leave in a zip: passed over in silence
_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError)


@dataclass(frozen=True)
class Upload:
    """An uploaded file: where it lies, and what its owner calls it."""

    path: Path
    name: str


@dataclass(frozen=True)
class Received:
    """What came in: records of pictures that are not decoded yet, and what was left out: (name, reason)."""

    records: list[Record]
    skipped: list[tuple[str, str]]


@dataclass(frozen=True)
class _Entry:
    name: str  # as shown and matched; never a path
    size: int
    open: Callable[[], IO[bytes]]


def receive(uploads: Sequence[Upload], folder: Path, limits: Limits | None = None) -> Received:
    """Copies the pictures of an upload into `folder`, under names of its own.

    Args:
        uploads: pictures, or one zip of them; at most one file of captions, beside them or inside.
        folder: empty; the caller removes it, whatever happens.

    Raises:
        ValueError: nothing usable, too much of something, a damaged zip, or damaged captions.
    """
    limits = limits or Limits.from_environment()
    if not uploads:
        raise ValueError("got no files, but expected pictures, or one zip of pictures: drop them first")
    total = sum(upload.path.stat().st_size for upload in uploads)
    if total > limits.bytes:
        raise ValueError(f"got {total:,} bytes, but expected at most {limits.bytes:,} at once: take fewer pictures")
    zips = [upload for upload in uploads if _suffix(upload.name) == ".zip"]
    if len(zips) > 1:
        raise ValueError(f"got {len(zips)} zips, but expected one: put everything into a single zip")
    skipped: list[tuple[str, str]] = []
    plain = [_Entry(u.name, u.path.stat().st_size, _opener(u.path)) for u in uploads if u not in zips]
    entries = [entry for entry in plain if _is_wanted(entry, entry.name, limits, skipped)]
    if not zips:
        return _take(entries, folder, limits, skipped)
    with _open_zip(zips[0], limits) as archive:
        return _take(entries + list(_zip_entries(archive, zips[0].name, limits, skipped)), folder, limits, skipped)


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def shown_name(name: str, most: int = 120) -> str:
    """A name from outside for messages: what cannot be printed (line ends, marks that turn text round) is replaced."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _take(entries: list[_Entry], folder: Path, limits: Limits, skipped: list[tuple[str, str]]) -> Received:
    pictures: dict[str, _Entry] = {}
    texts: list[_Entry] = []
    for entry in entries:
        if _suffix(entry.name) in CAPTION_SUFFIXES:
            texts.append(entry)
        elif entry.name in pictures:
            skipped.append((shown_name(entry.name), "this name came before"))
        else:
            pictures[entry.name] = entry
    if len(texts) > 1:
        names = ", ".join(shown_name(entry.name) for entry in texts[:5])
        raise ValueError(f"got {len(texts)} files of captions ({names}), but expected one at most")
    if len(pictures) > limits.pictures:
        raise ValueError(f"got {len(pictures):,} pictures, but expected at most {limits.pictures:,} at once")
    paths: dict[str, Path] = {}
    for name, entry in pictures.items():
        path = folder / f"{len(paths):06d}{_suffix(name)}"
        try:
            with entry.open() as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
        except _DAMAGED:
            path.unlink(missing_ok=True)
            skipped.append((shown_name(name), "it is damaged and cannot be unpacked"))
        else:
            paths[name] = path
    if not paths:
        reasons = "".join(f"; {name}: {reason}" for name, reason in skipped[:3])
        raise ValueError(f"got no picture, but expected some ({', '.join(SUFFIXES)}){reasons}")
    captions: dict[str, list[str]] = {}
    if texts:
        captions, unknown = assign(_read_text(texts[0]), list(paths), shown_name(texts[0].name))
        skipped += [(shown_name(name), "captions of a picture that is not there") for name in unknown]
    ids = _ids(list(paths))
    records = [
        Record(ids[name], shown_name(name), path, None, tuple(captions.get(name, ())), None)
        for name, path in paths.items()
    ]
    return Received(records, skipped)


def _read_text(entry: _Entry) -> dict[str, list[str]]:
    name = shown_name(entry.name)
    try:
        with entry.open() as file:
            return read_captions(file.read(MAX_CAPTION_FILE + 1), name)
    except _DAMAGED:
        raise ValueError(f"{name}: got captions that cannot be unpacked, but expected a whole file") from None


def _is_wanted(entry: _Entry, name: str, limits: Limits, skipped: list[tuple[str, str]]) -> bool:
    """Whether an entry is a picture or captions, of a size and name within bounds; if not, `skipped` says why."""
    parts = PurePosixPath(name).parts
    if any(part in _LITTER for part in parts) or (parts and parts[-1].startswith("._")):
        return False
    suffix, most = _suffix(name), MAX_CAPTION_FILE if _suffix(name) in CAPTION_SUFFIXES else MAX_BYTES
    if len(name) > limits.name:
        reason = f"its name has more than {limits.name} characters"
    elif name.startswith("/") or name[1:2] == ":" or ".." in parts:
        reason = "its name leads out of the folder"
    elif len(parts) > limits.depth + 1:
        reason = f"it lies more than {limits.depth} folders deep"
    elif suffix in ARCHIVES:
        reason = "an archive inside is not opened: unpack it first"
    elif suffix not in SUFFIXES + CAPTION_SUFFIXES:
        reason = "it is neither a picture nor captions (CSV or JSON lines)"
    elif entry.size > most:
        reason = f"it has {entry.size:,} bytes; at most {most:,} are taken"
    else:
        return True
    skipped.append((shown_name(name), reason))
    return False


def _open_zip(upload: Upload, limits: Limits) -> zipfile.ZipFile:
    name, marks, tail = shown_name(upload.name), 0, b""
    # zipfile reads the whole list of entries at once, however long: so it is measured first.
    with upload.path.open("rb") as file:
        while block := file.read(1 << 20):
            marks += (tail + block).count(_ENTRY_MARK)
            tail = block[1 - len(_ENTRY_MARK) :]
    if marks > limits.entries:
        raise ValueError(f"{name}: got a zip of {marks:,} entries, but expected at most {limits.entries:,}")
    try:
        return zipfile.ZipFile(upload.path)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        raise ValueError(f"{name}: got a file that cannot be opened as a zip, but expected a whole zip") from None


def _zip_entries(
    archive: zipfile.ZipFile, zip_name: str, limits: Limits, skipped: list[tuple[str, str]]
) -> Iterator[_Entry]:
    files = [info for info in archive.infolist() if not info.is_dir()]
    unpacked = sum(info.file_size for info in files)
    if unpacked > 2 * limits.bytes:
        raise ValueError(
            f"{shown_name(zip_name)}: got a zip of {unpacked:,} bytes unpacked, but expected at most {2 * limits.bytes:,}"
        )
    for info in files:
        name = info.filename.replace("\\", "/")  # some Windows programs write it so
        entry = _Entry(name, info.file_size, partial(archive.open, info))
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            reason = "a link is not followed" if kind == stat.S_IFLNK else "it is no plain file"
        elif info.flag_bits & 1:
            reason = "it is encrypted: make a zip without a password"
        elif info.compress_type not in _METHODS:
            reason = "it is packed in an unusual way: make an ordinary zip"
        elif info.file_size > 1_000_000 and info.file_size > limits.ratio * info.compress_size:
            reason = f"it unpacks to more than {limits.ratio} times its size"
        else:
            if _is_wanted(entry, name, limits, skipped):
                yield entry
            continue
        skipped.append((shown_name(name), reason))


def _ids(names: list[str]) -> dict[str, str]:
    """An id a picture: its name without the suffix, and with it where two would be the same. "#" numbers captions in ids."""
    stems = {name: shown_name(str(PurePosixPath(name).with_suffix("")).replace("#", "_")) for name in names}
    ids: dict[str, str] = {}
    taken: set[str] = set()
    for name, stem in stems.items():
        id_, number = stem, 2
        while id_ in taken:
            id_, number = f"{stem}-{number}", number + 1
        taken.add(id_)
        ids[name] = id_
    return ids


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
