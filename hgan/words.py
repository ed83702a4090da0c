"""The words of a sentence: where they stand, what is cut, and what of it the person is told.

Word pieces are made of a clean form of the text (NFC, without characters that are no text), so that the two ways of writing
an accent are one sentence; spans and words are of the text as it was given.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

# A word: letters and digits, their accents where these are characters of their own (as in file names of a Mac), with
# apostrophes or hyphens inside ("don't", "tri-colored").
_LETTERS = r"\w[\w\u0300-\u036f]*"
_WORD = re.compile(rf"{_LETTERS}(?:['’\-]{_LETTERS})*")
_ANY = re.compile(r"\S+")
_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_CHARACTERS = 10_000  # that are looked at; more than 64 pieces and 48 words fill with any real text
_LONG = 100  # characters; BERT's WordPiece takes a longer word as unknown, whatever it says

Span = tuple[int, int]


@dataclass(frozen=True)
class Sentence:
    """A sentence as the model sees it: its words, and which of them make a node of the text graph, in their order."""

    text: str
    words: tuple[str, ...]
    spans: tuple[Span, ...]  # character range of each word in `text`
    dropped: int  # words cut off at the end
    rest: int = 0  # characters of the last word that are cut off
    replaced: int = 0  # characters that were no text
    unknown: tuple[int, ...] = ()  # lengths of words too long to be read
    content: tuple[bool, ...] | None = None  # words that make a node; None: all of them

    def node_of(self, word: int) -> int | None:
        """The node of a word, by their numbers from 0; None for a function word, which makes none."""
        if self.content is None:
            return word
        return sum(self.content[:word]) if self.content[word] else None

    @property
    def notice(self) -> str | None:
        """What to tell the person when something of the sentence does not count."""
        told = []
        if self.dropped:
            whole = len(self.words) + self.dropped
            told.append(f"The sentence was cut: the first {len(self.words)} of {whole:,} words are used.")
        elif self.rest:
            start, end = self.spans[-1]
            told.append(
                f"The sentence was cut inside its {'last' if len(self.words) > 1 else 'only'} word: the first "
                f"{end - start - self.rest:,} of its {end - start:,} characters are used."
            )
        told += [
            f"A word of {length:,} characters is too long to be read (at most {_LONG}): it counts as an unknown word."
            for length in self.unknown
        ]
        if self.replaced:
            told.append(f"Invalid characters (half surrogate pairs) were left out: {self.replaced:,}.")
        return " ".join(told) or None


@dataclass(frozen=True)
class Draft:
    """A sentence before its pieces are known."""

    text: str  # as given, but for characters that are no text
    clean: str  # what the tokenizer is given
    spans: tuple[Span, ...]  # of the words that can be used, in `clean`
    origin: tuple[Span, ...]  # the same in `text`
    words: int  # in the whole text
    cut: bool  # `clean` ends before the text does
    replaced: int


def draft(text: str, max_words: int) -> Draft:
    """The words of a sentence before it is made pieces; time and memory do not grow with what is cut.

    Raises:
        ValueError: no string, or empty.
    """
    if not isinstance(text, str):
        raise ValueError(f"got {type(text).__name__}, but expected a sentence")
    text, replaced = _SURROGATE.subn("\ufffd", text)
    head = text[:MAX_CHARACTERS]
    clean, origin = _composed(head)
    pattern = _WORD if _WORD.search(clean) else _ANY
    spans = [m.span() for m in pattern.finditer(clean)]
    beyond = sum(1 for _ in pattern.finditer(text, len(head))) if len(text) > len(head) else 0
    if not spans:
        raise ValueError(
            "got an empty sentence, but expected at least one word"
            + (f" among its first {MAX_CHARACTERS:,} characters" if beyond else "")
        )
    if beyond and spans[-1][1] == len(clean) and not text[len(head)].isspace():
        beyond = max(0, beyond - 1)  # the word that lies across is counted already
    used = spans[:max_words]
    back = tuple((origin[start][0], origin[end - 1][1]) for start, end in used) if origin else tuple(used)
    if len(spans) <= max_words and len(text) > len(head) and used[-1][1] == len(clean):
        end = pattern.match(text, back[-1][0])
        back = (*back[:-1], (back[-1][0], max(back[-1][1], end.end() if end else 0)))
    # Cut before the tokenizer sees it: a sentence of 10,000 words costs no more than one of max_words.
    return Draft(text, clean[: used[-1][1]], tuple(used), back, len(spans) + beyond, back[-1][1] > len(head), replaced)


def _composed(text: str) -> tuple[str, list[Span]]:
    """NFC of a text, and for each of its characters the range it comes from; an empty list where nothing changes."""
    if unicodedata.is_normalized("NFC", text):
        return text, []
    parts, origin, start = [], [], 0
    while start < len(text):
        end = start + 1
        # Marks belong to the letter before them; the parts of a Korean syllable are letters that melt together.
        while end < len(text) and (unicodedata.combining(text[end]) or _melts(text, start, end)):
            end += 1
        part = unicodedata.normalize("NFC", text[start:end])
        parts.append(part)
        same = part == text[start:end]
        origin += [(start + n, start + n + 1) if same else (start, end) for n in range(len(part))]
        start = end
    return "".join(parts), origin


def _melts(text: str, start: int, end: int) -> bool:
    pair = text[start : end + 1] if end - start < 4 else text[end - 1 : end + 1]
    return len(unicodedata.normalize("NFC", pair)) < len(unicodedata.normalize("NFC", pair[:-1])) + 1


def sentence(draft: Draft, pieces: list[Span], lost: int | None, unknown: list[Span]) -> Sentence:
    """A sentence as its pieces make it.

    Args:
        pieces: character ranges in `draft.clean` of the pieces that are kept.
        lost: where the first piece that was cut off begins; None where none was.
        unknown: those of the pieces that the model does not know.

    Raises:
        ValueError: no word of it is left.
    """
    starts = sorted(start for start, _ in pieces)
    # A word may end up without a piece: cut off, or all of it dropped by the tokenizer (a bare accent).
    kept = [
        n
        for n, (start, end) in enumerate(draft.spans)
        if bisect_right(starts, end - 1) > bisect_right(starts, start - 1)
    ]
    if not kept and lost is not None:
        raise ValueError(
            f"got a sentence that does not begin with words ({draft.text[:40]!r}), but expected words: remove the symbols"
        )
    if not kept:  # characters that the tokenizer drops altogether
        raise ValueError(f"got a sentence without any readable word ({draft.text[:40]!r}), but expected words")
    spans = tuple(draft.origin[n] for n in kept)
    last, rest = draft.spans[kept[-1]], 0
    scale = spans[-1][1] - spans[-1][0]
    if lost is not None and lost < last[1]:
        done = lost - last[0]
        rest = max(1, scale - done) if scale > done else 1
    elif draft.cut and kept[-1] == len(draft.spans) - 1:
        rest = max(1, scale - (last[1] - last[0]))
    return Sentence(
        draft.text,
        tuple(draft.text[start:end] for start, end in spans),
        spans,
        draft.words - 1 - kept[-1],
        rest,
        draft.replaced,
        tuple(end - start for start, end in unknown if end - start > _LONG),
    )


def word_of(spans: tuple[Span, ...], start: int) -> int:
    """Which of some spans, in their order, a character lies in; -1 for none."""
    n = bisect_right(spans, (start, float("inf"))) - 1
    return n if n >= 0 and spans[n][0] <= start < spans[n][1] else -1


def texts_of(text: Any) -> list[str]:
    """One sentence, or several, as a list.

    Raises:
        ValueError: something else, or none.
    """
    if isinstance(text, str):
        return [text]
    if isinstance(text, bytes | bytearray | dict) or not hasattr(text, "__iter__"):
        raise ValueError(f"got {type(text).__name__}, but expected a sentence or a list of sentences")
    found = list(text)
    if not found:
        raise ValueError("got no sentences, but expected at least one")
    return found
