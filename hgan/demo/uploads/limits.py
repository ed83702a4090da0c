"""How much a visitor may upload at once, as the project or the host sets it."""

from __future__ import annotations

from dataclasses import dataclass

from ...settings import setting


@dataclass(frozen=True)
class Limits:
    """The one place where it is written down."""

    pictures: int = 500  # HGAN_UPLOAD_PICTURES
    megabytes: int = 200  # as uploaded, all files together: HGAN_UPLOAD_MB. Unpacked, twice that.
    entries: int = 2_000  # of a zip, whatever they are
    ratio: int = 200  # unpacked to packed size of an entry of more than a megabyte
    name: int = 200  # characters of an entry's whole name
    depth: int = 8  # folders in folders

    @classmethod
    def from_environment(cls) -> Limits:
        """Defaults, or what the host set.

        Raises:
            ValueError: a setting that is no whole number of 1 or more.
        """
        return cls(pictures=setting("HGAN_UPLOAD_PICTURES"), megabytes=setting("HGAN_UPLOAD_MB"))

    @property
    def bytes(self) -> int:
        """As uploaded."""
        return self.megabytes * 1_000_000
