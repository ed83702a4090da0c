"""Galleries by hub id: a dataset repository that holds a gallery folder, fetched once and checked."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import snapshot_download

from .store import verify

# What a gallery consists of, and nothing else of the repository: no code, no pickles.
_FILES = ["manifest.json", "items.jsonl", "images/*.npy", "captions/*.npy", "thumbnails/*.webp"]
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(@[\w./-]+)?")


def gallery_folder(name: str) -> Path:
    """The folder of a gallery: `name` itself where it is one, or else a download of the hub's dataset of that id.

    Args:
        name: a folder, or "OWNER/NAME" with an optional "@REVISION".

    Raises:
        ValueError: the hub has no such gallery, or cannot be reached, or what came is damaged.
    """
    if Path(name).exists() or not _HUB_ID.fullmatch(name):
        return Path(name)
    repository, _, revision = name.partition("@")
    try:
        folder = Path(
            snapshot_download(repository, repo_type="dataset", revision=revision or None, allow_patterns=_FILES)
        )
    except Exception as error:  # the hub's client and what lies below it raise a dozen kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"got gallery {name}, which is not a local folder and could not be downloaded from the hub "
            f"({reason}), but expected a gallery folder, or the id of a dataset that holds one"
        ) from None
    if wrong := verify(folder):
        raise ValueError(f"got gallery {name} from the hub, which is damaged ({wrong[0]}), but expected a whole one")
    return folder
