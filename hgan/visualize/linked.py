"""Linked highlighting of one explanation: choose a word and its regions light up everywhere, choose a region and its words do.

Every element of a word or a region has its key as data-key ("w3", "r7"; a matrix cell has both), and every edge has both of its
keys as data-edge. The chips made here are buttons, which work with the keyboard too: data-meets names the keys that the node
aligns with, data-say is the sentence shown about it. static/linked.js does the rest in the browser, without a request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..io.static import read_static
from ..retrieval.results import Explanation, NodeTerms
from .charts import escape, number
from .pictures import numbered, region_key, strongest, word_key

SCRIPT = read_static("hgan.visualize", "linked.js")
SHARE = 0.5  # a node aligns with whatever has at least this share of its largest term
MOST_MET = 4


def met(terms: Sequence[float]) -> list[int]:
    """The places of the largest terms, largest first: at least SHARE of the largest, positive, at most MOST_MET."""
    order = sorted(range(len(terms)), key=lambda n: -terms[n])
    return [n for n in order[:MOST_MET] if terms[n] > 0 and terms[n] >= SHARE * terms[order[0]]]


def sentence_chips(explanation: Explanation) -> str:
    """The sentence with its words as buttons; the thicker the line under a word, the more it contributes."""
    e, shown, last = explanation, "", 0
    names = _names(e.regions)
    largest = max((abs(node.total) for node in e.words), default=0.0) or 1.0
    for node in e.words:
        start, end = node.span or (last, last)
        terms = e.local_terms[node.index]
        meets = [(region_key(n), names[n], terms[n]) for n in met(terms)]
        line = 1 + round(6 * max(node.total, 0) / largest)
        chip = _chip(
            word_key(node.index),
            e.caption[start:end] or node.label,
            node,
            meets,
            last == 0,
            f"border-bottom-width:{line}px",
        )
        shown += escape(e.caption[last:start], len(e.caption)) + chip
        last = end
    return f'<p class="hg-sentence" role="toolbar" aria-label="Words of the sentence">{shown}{escape(e.caption[last:])}</p>'


def region_chips(explanation: Explanation) -> str:
    """The regions as buttons, strongest first, numbered as in every drawing."""
    e, chips = explanation, ""
    names = _names(e.regions)
    for node in strongest(e.regions):
        terms = [row[node.index] for row in e.local_terms]
        meets = [(word_key(n), e.words[n].label, terms[n]) for n in met(terms)]
        chips += _chip(region_key(node.index), names[node.index], node, meets, not chips)
    return f'<p class="hg-chips" role="toolbar" aria-label="Regions of the picture, strongest first">{chips}</p>'


def key_mark(key: str, text: str) -> str:
    """The name of a word or a region in a table; choosing the row chooses it."""
    return f'<span data-key="{key}">{escape(text, 40)}</span>'


def _names(regions: list[NodeTerms]) -> Mapping[int, str]:
    return {index: f"{place} {regions[index].label}" for index, place in numbered(regions).items()}


def _chip(
    key: str, text: str, node: NodeTerms, meets: list[tuple[str, str, float]], first: bool, style: str = ""
) -> str:
    """A button. The Tab key stops at one of each toolbar; the arrow keys move on from there."""
    say = f"“{text}” contributes {number(node.total, 4)}: local {number(node.local, 4)}, cross {number(node.cross, 4)}."
    if meets:
        say += " Aligns most with: " + ", ".join(f"{name} ({number(term, 4)})" for _, name, term in meets) + "."
    else:
        say += " It aligns with nothing that raises the score."
    return (
        f'<button type="button" class="hg-chip" data-key="{key}" data-meets="{" ".join(other for other, _, _ in meets)}" '
        f'data-say="{escape(say, 1000)}" aria-pressed="false" tabindex="{0 if first else -1}" style="{style}">'
        f"{escape(text, 40)}</button>"
    )


INVITATION = "Choose a word or a region to highlight what it aligns with. Press Escape or choose it again to clear."


def said() -> str:
    """The line that describes what is chosen, also for screen readers."""
    return f'<p class="hg-said" role="status" aria-live="polite" data-invitation="{INVITATION}">{INVITATION}</p>'
