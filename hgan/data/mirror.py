"""Mirror images: what a caption says once its picture is mirrored."""

from __future__ import annotations

import re

_SIDE = re.compile(r"\b(left|right)\b(?! beside)", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left"}


def mirrored(caption: str) -> str:
    """The caption with left and right exchanged: true of the mirror image where the caption is true of the picture.

    Meant for captions in which these words are sides of the picture, as Toy Town's are.
    """

    def other(found: re.Match[str]) -> str:
        word = _OTHER[found[1].lower()]
        return word.capitalize() if found[1][0].isupper() else word

    return _SIDE.sub(other, caption)


def has_sides(caption: str) -> bool:
    """Whether the caption says another thing of the mirror image."""
    return _SIDE.search(caption) is not None
