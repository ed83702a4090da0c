"""How much a visitor may upload at once, as the project or the host sets it."""

from __future__ import annotations

import os
from dataclasses import dataclass


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
        return cls(
            pictures=_setting("HGAN_UPLOAD_PICTURES", cls.pictures), megabytes=_setting("HGAN_UPLOAD_MB", cls.megabytes)
        )

    @property
    def bytes(self) -> int:
        """As uploaded."""
        return self.megabytes * 1_000_000


def _setting(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise ValueError(f"got {name}={value!r}, but expected a whole number of 1 or more")
    return int(value)
