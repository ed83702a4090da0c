"""False captions: a true one with one thing about it exchanged: its sides, its relation, two colours, a number, a state.

A model that only asks which things are in a picture cannot tell the two apart (Yuksekgonul et al., "When and why
vision-language models behave like bags-of-words", ICLR 2023). Articles are put right, and colours given only to things that may
have them, or false captions would be known by their words alone (`benchmarks.text_only` measures how far they are).
"""

from __future__ import annotations

import random
import re
from collections import Counter

from .false_relations import NOUNS, other_relation

COLOURS = ("white", "black", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
NUMBERS = ("two", "three", "four")
_PAIRS = (
    ("left", "right"), ("in front of", "behind"), ("nearer to us than", "further away than"), ("at the front", "at the back"),
    ("closer to the camera than", "farther from us than"), ("from front to back", "from back to front"),
    ("closer to us", "farther off"), ("in front", "behind"),
)  # fmt: skip
_OPPOSITES = {one: other for pair in _PAIRS[::-1] for one, other in (pair, pair[::-1])}
_SIDES = re.compile(rf"\b({'|'.join(sorted(_OPPOSITES, key=len, reverse=True))})\b(?! beside)", re.IGNORECASE)
_ALONE = re.compile(r"(?=[,.;]| can be seen)")  # "a bus in front, a dog behind"
_COLOURED = re.compile(rf"\b({'|'.join(COLOURS)})\b(?: (\w+))?")
_ARTICLE = re.compile(r"\b(a)n? (\w)", re.IGNORECASE)
_NUMBER = re.compile(rf"\b({'|'.join(NUMBERS)})\b")
_TOLD = re.compile(r"(?:: |\bnumber of [\w -]+ is )(one|two|three|four)\b")
# Kinds that have few colours in Toy Town: "a red dog" would be known to be false without a picture.
FEW_COLOURS = {
    "dog": ("brown", "black", "white", "orange"),
    "cat": ("orange", "black", "white", "brown"),
    "duck": ("yellow", "white", "brown"),
    "horse": ("brown", "black", "white"),
    "cow": ("white", "brown", "black"),
    "sheep": ("white", "black", "brown"),
    "snowman": ("white",),
    "tree": ("green", "orange", "yellow", "red", "pink"),
    "bush": ("green", "orange", "yellow", "red", "purple"),
}
_STATES = {"small": "large", "little": "big", "switched on": "switched off", "is lit": "is not lit", "door open": "door closed",
           "open door": "closed door", "light on": "light off", "sitting": "standing", "seated": "standing",
           "sits": "stands"}  # fmt: skip
_STATES_BACK = {"large": "small", "big": "little", "switched off": "switched on", "is not lit": "is lit",
                "door closed": "door open", "closed door": "open door", "light off": "light on",
                "standing person": "sitting person"}  # fmt: skip
# How often true captions say it, roughly: the rare one of two must not be false more often than it is true.
_OFTEN = {"two": 4.0, "three": 1.6, "four": 1.0, "small": 4.5, "little": 4.0}
_STATE = re.compile(rf"\b({'|'.join(sorted((*_STATES, *_STATES_BACK), key=len, reverse=True))})\b(?! world| scene)")
_THING = re.compile(rf"\b(an?|the) ((?:[\w-]+ ){{0,2}}?)({'|'.join(sorted(NOUNS))})\b", re.IGNORECASE)
_MORE = re.compile(  # words after a noun that would stay where they are
    r"\b(?:shirt|dressed|arms|door|light|lit|switched|wear|wears|wearing|whose|who|that|two|three|four)\b"
    rf"|\bin (?:{'|'.join(COLOURS)})\b"
)
_BETWEEN = re.compile(r"\b(left|right|in front|behind|nearer|further|farther|closer|front to back)\b", re.IGNORECASE)


def falsify(caption: str, rng: random.Random) -> str | None:
    """A caption with one thing about it exchanged, in one of the ways that training may use. None where it has none.

    What comes out is false unless the picture holds, beside what the caption means, what it says now.
    """
    false = [text for way in WAYS.values() if (text := way(caption, rng)) is not None]
    return rng.choice(false) if false else None


def _sides(caption: str, rng: random.Random) -> str | None:
    """All its sides, and what is in front and what behind."""
    if not _SIDES.search(caption) or "further back" in caption:
        return None

    def other(found: re.Match[str]) -> str:
        said = found[0].lower()
        alone = said == "behind" and _ALONE.match(caption, found.end())
        return _like(found[0], "in front" if alone else _OPPOSITES[said])

    return _SIDES.sub(other, caption)


def _like(old: str, new: str) -> str:
    """With a capital where the old words had one."""
    return new[0].upper() + new[1:] if old[0].isupper() else new


def _colours(caption: str, rng: random.Random) -> str | None:
    """Two colours of different things, exchanged, where either may have the other's."""
    matches = [match for match in _COLOURED.finditer(caption) if match[2] != "meadow"]
    often = Counter(match[1] for match in matches)
    found = [(match, _coloured(caption, match)) for match in matches if often[match[1]] == 1]
    pairs = [
        (a, b)
        for n, (a, one) in enumerate(found)
        for b, other in found[n + 1 :]
        if a[1] != b[1]
        and one != other
        and b[1] in FEW_COLOURS.get(one, COLOURS)
        and a[1] in FEW_COLOURS.get(other, COLOURS)
    ]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    exchanged = caption[: a.start(1)] + b[1] + caption[a.end(1) : b.start(1)] + a[1] + caption[b.end(1) :]
    return _articles(exchanged)


def _articles(caption: str) -> str:
    """ "a" or "an" by the letter that follows, which does for Toy Town's words."""
    return _ARTICLE.sub(lambda found: found[1] + ("n " if found[2].lower() in "aeiou" else " ") + found[2], caption)


def _coloured(caption: str, colour: re.Match[str]) -> str:
    """What has a colour: the thing named right after it, or else the last one before; "" where there is none."""
    after = re.findall(r"\w+", re.split(r"[,.;:]", caption[colour.end(1) :])[0].lower())[:2]
    before = re.findall(r"\w+", caption[: colour.start(1)].lower())
    named = next((word for word in after if _one(word)), None) or next((w for w in reversed(before) if _one(w)), "")
    return _one(named)


def _one(word: str) -> str:
    """The singular of a thing's name, "" of any other word."""
    return next((noun for noun in (word, word.removesuffix("s"), word.removesuffix("es")) if noun in NOUNS), "")


def _numbers(caption: str, rng: random.Random) -> str | None:
    """One number, where it stands for itself also one and another."""
    told = _TOLD.search(caption.lower())
    found = [told] if told else list(_NUMBER.finditer(caption.lower()))
    if not found:
        return None
    one = rng.choice(found)
    other = rng.choice([number for number in (("one", *NUMBERS) if told else NUMBERS) if number != one[1]])
    if not told and rng.random() > _OFTEN[other] / _OFTEN[one[1]]:
        return None
    return caption[: one.start(1)] + _like(caption[one.start(1)], other) + caption[one.end(1) :]


def _states(caption: str, rng: random.Random) -> str | None:
    """A size, whether a door is open or a light on, or how someone is there."""
    found = list(_STATE.finditer(caption))
    if not found:
        return None
    one = rng.choice(found)
    other = (_STATES | _STATES_BACK)[one[0]]
    if rng.random() > _OFTEN.get(other, 1.0) / _OFTEN.get(one[0], 1.0):
        return None
    return _articles(caption[: one.start()] + other + caption[one.end() :])


def _things(caption: str, rng: random.Random) -> str | None:
    """The two things of a relation of sides or depth, exchanged: "a dog left of a car" becomes "a car left of a dog"."""
    if not _BETWEEN.search(caption) or _MORE.search(caption):
        return None
    found = list(_THING.finditer(caption))
    if len(found) != 2 or found[0][3] == found[1][3]:
        return None
    a, b = found
    first, second = _like(a[0], b[0][0].lower() + b[0][1:]), _like(b[0], a[0][0].lower() + a[0][1:])
    return caption[: a.start()] + first + caption[a.end() : b.start()] + second + caption[b.end() :]


# Each gives None where a caption has none of them.
WAYS = {"sides": _sides, "colours": _colours, "numbers": _numbers, "relations": other_relation, "states": _states}
KEPT_WAYS = {"things": _things}  # never used in training: whether what was learned there goes beyond it
