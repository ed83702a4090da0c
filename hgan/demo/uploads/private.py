"""Folders that belong to one visitor: nobody else can name them, and each goes when its visit, or the process, ends."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import tempfile
import threading
import time
from pathlib import Path

PREFIX = "hgan-private-"
MAX_FOLDERS = 100_000  # at once; how many galleries there may be is said by shares (see `hgan.demo.uploads.session`)
MAX_SECONDS = 4 * 3600  # kept at most so long, in use or not


_lock = threading.Lock()


class PrivateFolders:
    """Folders of this process under the system's folder for temporary files, with mode 0700 and random names.

    Those that a killed process left behind are removed when the next one makes its first in the same place.
    """

    def __init__(self, limit: int = MAX_FOLDERS, seconds: float = MAX_SECONDS) -> None:
        self.limit, self.seconds = limit, seconds
        self._made: dict[Path, float] = {}
        self._owner = os.getpid()
        atexit.register(self.remove_all)

    def create(self, parent: Path | None = None) -> Path:
        """A new empty folder. The oldest folders go where there are too many, and those that are too old.

        Args:
            parent: in place of the system's folder for temporary files.
        """
        parent = parent or Path(tempfile.gettempdir())
        parent.mkdir(parents=True, exist_ok=True)
        with _lock:
            _remove_stale_once(parent)
            now = time.monotonic()
            old = [path for path, made in self._made.items() if now - made > self.seconds]
            old += [path for path in self._made if path not in old][
                : max(0, len(self._made) - len(old) - self.limit + 1)
            ]
            folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
            self._made[folder] = now
        for path in old:
            self.remove(path)
        return folder

    def expire(self) -> None:
        """Removes the folders that are too old."""
        for path, made in list(self._made.items()):
            if time.monotonic() - made > self.seconds:
                self.remove(path)

    def remove(self, folder: Path) -> None:
        """Removes a folder that `create` made, and all in it; nothing else."""
        with _lock:
            ours = self._made.pop(folder, None) is not None
        if ours:
            shutil.rmtree(folder, ignore_errors=True)

    def remove_all(self) -> None:
        """At the end of the process; a forked worker leaves its parent's folders alone."""
        if os.getpid() == self._owner:
            for folder in list(self._made):
                self.remove(folder)


def remove_stale(parent: Path) -> None:
    """Removes what processes that are no more left behind. A folder with this process's number is older than it too."""
    for path in parent.glob(f"{PREFIX}*"):
        match = re.fullmatch(rf"{PREFIX}(\d+)-\w+", path.name)
        if match and not path.is_symlink() and path.is_dir() and path.stat().st_uid == os.getuid():
            number = int(match[1])
            if number == os.getpid() or not _is_alive(number):
                shutil.rmtree(path, ignore_errors=True)


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


_remove_stale_once = functools.cache(remove_stale)
FOLDERS = PrivateFolders()
