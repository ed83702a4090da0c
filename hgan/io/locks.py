"""Locks that the operating system gives back when a process ends, however it ends.

They are advisory locks on open files and folders (`flock`). Where there are none (Windows, some network disks), everything works
as if nobody else were there.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

OWNER = ".owner.json"  # in a locked folder: who holds it


def lock_handle(handle: int, shared: bool = False) -> bool:
    """Locks an open file until it is closed. False where somebody else holds it in a way that excludes this."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk that knows no locks
        return True
    return True


def is_free(path: Path) -> bool:
    """Whether nobody holds a lock on a file or folder."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return lock_handle(handle)
    finally:
        os.close(handle)


@contextmanager
def locked_folder(folder: Path, doing: str) -> Iterator[None]:
    """Holds a folder, which is made if need be, for the length of a block; the folder may be renamed meanwhile.

    Args:
        doing: what is done with it, for whoever comes second: "building the gallery holiday".

    Raises:
        ValueError: another process, or another thread of this one, holds it; the message says who and since when.
    """
    if fcntl is None:
        folder.mkdir(parents=True, exist_ok=True)
        yield
        return
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            if not lock_handle(handle):
                raise ValueError(_busy(folder))
            current = False
            with suppress(FileNotFoundError):
                current = os.path.samestat(os.fstat(handle), folder.stat())  # not renamed away while this was waiting
            if current:
                _sign(folder, doing)
                try:
                    yield
                finally:
                    with suppress(OSError):
                        if os.path.samestat(os.fstat(handle), folder.stat()):
                            (folder / OWNER).unlink()
                return
        finally:
            os.close(handle)


def _sign(folder: Path, doing: str) -> None:
    user = "somebody"
    with suppress(Exception):  # a container may know no name for its user
        user = getpass.getuser()
    owner = {
        "doing": doing,
        "user": user,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    (folder / OWNER).write_text(json.dumps(owner), encoding="utf-8")


def _busy(folder: Path) -> str:
    owner: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        owner = json.loads((folder / OWNER).read_text(encoding="utf-8"))
    who = "another process"
    if isinstance(owner, dict) and owner:
        who = "{user} on {host} (process {pid}, {doing}, since {since})".format_map(
            {**dict.fromkeys(_FIELDS, "?"), **owner}
        )
    return f"got {folder}, which is in use by {who}: wait until that ends, or choose another place"


_FIELDS = ("doing", "user", "host", "pid", "since")
