"""Files that are either whole or not there, and their hashes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .locks import is_free, lock_handle
from .terminal import json_text

MARK = ".hgan-"  # in the names of everything that lies beside a place only while it is being written


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the place of `path` only if the block ends without an
    error. A link is followed: what it points to is replaced, the link stays.

    Raises:
        ValueError: there is something at `path` that is not a regular file, such as a folder or a device.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise ValueError(f"got {path}, which is not a regular file, but expected a file to write: choose another one")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}{MARK}", suffix=path.suffix)
    temporary = Path(name)
    try:
        lock_handle(handle)  # says to `remove_unfinished` that somebody is still writing it
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Removes what `atomic` left in a folder when its process was killed, and nothing else."""
    for path in folder.glob(f".*{MARK}????????*"):
        if path.is_file() and not path.is_symlink() and is_free(path):
            with contextlib.suppress(OSError):
                path.unlink()


def write_json(path: Path, data: Any) -> None:
    """Indented UTF-8 JSON, atomically."""
    with atomic(path) as temporary:
        temporary.write_text(json_text(data) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
