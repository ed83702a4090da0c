"""Small edits of a sentence, word by word: what a visitor does to see what the model makes of it. Words are split at white
space; numbers are places from 0."""

from __future__ import annotations

from collections.abc import Sequence

ARTICLES = {"a", "an", "the", "one"}
AUXILIARIES = {"is", "are", "was", "were", "has", "have", "can", "does", "do"}


def drop(text: str, places: Sequence[int]) -> str:
    """The sentence without some words.

    Raises:
        ValueError: no word is named, or none would be left.
    """
    words = _named(text, places, "to drop")
    kept = [word for n, word in enumerate(words) if n not in places]
    if not kept:
        raise ValueError("got every word of the sentence to drop, but expected at least one word to stay")
    return " ".join(kept)


def swap(text: str, places: Sequence[int]) -> str:
    """The sentence with two words changed over.

    Raises:
        ValueError: not exactly two words are named.
    """
    words = _named(text, places, "to swap")
    if len(places) != 2:
        raise ValueError(f"got {len(places)} ticked words to swap, but expected two")
    i, j = places
    words[i], words[j] = words[j], words[i]
    return " ".join(words)


def negate(text: str, places: Sequence[int]) -> str:
    """The sentence with some words denied: an article becomes "no", "is" becomes "is not", other words get "not" before them.

    Raises:
        ValueError: no word is named.
    """
    words = _named(text, places, "to deny")
    for n in places:
        word = words[n]
        if word.lower() in ARTICLES:
            words[n] = "No" if word[0].isupper() else "no"
        elif word.lower() in AUXILIARIES:
            words[n] = f"{word} not"
        else:
            words[n] = f"not {word}"
    return " ".join(words)


def reverse(text: str) -> str:
    """The words in the opposite order."""
    return " ".join(reversed(text.split()))


def _named(text: str, places: Sequence[int], purpose: str) -> list[str]:
    words = text.split()
    if not places:
        raise ValueError(f"got no ticked word {purpose}, but expected at least one: tick words first")
    bad = [n for n in places if not 0 <= n < len(words)]
    if bad:
        raise ValueError(f"got word {bad[0]} {purpose}, but expected one of 0 to {len(words) - 1}")
    return words
