"""False captions: a true one with its sides, two colours or a number exchanged.

A model that only asks which things are in a picture cannot tell the two apart (Yuksekgonul et al., "When and why
vision-language models behave like bags-of-words", ICLR 2023). Articles are put right, or false captions would be known by them.
"""

from __future__ import annotations

import random
import re

COLOURS = ("white", "black", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
NUMBERS = ("two", "three", "four")
_OPPOSITES = {"left": "right", "right": "left", "in front of": "behind", "behind": "in front of"}
_SIDES = re.compile(r"\b(left|right|in front of|behind)\b(?! beside)")
_COLOURED = re.compile(rf"\b({'|'.join(COLOURS)})\b(?: (\w+))?")
_ARTICLE = re.compile(rf"\b(a)n? (?={'|'.join(COLOURS)})", re.IGNORECASE)
_NUMBER = re.compile(rf"\b({'|'.join(NUMBERS)})\b")


def falsify(caption: str, rng: random.Random) -> str | None:
    """A caption with one thing about it exchanged: all its sides, two of its colours, or a number. None where it has none.

    What comes out is false unless the picture holds, beside what the caption means, what it says now.
    """
    false = [text for way in WAYS.values() if (text := way(caption, rng)) is not None]
    return rng.choice(false) if false else None


def _sides(caption: str, rng: random.Random) -> str | None:
    return _SIDES.sub(lambda found: _OPPOSITES[found[0]], caption) if _SIDES.search(caption) else None


def _colours(caption: str, rng: random.Random) -> str | None:
    """Two colours of different things, exchanged."""
    found = list(_COLOURED.finditer(caption))
    pairs = [(a, b) for n, a in enumerate(found) for b in found[n + 1 :] if a[1] != b[1] and a[2] != b[2]]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    exchanged = caption[: a.start(1)] + b[1] + caption[a.end(1) : b.start(1)] + a[1] + caption[b.end(1) :]
    return _ARTICLE.sub(lambda found: found[1] + ("n " if exchanged[found.end()] == "o" else " "), exchanged)


def _numbers(caption: str, rng: random.Random) -> str | None:
    found = list(_NUMBER.finditer(caption.lower()))
    if not found:
        return None
    one = rng.choice(found)
    other = rng.choice([number for number in NUMBERS if number != one[1]])
    if caption[one.start()].isupper():
        other = other.capitalize()
    return caption[: one.start()] + other + caption[one.end() :]


WAYS = {"sides": _sides, "colours": _colours, "numbers": _numbers}  # each gives None where a caption has none of them
