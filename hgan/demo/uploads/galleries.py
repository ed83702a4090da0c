"""The open galleries of visitors: limits on their number and size, and one way to close them."""

from __future__ import annotations

from pathlib import Path

from ...retrieval.retriever import Retriever
from ...settings import Settings
from .private import FOLDERS
from .shares import Shares, Visitor

ADDRESS_SHARE = 0.5  # of all galleries, by number and by size
SESSION_SHARE = 2  # the old one goes when the new one stands


class Galleries:
    """The open galleries of visitors: who has how many, their size on disk, and their retrievers.

    A gallery that is closed, by its owner or to make room, is removed everywhere: on disk, for downloads, and in memory.
    """

    def __init__(self) -> None:
        self.opened: dict[Path, Retriever] = {}
        self.served: dict[Path, Path] = {}
        self.count, self.bytes = Shares(0, 0), Shares(0, 0)
        self.limit(Settings())

    def limit(self, settings: Settings) -> None:
        """Sets the limits of number and size."""
        self.count.total, self.count.session = settings.galleries, SESSION_SHARE
        self.count.address = max(1, int(settings.galleries * ADDRESS_SHARE))
        self.bytes.total = settings.galleries_mb * 1_000_000
        self.bytes.address = self.bytes.total * ADDRESS_SHARE

    def add(self, folder: Path, served: Path, opened: Retriever, visitor: Visitor) -> None:
        """Adds a gallery; the oldest ones of its owner go if the share is full.

        Raises:
            ValueError: it is larger than the limit.
        """
        size = sum(p.stat().st_size for place in (folder, served) for p in place.rglob("*") if p.is_file())
        if size > self.bytes.address:
            raise ValueError(
                f"got a gallery of {size:,} bytes with its download, but expected at most {int(self.bytes.address):,}: "
                "choose fewer pictures"
            )
        self.opened[folder], self.served[folder] = opened, served
        for gone in self.count.add(folder, visitor):
            self.close(gone)
        for gone in self.bytes.add(folder, visitor, size):
            self.close(gone)

    def close(self, folder: Path) -> None:
        """Removes everything of a gallery."""
        self.count.remove(folder)
        self.bytes.remove(folder)
        self.opened.pop(folder, None)
        FOLDERS.remove(folder)
        served = self.served.pop(folder, None)
        if served is not None:
            FOLDERS.remove(served)

    def sweep(self) -> None:
        """Closes galleries that are too old, or were removed in another way."""
        FOLDERS.expire()
        for folder in list(self.opened):
            if not folder.is_dir():
                self.close(folder)


GALLERIES = Galleries()
