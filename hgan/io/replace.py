"""A new folder in place of an old one, by one rename: whoever looks sees the old one whole or the new one whole.

The old one is then taken away, file by file, and only what the command made or what the new folder holds as well. Where
somebody still has it open it stays beside the new one, in a hidden folder, until the next time something is written there.
"""

from __future__ import annotations

import contextlib
import ctypes
import filecmp
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from .files import MARK
from .locks import is_free, lock_handle
from .places import Kind

logger = logging.getLogger(__name__)
_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2


@contextmanager
def new_folder(out: Path, kind: Kind) -> Iterator[Path]:
    """An empty folder beside `out` to write to; it takes the place of `out` only if the block ends without an error.

    Args:
        out: as `folder_place` gave it.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    tidy(out, kind)
    with _beside(out) as aside:
        new = aside / "new"
        new.mkdir()
        try:
            yield new
            replace(new, out, kind)
        finally:
            _take_away(new, out, kind)


def replace(new: Path, out: Path, kind: Kind) -> None:
    """Puts a whole folder in the place of another, or where nothing is. Files in the old one that the command did not make
    are in the new one too.

    Args:
        new: on the same disk as `out`.
        out: as `folder_place` gave it.
    """
    if not out.exists() or not any(out.iterdir()):
        if out.exists():
            out.rmdir()
        new.rename(out)
        return
    own = kind.own(out)
    if own is None:
        raise ValueError(f"got {out}, which has since become something other than {kind.name}: it was left untouched")
    _carry(out, new, own)
    with _beside(out) as aside:
        old = aside / "old"
        if _exchange(new, out):
            new.rename(old)
        else:  # this disk cannot: for a moment nothing is there, which `tidy` would mend
            out.rename(old)
            new.rename(out)
        _take_away(old, out, kind)
        if old.exists():
            why = "is open somewhere" if _is_held(old, kind) else f"holds files that `{kind.made_by}` did not make"
            logger.warning("the old contents of %s are kept in %s, because it %s", out.name, old, why)


def tidy(out: Path, kind: Kind) -> None:
    """Takes away what a process that was killed left beside `out`, and puts back the old folder where that is all there is."""
    for aside in out.parent.glob(f".{_escaped(out.name)}{MARK}????????"):
        if aside.is_symlink() or not aside.is_dir() or not is_free(aside):
            continue
        old = aside / "old"
        if not out.exists() and old.is_dir() and kind.own(old) is not None:
            old.rename(out)
        for folder in (aside / "new", old):
            _take_away(folder, out, kind)
        with contextlib.suppress(OSError):
            aside.rmdir()


def remove_files(folder: Path, names: set[str]) -> None:
    """Removes these files, relative to the folder, and the folders that are empty then. Nothing behind a link is touched."""
    real = Path(os.path.realpath(folder))
    names = {name for name in names if Path(os.path.realpath((folder / name).parent)).is_relative_to(real)}
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            (folder / name).unlink()
    for parent in sorted({parent for name in names for parent in (folder / name).parents}, reverse=True):
        if parent == folder or folder in parent.parents:
            with contextlib.suppress(OSError):
                parent.rmdir()


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A hidden folder beside `out`, held by this process; it goes if it is empty in the end."""
    aside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}{MARK}"))
    handle = os.open(aside, os.O_RDONLY) if os.name == "posix" else None
    try:
        if handle is not None:
            lock_handle(handle)
        yield aside
    finally:
        if handle is not None:
            os.close(handle)
        with contextlib.suppress(OSError):
            aside.rmdir()


def _carry(old: Path, new: Path, own: set[str]) -> None:
    """What the command did not make, from the old folder into the new one, as further names of the same files where the
    disk has such."""
    for path in _files(old):
        name = path.relative_to(old)
        target = new / name
        if name.as_posix() in own or target.exists() or target.is_symlink():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.symlink_to(os.readlink(path))
        elif path.is_file():
            try:
                os.link(path, target)
            except OSError:
                shutil.copy2(path, target)


def _take_away(folder: Path, out: Path, kind: Kind) -> None:
    """Removes a folder that has been replaced or was never finished, unless somebody has it open."""
    if not folder.is_dir() or _is_held(folder, kind):
        return
    own = kind.own(folder)
    if own is None:
        own = {path.relative_to(folder).as_posix() for pattern in kind.patterns for path in folder.glob(pattern)}
    names = {path.relative_to(folder).as_posix() for path in _files(folder)}
    remove_files(folder, {name for name in names if name in own or _twice(folder / name, out / name)})
    for path in sorted(folder.rglob("*"), reverse=True):
        with contextlib.suppress(OSError):  # a folder that was empty before
            path.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _is_held(folder: Path, kind: Kind) -> bool:
    return kind.held is not None and (folder / kind.held).exists() and not is_free(folder / kind.held)


def _twice(path: Path, other: Path) -> bool:
    if path.is_symlink():
        return other.is_symlink() and os.readlink(path) == os.readlink(other)
    return path.is_file() and other.is_file() and filecmp.cmp(path, other, shallow=False)


def _files(folder: Path) -> Iterator[Path]:
    """Everything in a folder that is no folder; links to folders are not entered."""
    for where, folders, files in os.walk(folder):
        for name in files + [name for name in folders if os.path.islink(os.path.join(where, name))]:
            yield Path(where, name)


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


def _exchange(a: Path, b: Path) -> bool:
    """Swaps two folders in one step (Linux and macOS); False where the system or the disk cannot."""
    libc, first, second = _libc(), os.fsencode(a), os.fsencode(b)
    if hasattr(libc, "renameat2"):
        return bool(libc.renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE) == 0)
    if hasattr(libc, "renamex_np"):
        return bool(libc.renamex_np(first, second, _RENAME_SWAP) == 0)
    return False
