"""Which visitors' galleries are open: shares of how many and of how much room, and one way to close them."""

from __future__ import annotations

from pathlib import Path

from ...retrieval.retriever import Retriever
from ...settings import Settings
from .private import FOLDERS
from .shares import Shares, Visitor

ADDRESS_SHARE = 0.5  # of all galleries, by number and by size
SESSION_SHARE = 2  # the old one goes when the new one stands


class Galleries:
    """Visitors' own galleries that are open: who has how many, how much they take on disk, and what searches them.

    A gallery that is closed, by its owner or to make room, is closed everywhere: on disk, for downloads, and in memory.
    """

    def __init__(self) -> None:
        self.opened: dict[Path, Retriever] = {}
        self.served: dict[Path, Path] = {}
        self.count, self.bytes = Shares(0, 0), Shares(0, 0)
        self.limit(Settings())

    def limit(self, settings: Settings) -> None:
        """Sets how many there may be, and how large."""
        self.count.total, self.count.session = settings.galleries, SESSION_SHARE
        self.count.address = max(1, int(settings.galleries * ADDRESS_SHARE))
        self.bytes.total = settings.galleries_mb * 1_000_000
        self.bytes.address = self.bytes.total * ADDRESS_SHARE

    def add(self, folder: Path, served: Path, opened: Retriever, visitor: Visitor) -> None:
        """Takes in a gallery that was built; the owner's oldest ones go where the share is full.

        Raises:
            ValueError: it is larger than anybody's may be.
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
        """Closes what is too old, or was removed by another way."""
        FOLDERS.expire()
        for folder in list(self.opened):
            if not folder.is_dir():
                self.close(folder)


GALLERIES = Galleries()
