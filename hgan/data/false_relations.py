"""False captions by their relation: "a cat on a table" becomes "a cat under a table" or "a cat behind a table".

Only relations that exclude each other are exchanged, only where the things may stand so at all, and in both directions: no
wording is false much more often than it is true, so that a text alone hardly gives it away (`benchmarks.text_only`).
"""

from __future__ import annotations

import random
import re

LOADS = {  # what may stand on a thing, in Toy Town
    "table": ("mug", "cup", "book", "ball", "box", "cat", "duck", "flower"),
    "bench": ("cat", "book", "ball", "duck", "person"),
    "chair": ("cat", "ball", "book", "person", "duck"),
    "box": ("cat", "duck", "ball", "mug", "cup"),
    "bus": ("cat", "duck", "ball", "box"),
}
SHELTERED = {
    "table": ("cat", "dog", "ball", "duck", "box"),
    "umbrella": ("cat", "dog", "ball", "duck", "box", "book"),
}
HELD = ("umbrella", "balloon", "kite", "flower", "mug", "cup", "ball", "box", "book")
RIDDEN = ("horse", "cow", "bicycle", "bike")
OTHERS = (
    "car", "truck", "lorry", "boat", "train", "aeroplane", "plane", "house", "tower", "tree", "bush", "shrub", "bench", "lamp",
    "fence", "dog", "sheep", "snowman", "person", "people",
)  # fmt: skip
NOUNS = frozenset((*LOADS, *SHELTERED, *(n for load in LOADS.values() for n in load), *HELD, *RIDDEN, *OTHERS, "dog"))

_WAYS_TO_SAY = {  # named twice, said twice as often
    "left": ("to the left of", "to the left of", "left of", "on the left of"),
    "right": ("to the right of", "to the right of", "right of", "on the right of"),
    "front": ("in front of",),
    "behind": ("behind",),
    "next": ("next to", "beside", "close to", "right beside", "near"),
    "on": ("on",),
    "under": ("under", "beneath", "underneath"),
}
_TOPS = {"table": ("on", "on top of"), "box": ("on", "on top of"), "bus": ("on top of", "on the roof of")}
_PLAIN = ("left", "right", "front", "behind", "next")  # any two things may stand so
_TOGETHER = ({"left", "right"}, {"left", "next"}, {"right", "next"})  # may hold at once, or are exchanged as sides
# How often each is said in true captions, roughly; a false caption must not be known by a rare word for it.
_OFTEN = {"left": 6.0, "right": 6.0, "front": 2.4, "behind": 2.4, "next": 2.4, "on": 4.0, "under": 3.0, "holding": 4.0,
          "riding": 4.0}  # fmt: skip
_PREPOSITIONS = {phrase: name for name, phrases in _WAYS_TO_SAY.items() for phrase in phrases}
_PREPOSITIONS |= {
    "on top of": "on",
    "on the roof of": "on",
    "right beside": "next",
    "alongside": "next",
    "below": "under",
}
_PHRASE = "|".join(sorted(_PREPOSITIONS, key=len, reverse=True))
_ARTICLE = r"(?:an?|the|another|one|just one|only one|a single|one single)"
_PLACED = re.compile(rf"\b({_PHRASE}) (?={_ARTICLE} ((?:[\w-]+ ){{0,3}}?)(\w+))", re.IGNORECASE)
_DOING = re.compile(r"\b(is |are )?(holding|riding|holds|rides)\b(?= (?:an?|the) )")
_STRAIGHT = {  # subject first
    "is carrying": "holding", "has got hold of": "holding", "is mounted on": "riding", "sits astride": "riding",
    "is covered by": "under", "is carried by": "on", "is at the side of": "next", "is not far from": "next",
}  # fmt: skip
_VERBS = _STRAIGHT | {  # what stands before it carries, covers, is held or ridden
    "carries": "on", "supports": "on", "serves as a stand for": "on", "is above": "under", "stands over": "under",
    "is held by": "holding", "is in the grip of": "holding", "is being carried by": "holding", "is ridden by": "riding",
}  # fmt: skip
_VERB = re.compile(rf"\b({'|'.join(sorted(_VERBS, key=len, reverse=True))})\b(?= (?:an?|the) )")


def other_relation(caption: str, rng: random.Random) -> str | None:
    """The caption with one relation exchanged for another that cannot hold with it; None where it says none."""
    found = [*_PLACED.finditer(caption), *_DOING.finditer(caption), *_VERB.finditer(caption)]
    rng.shuffle(found)
    for match in found:
        new = _instead(caption, match, rng)
        if new is not None:
            if match.start() == 0:
                new = new[0].upper() + new[1:]
            return (
                caption[: match.start(1) if match.re is _PLACED else match.start()]
                + new
                + caption[match.end(_last(match)) :]
            )
    return None


def _last(match: re.Match[str]) -> int:
    return 1 if match.re is _PLACED else 0


def _instead(caption: str, match: re.Match[str], rng: random.Random) -> str | None:
    """What comes in the place of a match."""
    before, after = _noun_before(caption[: match.start()]), _noun_after(caption[match.end() :])
    if match.re is _PLACED:
        relation = _PREPOSITIONS[match[1].lower()]
        if after is None or (relation == "on" and after not in LOADS):  # "on a farm"
            return None
    elif match.re is _VERB:
        relation = _VERBS[match[1]]
    else:
        relation = "holding" if match[2].startswith("hold") else "riding"
    turned = match.re is _VERB and match[1] not in _STRAIGHT  # "a table carries a cat"
    other = _other(relation, (after, before) if turned else (before, after), turned, rng)
    if other is None:
        return None
    said = rng.choice(_TOPS.get(after or "", ("on",)) if other == "on" else _WAYS_TO_SAY.get(other, (other,)))
    if match.re is _VERB or (match.re is _DOING and match[2].endswith("s")):
        return f"is {said}"
    return f"{match[1] or ''}{said}" if match.re is _DOING else said


def _other(relation: str, things: tuple[str | None, str | None], turned: bool, rng: random.Random) -> str | None:
    """A relation that excludes this one and that the two things may have. None now and then, so that either is false as often
    in place of the other (detailed balance: Metropolis et al., 1953).
    """
    one, other = things
    possible = list(_PLAIN)
    if not turned and one is not None and other is not None:
        special = ["on"] * (one in LOADS.get(other, ())) + ["under"] * (one in SHELTERED.get(other, ()))
        special += ["holding"] * (one == "person" and other in HELD) + ["riding"] * (
            one == "person" and other in RIDDEN
        )
        possible += 2 * special  # few things may stand so, and captions say it of them often
    pool = [name for name in possible if name != relation and {name, relation} not in _TOGETHER]
    chosen = rng.choice(pool)
    return chosen if rng.random() < _OFTEN[chosen] / _OFTEN[relation] else None


def _noun_before(text: str) -> str | None:
    """The last thing named in the same clause."""
    words = re.findall(r"[\w-]+", re.split(r"[.,;:]", text)[-1].lower())
    return next((word for word in reversed(words) if word in NOUNS), None)


def _noun_after(text: str) -> str | None:
    """The thing that the next words name; "under a cloudy sky" names none."""
    words = re.findall(r"[\w-]+", re.split(r"[.,;:]", text)[0].lower())[:5]
    named = next((n for n, word in enumerate(words) if word in NOUNS), None)
    return None if named is None or not {"sky", "in", "on", "and"}.isdisjoint(words[:named]) else words[named]
