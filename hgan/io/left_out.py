"""What a reading leaves out, named with its place and counted: one bad record does not stop thousands, nor does it go in
silence."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Sequence, Sized
from dataclasses import dataclass

from .terminal import shown

EXAMPLES = 3  # named of many that have one reason in common
MOST = 20  # lines that are shown; what is beyond is counted
_DROPPED = ("Cc", "Cf", "Co", "Cs", "Mc", "Mn", "Zl", "Zp", "Zs")  # what tokenizers throw away
_WORDS = 48  # a sentence is cut there, before anything is thrown away
_log = logging.getLogger("hgan")
_logged: set[tuple[str, LeftOut]] = set()


@dataclass(frozen=True)
class LeftOut:
    """Something that is not used. `counts` is False for what nobody would miss: files that other programs leave behind, and
    remarks."""

    where: str  # such as "captions.jsonl line 2", or a path relative to the folder
    reason: str
    counts: bool = True
    remark: bool = False  # nothing is missing; something is said of what is there


def count(left_out: Sequence[LeftOut]) -> int:
    """How many things somebody may miss."""
    return sum(one.counts for one in left_out)


def told(left_out: Sequence[LeftOut], most: int = MOST) -> list[str]:
    """Lines for people: what has one reason in common is told together, with examples; what was meant to be used comes first."""
    groups: dict[tuple[bool, str], list[str]] = {}
    lines = [f"{shown(one.where, 200)}: {shown(one.reason, 400)}" for one in left_out if one.remark]
    for one in left_out:
        if not one.remark:
            groups.setdefault((not one.counts, one.reason), []).append(one.where)
    for (_, reason), places in sorted(groups.items(), key=lambda group: group[0][0]):
        if len(places) <= EXAMPLES:
            lines += [f"left out {shown(place, 200)}: {shown(reason, 400)}" for place in places]
        else:
            examples = ", ".join(shown(place, 100) for place in places[:EXAMPLES])
            lines.append(f"left out {len(places):,} ({examples}, ...): {shown(reason, 400)}")
    if len(lines) > most:
        lines = [*lines[:most], f"... and {len(lines) - most:,} more"]
    return lines


def log(left_out: Sequence[LeftOut], source: object = "") -> None:
    """Says it on the log of "hgan", for callers that ask for no list; the same thing once in a process.

    Args:
        source: the folder that it is of.
    """
    new = [one for one in left_out if one.counts and (str(source), one) not in _logged]
    _logged.update((str(source), one) for one in new)
    for line in told(new):
        _log.warning("%s", f"{shown(source)}: {line}" if source else line)


def unreadable_caption(text: object) -> str | None:
    """Why a caption cannot be used; None where it can."""
    if not isinstance(text, str):
        return f"got a caption that is {_kind(text)}, but expected a sentence"
    if any("\ud800" <= c <= "\udfff" for c in text):
        return "got a caption with half a character (a lone surrogate), but expected whole text"
    if not has_word(text):
        return f"got {'a caption without a readable word' if text else 'an empty caption'}, but expected a sentence"
    return None


def require_some(found: Sized, bad: Sequence[LeftOut]) -> None:
    """A file of which nothing can be used is an error: it is another file than was meant.

    Raises:
        ValueError: with the first thing that is wrong.
    """
    if bad and not found:
        raise ValueError(f"{bad[0].where}: {bad[0].reason}")


def good_captions(captions: Sequence[object], where: str, name: str, left_out: list[LeftOut]) -> list[int]:
    """Numbers of the captions that can be used; the others are named."""
    good = []
    for number, caption in enumerate(captions):
        reason = unreadable_caption(caption)
        if reason is None:
            good.append(number)
        else:
            left_out.append(LeftOut(where, f"caption {number + 1} of {name}: {reason}"))
    return good


def has_word(text: str) -> bool:
    """Whether a tokenizer finds anything in a sentence: more than white space, accents that stand alone, and characters
    without any look."""
    if any(c.isalnum() for c in text):
        return True
    return any(
        unicodedata.category(c) not in _DROPPED and c != "\ufffd" for word in text.split()[:_WORDS] for c in word
    )


def _kind(value: object) -> str:
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")
