"""The manifest of a gallery, read with suspicion: what is not as a build writes it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..io.jsonl import parse_object

FORMAT = 1


def present(folder: Path, name: str) -> Path:
    """A file of a gallery.

    Raises:
        ValueError: no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise ValueError(f"got gallery {folder}, but expected an existing folder (see `hgan gallery build`)")
    path = folder / name
    if not path.is_file():
        raise ValueError(f"got {folder}, which has no {name}, but expected a gallery (see `hgan gallery build`)")
    return path


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a gallery folder.

    Raises:
        ValueError: none is there, or as `checked_manifest`.
    """
    return checked_manifest(folder, present(folder, "manifest.json").read_bytes())


def checked_manifest(folder: Path, data: bytes) -> dict[str, Any]:
    """A manifest from its bytes.

    Raises:
        ValueError: damaged, of another format, or of no picture.
    """
    try:
        manifest = parse_object(data)
        _require_manifest(manifest)
    except ValueError as error:
        raise ValueError(
            f"got a damaged manifest.json in {folder} ({error}), but expected one from `hgan gallery build`"
        ) from None
    if manifest["format"] != FORMAT:
        raise ValueError(f"got a gallery of format {manifest['format']}, but expected {FORMAT}: build it again")
    if manifest["count"] < 1:
        raise ValueError(f"got gallery {manifest['name']} without pictures, but expected at least one")
    return manifest


def _require_manifest(manifest: Any) -> None:
    """Raises ValueError with the name of the first thing that is not as a build writes it. Of another format only what tells it
    is looked at."""
    if not isinstance(manifest, dict):
        raise ValueError("no JSON object")
    kinds: dict[str, type] = {"format": int, "name": str, "count": int, "model": dict, "files": dict}
    if manifest.get("format") == FORMAT:
        kinds |= {"captions": int, "regions": int, "skipped": list}
    for key, kind in kinds.items():
        if key not in manifest:
            raise ValueError(f"{key} is missing")
        if not isinstance(manifest[key], kind) or isinstance(manifest[key], bool):
            raise ValueError(f"{key} is damaged")
    model, listed = manifest["model"], list(manifest["files"].values())
    if not (all(isinstance(model.get(key), str) for key in ("name", "sha256")) and isinstance(model.get("dim"), int)):
        raise ValueError("model is damaged")
    if not all(
        isinstance(e, dict) and isinstance(e.get("sha256"), str) and type(e.get("bytes")) is int for e in listed
    ):
        raise ValueError("files is damaged")
    skipped = manifest.get("skipped", [])
    if not all(
        isinstance(e, dict) and all(isinstance(e.get(key), str) for key in ("image", "reason")) for e in skipped
    ):
        raise ValueError("skipped is damaged")
