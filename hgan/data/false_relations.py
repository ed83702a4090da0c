"""False captions by their relation: "a cat on a table" becomes "a cat under a table" or "a cat behind a table".

Only relations that exclude each other are exchanged, only where the things may stand so at all, and in both directions: no wording
is false more often than it is true, so that a text alone does not give it away (as far as this grammar allows).
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

_WAYS_TO_SAY = {
    "left": ("to the left of", "left of", "on the left of"),
    "right": ("to the right of", "right of", "on the right of"),
    "front": ("in front of",),
    "behind": ("behind",),
    "next": ("next to", "beside", "close to", "near"),
    "on": ("on",),
    "under": ("under", "beneath", "underneath"),
}
_PLAIN = {  # relation -> others that cannot hold with it and that any two things may have
    "left": ("front", "behind"),
    "right": ("front", "behind"),
    "front": ("left", "right", "next"),
    "behind": ("left", "right", "next"),
    "next": ("front", "behind"),
    "on": ("left", "right", "front", "behind", "next"),
    "under": ("left", "right", "front", "behind", "next"),
    "holding": ("left", "right", "front", "behind", "next"),
    "riding": ("left", "right", "front", "behind", "next"),
}
_PREPOSITIONS = {phrase: name for name, phrases in _WAYS_TO_SAY.items() for phrase in phrases}
_PREPOSITIONS |= {"on top of": "on", "on the roof of": "on", "right beside": "next", "alongside": "next", "below": "under"}
_PHRASE = "|".join(sorted(_PREPOSITIONS, key=len, reverse=True))
_ARTICLE = r"(?:an?|the|another|one|just one|only one|a single|one single)"
_PLACED = re.compile(rf"\b({_PHRASE}) (?={_ARTICLE} ((?:[\w-]+ ){{0,3}}?)(\w+))", re.IGNORECASE)
_DOING = re.compile(r"\b(is |are )?(holding|riding|holds|rides)\b(?= (?:an?|the) )")
# The other way round, as verbs: what stands before it carries, covers, is held or ridden.
_VERBS = {
    "carries": "on", "supports": "on", "serves as a stand for": "on", "is above": "under", "stands over": "under",
    "is held by": "holding", "is in the grip of": "holding", "is being carried by": "holding", "is ridden by": "riding",
    "is carrying": "holding", "has got hold of": "holding", "is mounted on": "riding", "sits astride": "riding",
    "is covered by": "under", "is carried by": "on", "is at the side of": "next", "is not far from": "next",
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
            return caption[: match.start(1) if match.re is _PLACED else match.start()] + new + caption[match.end(_last(match)) :]
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
        return _said(rng.choice(_possible(relation, before, after)), rng)
    if match.re is _VERB:
        relation = _VERBS[match[1]]
        return f"is {_said(rng.choice(_PLAIN[relation]), rng)}"
    relation = "holding" if match[2].startswith("hold") else "riding"
    plain = _said(rng.choice(_PLAIN[relation]), rng)
    return f"{match[1] or 'is '}{plain}" if match[1] or match[2].endswith("s") else plain


def _possible(relation: str, before: str | None, after: str) -> list[str]:
    """Relations that exclude this one and that the two things may have; those of few pairs as likely as all others."""
    special = []
    if relation not in ("on", "left", "right") and before in LOADS.get(after, ()):
        special.append("on")
    if relation not in ("under", "left", "right") and before in SHELTERED.get(after, ()):
        special.append("under")
    if before == "person" and relation not in ("on", "under"):
        special += ["holding"] * (after in HELD) + ["riding"] * (after in RIDDEN)
    plain = list(_PLAIN[relation])
    return plain + special * max(1, len(plain) // max(1, len(special)))


def _said(relation: str, rng: random.Random) -> str:
    return rng.choice(_WAYS_TO_SAY[relation]) if relation in _WAYS_TO_SAY else relation


def _noun_before(text: str) -> str | None:
    """The last thing named in the same clause."""
    words = re.findall(r"[\w-]+", re.split(r"[.,;:]", text)[-1].lower())
    return next((word for word in reversed(words) if word in NOUNS), None)


def _noun_after(text: str) -> str | None:
    """The thing that the next words name; "under a cloudy sky" names none."""
    words = re.findall(r"[\w-]+", re.split(r"[.,;:]", text)[0].lower())[:5]
    named = next((n for n, word in enumerate(words) if word in NOUNS), None)
    return None if named is None or not {"sky", "in", "on", "and"}.isdisjoint(words[:named]) else words[named]
