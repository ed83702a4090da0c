"""The checkpoint and the gallery that are used where nobody names one: those of the settings, or those of the repository."""

from __future__ import annotations

from pathlib import Path

from .settings import setting

ROOT = Path(__file__).resolve().parents[1]  # the repository, where the package runs from a checkout
CHECKPOINT = Path("checkpoints") / "hgan-mini"
GALLERY = Path("assets") / "galleries" / "toytown"


def default_checkpoint() -> str:
    """HGAN_CHECKPOINT (a folder or a hub id), or the checkpoint in the repository.

    Raises:
        ValueError: neither is there; the message says what was looked for and what to set.
    """
    return setting("HGAN_CHECKPOINT") or _in_repository(CHECKPOINT, "checkpoint", "config.json", "an HGAN model")


def default_gallery() -> str:
    """HGAN_GALLERY (a folder, or the hub id of a dataset), or the Toy Town gallery in the repository.

    Raises:
        ValueError: as `default_checkpoint`.
    """
    return setting("HGAN_GALLERY") or _in_repository(
        GALLERY, "gallery", "manifest.json", "a dataset that holds a gallery"
    )


def _in_repository(place: Path, what: str, file: str, on_hub: str) -> str:
    """`place` in the checkout that the package runs from, or in the checkout that is the working directory."""
    tried = list(dict.fromkeys(root / place for root in (ROOT, Path.cwd())))
    for folder in tried:
        if (folder / file).is_file():
            return str(folder)
    looked = " or ".join(str(folder) for folder in tried)
    raise ValueError(
        f"got no {what}: none is named, and there is none at {looked}; expected one: set HGAN_{what.upper()} or give --{what}, "
        f"to a folder or to the hub id of {on_hub}"
    )
