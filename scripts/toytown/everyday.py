"""Captions for photographs of everyday life: 2,000 distinct sentences, so that a picture of one's own finds words."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from .lines import write_lines

Slots = dict[str, tuple[str, ...]]
SHORTEST, LONGEST = 6, 16  # words
SLOT = re.compile(r"\{(\w+)\}")


def load_topics() -> dict[str, tuple[Slots, tuple[str, ...]]]:
    """Topic -> (slots, patterns), from `everyday.toml`."""
    data = tomllib.loads(Path(__file__).with_name("everyday.toml").read_text(encoding="utf-8"))
    shared = data.pop("shared")
    return {
        name: ({slot: tuple(words) for slot, words in {**shared, **topic["slots"]}.items()}, tuple(topic["patterns"]))
        for name, topic in data.items()
    }


TOPICS = load_topics()


def expand(pattern: str, slots: Slots) -> Iterator[str]:
    """Every sentence of a pattern; fillers may hold slots of their own."""
    names = SLOT.findall(pattern)
    if not names:
        yield pattern
        return
    parts = SLOT.sub("{}", pattern)
    for fillers in product(*(slots[name] for name in names)):
        yield from expand(parts.format(*fillers), slots)


def polish(sentence: str) -> str:
    """Capital, full stop, and "an" where the filler asks for it."""
    sentence = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", sentence)
    return sentence[0].upper() + sentence[1:] + "."


def repeats(sentence: str) -> bool:
    """Whether a word of content comes twice ("a park in a park"); such fillers met by chance."""
    joints = ("with", "their", "over", "under")
    words = [word for word in re.findall(r"[a-z]+", sentence.lower()) if len(word) > 3 and word not in joints]
    return len(words) != len(set(words))


def sentences(count: int = 2000, seed: int = 0) -> list[dict[str, str]]:
    """`count` distinct sentences, the topics and within them the patterns in equal shares.

    Raises ValueError where the grammar has not that many to give.
    """
    rng = random.Random(f"everyday-{seed}")
    rows: list[dict[str, str]] = []
    for k, (topic, (slots, patterns)) in enumerate(TOPICS.items()):
        share = count // len(TOPICS) + (k < count % len(TOPICS))
        pools = []
        for pattern in patterns:
            drawn = (s for s in expand(pattern, slots) if SHORTEST <= len(s.split()) <= LONGEST and not repeats(s))
            pool = sorted({polish(s) for s in drawn})
            rng.shuffle(pool)
            pools.append(pool)
        chosen: list[str] = []
        while len(chosen) < share:
            if not any(pools):
                raise ValueError(f"topic {topic!r} has {len(chosen)} sentences but {share} are wanted")
            for pool in pools:
                sentence = pool.pop() if pool else None
                if sentence and sentence not in chosen and len(chosen) < share:
                    chosen.append(sentence)
        rows += [{"text": text, "topic": topic} for text in chosen]
    rng.shuffle(rows)
    return [{"id": f"everyday-{k:04d}", **row} for k, row in enumerate(rows)]


def build(path: Path, count: int = 2000, seed: int = 0) -> int:
    """Writes the sentences as JSON lines; the number written."""
    rows = sentences(count, seed)
    write_lines(path, rows)
    return len(rows)
