"""Where commands may write: the one rule for every output place.

A place is written to if nothing is there, or if its contents say that this very command made what is there. It may not be a
source of the command, lie in one, or hold one. Links are followed before any work is done.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .locks import OWNER

REPORT_BYTES = 50_000_000  # a report is read to see what it is; what is larger is none


@dataclass(frozen=True)
class Kind:
    """A kind of folder that a command makes.

    Attributes:
        name: with its article, for messages: "a gallery".
        made_by: the command, for messages.
        own: the files of a folder of this kind that the command made, relative to it; None for a folder of another kind.
        patterns: glob patterns of all files that the command ever makes, unfinished ones too.
        held: the file that whoever has such a folder open holds a lock on; None if nobody does.
    """

    name: str
    made_by: str
    own: Callable[[Path], set[str] | None]
    patterns: tuple[str, ...]
    held: str | None = None


def folder_place(out: str | Path, kind: Kind, sources: Iterable[str | Path] = ()) -> Path:
    """The folder that a command may write, with links followed.

    Args:
        out: new, empty, or a folder of this kind.
        sources: what the command reads; names that are no paths here (hub ids) do not matter.

    Raises:
        ValueError: `out` holds something else, cannot be written, or is mixed up with a source.
    """
    place = _resolved(out)
    _apart(out, place, sources)
    if not place.exists():
        _require_parent(out, place)
        return place
    if not place.is_dir():
        what = "a file" if place.is_file() else "not a folder"
        raise ValueError(f"got {out}, which is {what}, but expected a new folder or {kind.name} to replace")
    there = sorted(set(os.listdir(place)) - {OWNER})
    if there and kind.own(place) is None:
        names = ", ".join(there[:3]) + (" ..." if len(there) > 3 else "")
        raise ValueError(
            f"got {out}, which holds files that `{kind.made_by}` did not make ({names}), but expected a new folder or "
            f"{kind.name} to replace: choose another one"
        )
    if os.path.ismount(place):
        raise ValueError(f"got {out}, which is a mount point and cannot be replaced: choose a new folder inside it")
    _require_parent(out, place)
    return place


def file_place(
    out: str | Path, made_by: str, is_own: Callable[[bytes], bool], sources: Iterable[str | Path] = ()
) -> Path:
    """The file that a command may write, with links followed.

    Args:
        out: new, empty, or a file that this command made.
        made_by: the command, for messages.
        is_own: whether these bytes are what the command writes.

    Raises:
        ValueError: `out` is something else, cannot be written, or is mixed up with a source.
    """
    place = _resolved(out)
    _apart(out, place, sources)
    if place.exists():
        if not place.is_file():
            what = "a folder" if place.is_dir() else "not a regular file"
            raise ValueError(f"got {out}, which is {what}, but expected a file to write")
        data = place.read_bytes() if place.stat().st_size <= REPORT_BYTES else b"more"
        if data and not is_own(data):
            raise ValueError(
                f"got {out}, which exists already and was not made by `{made_by}`, but expected a new file or one to "
                "replace: name another one"
            )
    _require_parent(out, place)
    return place


def json_with(keys: Sequence[str]) -> Callable[[bytes], bool]:
    """Tells a JSON object that has these keys, for `file_place`."""

    def is_own(data: bytes) -> bool:
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            return False
        return isinstance(found, dict) and all(key in found for key in keys)

    return is_own


def _resolved(out: str | Path) -> Path:
    """Links followed to the end.

    Raises:
        ValueError: no name, or links that lead round in a circle.
    """
    text = os.fspath(out)
    if not text.strip() or "\0" in text:
        raise ValueError(f"got {text!r} as the place to write, but expected the name of a file or folder")
    place = Path(os.path.realpath(text))
    if place.is_symlink():
        raise ValueError(f"got {out}, a link that leads to itself, but expected a place to write")
    return place


def _require_parent(out: str | Path, place: Path) -> None:
    """Raises ValueError where a new folder or file cannot be made there."""
    parent = place.parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise ValueError(f"got {out}, but {parent} is a file, and expected a folder there: name another place")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ValueError(f"got {out}, but you may not write in {parent}: choose a place where you may write")


def _apart(out: str | Path, place: Path, sources: Iterable[str | Path]) -> None:
    """Raises ValueError where a place is a source, lies in one, or holds one."""
    for source in sources:
        if not os.path.exists(source):
            continue
        real = Path(os.path.realpath(source))
        if _same(place, real):
            raise ValueError(f"got {out} as the place to write, but the command reads it: choose another place")
        if real.is_dir() and any(_same(parent, real) for parent in place.parents):
            raise ValueError(
                f"got {out} as the place to write, but it is inside {source}, which the command reads: choose a place outside"
            )
        if place.is_dir() and any(_same(parent, place) for parent in real.parents):
            raise ValueError(
                f"got {out} as the place to write, but it contains {source}, which the command reads: choose another place"
            )


def _same(a: Path, b: Path) -> bool:
    """By identity, not by name: disks may not tell capitals from small letters."""
    return a == b or (a.exists() and b.exists() and os.path.samefile(a, b))
