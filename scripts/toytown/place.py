"""Which folders and files may be written: new ones, and those made here. Without `hgan`, as rendering needs no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def require_own_folder(folder: Path) -> None:
    """Raises ValueError for a folder that holds something else than scenes of Toy Town."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir() or not _begins_with(folder / "scenes.jsonl", ("id", "split", "place", "things")):
        raise ValueError(f"got {folder}, which holds something else, but expected a new folder or one of Toy Town's")


def require_own_lines(path: Path, keys: Sequence[str]) -> None:
    """Raises ValueError for a file that is there and whose first line is not a JSON object with these keys."""
    if path.exists() and not _begins_with(path, keys):
        raise ValueError(
            f"got {path}, which is something else, but expected a new file, or lines with {', '.join(keys)}"
        )


def _begins_with(path: Path, keys: Sequence[str]) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and set(keys) <= set(first)
