"""Files from outside -> pictures in a folder of our own: a zip is read with suspicion, no name from outside is ever a path.

What breaks a limit refuses the whole upload; a single odd entry is left out and named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from ...data.caption_files import CAPTION_SUFFIXES, MAX_CAPTION_FILE, assign, read_captions
from ...data.listing import LITTER
from ...data.own_gallery import KeptItem
from ...data.record import CaptionFact, Record
from ...io.images import MAX_BYTES, SUFFIXES, UNREAD
from ...io.left_out import LeftOut
from ...io.names import unique_ids, without_suffix
from .kept import Kept, galleries_of
from .limits import Limits
from .zips import DamagedError, Entry, Stopped, blocks, entries_of, open_zip, read_entry

MOST_NAMED = 200  # pictures of a file of captions that did not come, as when a few are taken of a large data set
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class Upload:
    """An uploaded file: where it lies, and what its owner calls it."""

    path: Path
    name: str


@dataclass(frozen=True)
class Received:
    """What came in: records of pictures that are not decoded yet, what was left out: (name, reason), and what there is to say
    beside that."""

    records: list[Record]
    skipped: list[tuple[str, str]]
    notices: tuple[str, ...] = ()


@dataclass
class _Taking:
    """An upload that is being taken: what it may hold, what was left out of it, and how much has been read."""

    folder: Path
    limits: Limits
    stopped: Stopped | None
    skipped: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    copied: int = 0  # pictures

    def skip(self, name: str, reason: str) -> None:
        self.skipped.append((shown_name(name), shown_name(reason, 400)))

    def skip_all(self, left_out: Sequence[LeftOut]) -> None:
        for one in left_out:
            self.skip(one.where, one.reason)

    def check(self) -> None:
        if self.stopped:
            self.stopped()

    def copy(self, entry: Entry) -> Path | None:
        """A picture under a name of its own; None, and named, where it cannot be unpacked.

        Raises:
            ValueError: the upload holds more than may be unpacked, whatever it says of itself.
        """
        path, size = self.folder / f"{self.copied:06d}{_suffix(entry.name)}", 0
        try:
            with path.open("wb") as target:
                for block in blocks(entry):
                    self.check()
                    size += len(block)
                    self.read += len(block)  # what is really there, whatever a header says
                    if size > MAX_BYTES or self.read > 2 * self.limits.bytes:
                        break
                    target.write(block)
        except DamagedError:
            path.unlink()
            self.skip(entry.name, "it is damaged and cannot be unpacked")
            return None
        if self.read > 2 * self.limits.bytes:
            raise ValueError(f"got more than {2 * self.limits.bytes:,} bytes unpacked, but expected at most that")
        if size > MAX_BYTES:
            path.unlink()
            self.skip(entry.name, f"it has more than {MAX_BYTES:,} bytes, more than the limit")
            return None
        self.copied += 1
        return path


def receive(
    uploads: Sequence[Upload], folder: Path, limits: Limits | None = None, stopped: Stopped | None = None
) -> Received:
    """Copies the pictures of an upload into `folder`, under names of its own.

    Args:
        uploads: pictures, or one zip of them; at most one file of captions, beside them or inside. A zip may hold a gallery
            that was downloaded or built: its thumbnails are the pictures.
        folder: empty; the caller removes it, whatever happens.
        stopped: called again and again while files are read; what it raises ends the work.

    Raises:
        ValueError: nothing usable, too much of something, a damaged zip, or damaged captions.
    """
    limits = limits or Limits.from_environment()
    if not uploads:
        raise ValueError("got no files, but expected pictures or one zip of pictures: drop them first")
    lost = [shown_name(upload.name) for upload in uploads if not upload.path.is_file()]
    if lost:
        raise ValueError(f"got {lost[0]}, which is no longer there, but expected a file: upload it again")
    total = sum(upload.path.stat().st_size for upload in uploads)
    if total > limits.bytes:
        raise ValueError(f"got {total:,} bytes, but expected at most {limits.bytes:,} at once: choose fewer pictures")
    zips = [upload for upload in uploads if _suffix(upload.name) == ".zip"]
    if len(zips) > 1:
        raise ValueError(f"got {len(zips)} zips, but expected one: put everything into one zip")
    entries = [Entry(u.name, u.path.stat().st_size, _opener(u.path)) for u in uploads if u not in zips]
    with ExitStack() as stack:
        for upload in zips:
            archive = stack.enter_context(open_zip(upload.path, shown_name(upload.name), limits, stopped))
            entries += entries_of(archive, limits)
        return _take(entries, _Taking(folder, limits, stopped))


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def shown_name(name: str, most: int = 120) -> str:
    """A name from outside for messages: what cannot be printed (line ends, marks that turn text round) is replaced."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _take(entries: list[Entry], taking: _Taking) -> Received:
    problems: list[LeftOut] = []
    galleries = galleries_of(entries, taking.limits.pictures, problems, taking.stopped)
    taking.skip_all(problems)
    roots = tuple(kept.root for kept in galleries)
    others = [entry for entry in entries if not (roots and entry.name.startswith(roots))]
    pictures, texts = _sort([entry for entry in others if _is_wanted(entry, taking)], taking)
    count = len(pictures) + sum(len(kept.items) for kept in galleries)
    if count > taking.limits.pictures:
        raise ValueError(f"got {count:,} pictures, but expected at most {taking.limits.pictures:,} at once")
    by_name = {entry.name: entry for entry in entries}
    kept_records = [record for kept in galleries for record in _kept_records(kept, by_name, taking)]
    paths = {name: path for name, entry in pictures.items() if (path := taking.copy(entry)) is not None}
    if not paths and not kept_records:
        reasons = "".join(f"; {name}: {reason}" for name, reason in taking.skipped[:3])
        raise ValueError(f"got no picture, but expected some ({', '.join(SUFFIXES)}){reasons}")
    captions = _captions(texts[0], list(paths), taking) if texts else {}
    records = kept_records + [
        Record(_stem(name), shown_name(name), path, None, tuple(captions.get(name, ())), None)
        for name, path in paths.items()
    ]
    notices = tuple(
        f"{shown_name(kept.root) or 'This'} is a gallery: its {len(kept.items)} pictures are taken from its thumbnails, which "
        "are smaller than the originals, with their ids and captions. They are encoded again with this app's model."
        for kept in galleries
    )
    return Received(_with_ids(records), taking.skipped, notices)


def _sort(entries: list[Entry], taking: _Taking) -> tuple[dict[str, Entry], list[Entry]]:
    """Pictures by name, and files of captions: one at most."""
    pictures: dict[str, Entry] = {}
    texts: list[Entry] = []
    for entry in entries:
        if _suffix(entry.name) in CAPTION_SUFFIXES:
            texts.append(entry)
        elif entry.name in pictures:
            taking.skip(entry.name, "another file has this name")
        else:
            pictures[entry.name] = entry
    if len(texts) > 1:
        names = ", ".join(shown_name(entry.name) for entry in texts[:5])
        raise ValueError(f"got {len(texts)} files of captions ({names}), but expected one at most")
    return pictures, texts


def _captions(entry: Entry, pictures: list[str], taking: _Taking) -> dict[str, list[str]]:
    name, problems = shown_name(entry.name), list[LeftOut]()
    if not pictures:
        taking.skip(name, "captions for a missing picture")
        return {}
    try:
        data = read_entry(entry, MAX_CAPTION_FILE + 1)
    except DamagedError:
        raise ValueError(f"{name}: got captions that cannot be unpacked, but expected a whole file") from None
    rows = read_captions(data, name, left_out=problems, stopped=taking.stopped)
    captions, unknown = assign(rows, pictures, name, left_out=problems)
    taking.skip_all(problems)
    for image in unknown[:MOST_NAMED]:
        taking.skip(image, "captions for a missing picture")
    if len(unknown) > MOST_NAMED:
        taking.skip(name, f"captions of {len(unknown) - MOST_NAMED:,} more missing pictures")
    return captions


def _kept_records(kept: Kept, by_name: dict[str, Entry], taking: _Taking) -> list[Record]:
    records, seen = [], set[str]()
    for item in kept.items:
        entry = by_name.get(kept.root + item.thumbnail)
        if entry is None or item.thumbnail in seen:
            taking.skip(
                item.image,
                "its thumbnail is not in the gallery" if entry is None else "another picture has this thumbnail",
            )
            continue
        seen.add(item.thumbnail)
        path = taking.copy(entry) if _is_wanted(entry, taking) and _suffix(entry.name) in SUFFIXES else None
        if path is not None:
            records.append(Record(_id(item.id), shown_name(item.image), path, None, item.captions, None, _facts(item)))
    return records


def _facts(item: KeptItem) -> tuple[CaptionFact, ...] | None:
    if item.facts is None:
        return None
    return tuple(CaptionFact(tag, frozenset(map(_id, of))) for tag, of in item.facts)


def _with_ids(records: list[Record]) -> list[Record]:
    """An id a picture, and with a number where two would be the same; then no fact knows which of them it means."""
    ids = unique_ids([record.id for record in records])
    same = all(id_ == record.id for id_, record in zip(ids, records, strict=True))
    return [
        Record(id_, r.image, r.path, None, r.captions, None, r.facts if same else None)
        for id_, r in zip(ids, records, strict=True)
    ]


def _is_wanted(entry: Entry, taking: _Taking) -> bool:
    """Whether an entry is a picture or captions, of a size and name within bounds; if not, it is named."""
    name, limits, parts = entry.name, taking.limits, PurePosixPath(entry.name).parts
    if any(part.lower() in LITTER for part in parts) or (parts and parts[-1].startswith(("._", ".DS_Store"))):
        return False
    suffix, most = _suffix(name), MAX_CAPTION_FILE if _suffix(name) in CAPTION_SUFFIXES else MAX_BYTES
    if len(name) > limits.name:
        reason = f"its name has more than {limits.name} characters"
    elif name.startswith("/") or name[1:2] == ":" or ".." in parts:
        reason = "its name points outside the folder"
    elif any(part.startswith(".") for part in parts):
        reason = "it is hidden: its name, or its folder's, begins with a dot"
    elif len(parts) > limits.depth + 1:
        reason = f"it is more than {limits.depth} folders deep"
    elif entry.reason:
        reason = entry.reason
    elif suffix in ARCHIVES:
        reason = "archives inside archives are not opened: unpack it first"
    elif suffix not in SUFFIXES + CAPTION_SUFFIXES:
        known = f": {UNREAD[suffix]}" if suffix in UNREAD else ""
        reason = f"it is neither a picture nor captions (CSV or JSON lines){known}"
    elif entry.size > most:
        reason = f"it has {entry.size:,} bytes, but the limit is {most:,}"
    else:
        return True
    taking.skip(name or "(no name)", reason)
    return False


def _stem(name: str) -> str:
    return _id(without_suffix(name))


def _id(name: str) -> str:
    """A name as an id: "#" numbers captions in ids."""
    return shown_name(name.replace("#", "_"))


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
