"""Names of pictures: written so that they can be stored, told apart, and found in either Unicode normal form."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath


def written(name: str) -> str:
    """A name that any file can hold: bytes that are not UTF-8 are replaced. The path itself stays as it is."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", name)


def same_name(name: str) -> str:
    """A key that is the same for a name in either Unicode normal form, and with or without "./"."""
    return unicodedata.normalize("NFC", str(PurePosixPath(name)))


def without_suffix(name: str) -> str:
    """A path without the ending of its last part."""
    pure = PurePosixPath(name)
    return str(pure.parent / pure.stem) if pure.stem else str(pure)


def unique_ids(names: Sequence[str]) -> list[str]:
    """An id a name, in their order: the name itself, and where it is taken, with a number. Names that come later change no id
    that comes before."""
    taken: set[str] = set()
    following: Counter[str] = Counter()  # the last number that was tried, so that many equal names take no longer each
    ids = []
    for name in names:
        id_ = name
        while id_ in taken:
            following[name] += 1
            id_ = f"{name}-{following[name] + 1}"
        taken.add(id_)
        ids.append(id_)
    return ids


class Finder:
    """Files of a folder by name in either Unicode normal form: some systems store "é" as one character, some as two."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: dict[Path, dict[str, str]] = {}

    def path(self, name: str) -> Path:
        """The file of that name; where there is none, what its path would be."""
        path = self.folder / name
        if name.isascii() or os.path.lexists(path):
            return path
        found = self.folder
        for part in PurePosixPath(name).parts:
            step = found / part
            found = step if os.path.lexists(step) else found / self._of(found).get(same_name(part), part)
        return found if os.path.lexists(found) else path

    def _of(self, folder: Path) -> dict[str, str]:
        if folder not in self._names:
            try:
                self._names[folder] = {same_name(name): name for name in sorted(os.listdir(folder))}
            except OSError:
                self._names[folder] = {}
        return self._names[folder]
