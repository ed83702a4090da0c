"""What an unfinished build goes by: which pictures it reads, as they are now, and which of its pieces are done.

A piece of the work is taken up again only if it was made of these very files, with these captions, by this model. Everything lies
in `OUT.building` beside the gallery.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.folder import Record
from ..io.files import remove_unfinished, write_json
from ..io.locks import OWNER
from ..io.places import Kind
from ..io.replace import remove_files
from .store import GALLERY, PLAN

MADE_BY = "hgan gallery build"
OLD_PLAN = "plan.txt"  # of releases up to 1.0, whose work is not taken up


def _own_work(folder: Path) -> set[str] | None:
    """All files of an unfinished build that a build makes; a finished gallery is one too, that its successor pushed aside."""
    marked = _read(folder / PLAN) is not None or _is_digest(folder / OLD_PLAN) or GALLERY.own(folder) is not None
    if not marked and any(path.name != OWNER for path in folder.iterdir()):
        return None
    return {path.relative_to(folder).as_posix() for pattern in WORK.patterns for path in folder.glob(pattern)}


WORK = Kind("the work of a build", MADE_BY, _own_work, (*GALLERY.patterns, OLD_PLAN, OWNER))


def part_file(work: Path, number: int) -> Path:
    """Where a piece of the work lies: graphs and items of some pictures."""
    return work / f"part-{number:05d}.pkl"


def read_part(work: Path, number: int) -> dict[str, Any] | None:
    """A piece that is done; None where it is not there or not whole (after a power cut files may be empty), so that it is made
    again."""
    try:
        part = pickle.loads(
            part_file(work, number).read_bytes()
        )  # written by this very build, in a folder that it holds
        whole = all((work / item["thumbnail"]).stat().st_size for item in part["items"]) and "skipped" in part
    except Exception:  # a damaged pickle raises whatever it likes
        return None
    return part if whole else None


def work_place(out: Path) -> Path:
    """The folder for the unfinished work on a gallery.

    Raises:
        ValueError: something else is there.
    """
    work = out.with_name(out.name + ".building")
    linked = any((work / name).is_symlink() for name in ("", "images", "captions", "thumbnails"))
    if linked or (work.exists() and (not work.is_dir() or WORK.own(work) is None)):
        raise ValueError(
            f"got {work}, where a build keeps its unfinished work, but something else is there: move it away, or "
            "choose another folder for the gallery"
        )
    return work


def prepare(work: Path, settings: Sequence[Any], chunks: Sequence[Sequence[Record]]) -> bool:
    """Keeps what belongs to this plan in a work folder, which the caller holds, and removes what is left of another one.

    Args:
        settings: everything but the records that changes what is encoded.
        chunks: the records of each piece.

    Returns:
        whether everything is done: the gallery is whole and has only to be put in its place.
    """
    for folder in (work, *(work / name for name in ("images", "captions", "thumbnails"))):
        remove_unfinished(folder)
    keys = [_key(settings, chunk) for chunk in chunks]
    known, own = _read(work / PLAN), WORK.own(work) or set()
    if known == keys and GALLERY.own(work) is not None:
        return True
    if known is None:  # of another release, or a whole gallery that was pushed aside
        stale = own - {OWNER}
    else:
        wrong = [n for n, key in enumerate(known) if n >= len(keys) or key != keys[n]]
        stale = {"manifest.json", *(part_file(work, n).name for n in wrong)}
    remove_files(work, stale & own)
    write_json(work / PLAN, {"made_by": MADE_BY, "chunks": keys})
    return False


def _key(settings: Sequence[Any], chunk: Sequence[Record]) -> str:
    """Of a piece: another file, another size, time or caption, and it is another one."""
    said = [
        [r.id, r.image, os.fsdecode(os.path.realpath(r.path)), _state(r.path), r.captions,
         [[fact.tag, sorted(fact.true_of)] for fact in r.facts or ()]]
        for r in chunk
    ]  # fmt: skip
    return hashlib.sha256(json.dumps([list(settings), said]).encode()).hexdigest()


def _state(path: Path) -> list[int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _read(path: Path) -> list[str] | None:
    """The keys of the pieces; None where there is no plan."""
    try:
        plan = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(plan, dict) or plan.get("made_by") != MADE_BY or not isinstance(plan.get("chunks"), list):
        return None
    return plan["chunks"]


def _is_digest(path: Path) -> bool:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return False
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
