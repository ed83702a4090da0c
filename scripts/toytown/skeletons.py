"""What is left of a caption when its words of content are masked: the number of skeletons tells its variety."""

from __future__ import annotations

import re
from functools import cache

from . import lexicon as lex
from .grammar import TAGS
from .world import COLOURS


def _any_of(phrases: list[str]) -> str:
    return "|".join(sorted((re.escape(p) for p in phrases), key=len, reverse=True))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Places with their prepositions, then colours, then names."""
    places = [phrase for plain, _, nouns in lex.PLACES.values() for phrase in (*plain, *nouns)]
    weathers = sorted({word for words in lex.WEATHER_ADJECTIVES.values() for word in words})
    places += [
        phrase.format(word) for _, qualified, _ in lex.PLACES.values() for phrase in qualified for word in weathers
    ]
    names = [form for options in lex.NOUNS.values() for pair in options for form in pair]
    return [
        (re.compile(rf"\b(?:{_any_of(words)})\b"), mask)
        for words, mask in ((places, "PLACE"), (list(COLOURS), "COLOUR"), (names, "NAME"))
    ]


def skeleton(text: str) -> str:
    """The caption with names, colours and places masked; "an" counts as "a"."""
    text = text[0].lower() + text[1:]
    text = re.sub(r"([.:;] )([A-Z])", lambda m: m.group(1) + m.group(2).lower(), text)
    for pattern, mask in _patterns():
        text = pattern.sub(mask, text)
    return re.sub(r"\ban\b", "a", text)


@cache
def _context_words() -> re.Pattern[str]:
    groups = [*lex.TIME_PHRASES.values(), *lex.WEATHER_PHRASES.values(), *lex.IT_IS.values(), *lex.IT_IS_TIME.values()]
    groups += [*lex.INDOOR_TIMES.values(), *lex.WEATHER_ADJECTIVES.values(), *lex.TIME_NOUNS.values()]
    return re.compile(rf"\b(?:{_any_of([phrase for group in groups for phrase in group])})\b")


def frame(text: str, mentions: list[dict]) -> str:
    """The strictest mask: every phrase that names a thing, and every phrase of place, hour or weather, is one mark."""
    words = text.split()
    for mention in sorted(mentions, key=lambda m: -m["words"][0]):
        start, end = mention["words"]
        tail = re.search(r"[.,;:]*$", words[end - 1])
        words[start:end] = ["THING" + (tail.group() if tail else "")]
    bare = skeleton(" ".join(words)).lower()
    bare = _context_words().sub("when", bare)
    return re.sub(r"(?:\b(?:when|place)\b[ ]?)+", "context ", bare)


def count(captions: dict[str, list[str]], facts: dict[str, list[dict]]) -> dict[str, int]:
    """Distinct skeletons and frames over all captions (scene id -> five), and the skeletons of each tag."""
    found: dict[str, set[str]] = {"skeletons": set(), "frames": set()} | {tag: set() for tag in TAGS}
    for scene_id, texts in captions.items():
        for text, fact in zip(texts, facts[scene_id], strict=True):
            found["skeletons"].add(skeleton(text))
            found["frames"].add(frame(text, fact["mentions"]))
            found[fact["tag"]].add(skeleton(text))
    return {name: len(texts) for name, texts in found.items()}
