"""Linked highlighting of one explanation: choose a word and its regions light up everywhere, choose a region and its words do.

Whatever stands for a word or a region carries its key as data-key ("w3", "r7"; a matrix cell both), whatever joins two carries
both as data-edge. The chips made here are the buttons to choose by, with the keyboard too; each names the keys it meets as
data-meets and what is to be said about it as data-say. `SCRIPT` does the rest in the browser, without a round trip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..retrieval.results import Explanation, NodeTerms
from .charts import escape, number
from .pictures import numbered, region_key, strongest, word_key

SHARE = 0.5  # what a node meets: everything that brings at least this share of its strongest pair
MOST_MET = 4


def met(terms: Sequence[float]) -> list[int]:
    """The places of the largest terms, largest first: at least SHARE of the largest, positive, at most MOST_MET."""
    order = sorted(range(len(terms)), key=lambda n: -terms[n])
    return [n for n in order[:MOST_MET] if terms[n] > 0 and terms[n] >= SHARE * terms[order[0]]]


def sentence_chips(explanation: Explanation) -> str:
    """The sentence with its words as buttons; the thicker the line under a word, the more it brought."""
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
    """Text of a table that stands for a word or a region; a choice of its row chooses it."""
    return f'<span data-key="{key}">{escape(text, 40)}</span>'


def _names(regions: list[NodeTerms]) -> Mapping[int, str]:
    return {index: f"{place} {regions[index].label}" for index, place in numbered(regions).items()}


def _chip(
    key: str, text: str, node: NodeTerms, meets: list[tuple[str, str, float]], first: bool, style: str = ""
) -> str:
    """A button; of each bar only one is a stop of the Tab key, the arrow keys go on from there."""
    say = f"“{text}” brings {number(node.total, 4)}: local {number(node.local, 4)}, cross {number(node.cross, 4)}."
    if meets:
        say += " Meets most: " + ", ".join(f"{name} ({number(term, 4)})" for _, name, term in meets) + "."
    else:
        say += " It meets nothing that counts for the score."
    return (
        f'<button type="button" class="hg-chip" data-key="{key}" data-meets="{" ".join(other for other, _, _ in meets)}" '
        f'data-say="{escape(say, 1000)}" aria-pressed="false" tabindex="{0 if first else -1}" style="{style}">'
        f"{escape(text, 40)}</button>"
    )


INVITATION = "Choose a word or a region: what it meets lights up everywhere. Escape, or a second choice, clears it."


def said() -> str:
    """Where what is chosen is put into words, also for screen readers."""
    return f'<p class="hg-said" role="status" aria-live="polite" data-invitation="{INVITATION}">{INVITATION}</p>'


# `element` is the part of the page that holds an explanation, and may be given another at any time.
SCRIPT = """
let pinned = [], seen = null;
const current = () => {
  const root = element.querySelector('.hg-linked');
  if (root !== seen) [seen, pinned] = [root, []];
  return root;
};
const keysOf = (target) => {
  const own = target.closest('[data-key]') || target.closest('tr')?.querySelector('th[scope=row] [data-key]');
  return own && current()?.contains(own) ? own.dataset.key.split(' ') : [];
};
const show = (keys) => {
  const root = current();
  if (!root) return;
  const chips = keys.map((key) => root.querySelector(`.hg-chip[data-key="${key}"]`)).filter(Boolean);
  const met = new Set(keys.length === 1 ? chips.flatMap((chip) => chip.dataset.meets.split(' ')) : []);
  const chosen = (key) => keys.includes(key);
  const lit = (key) => chosen(key) || met.has(key);
  root.classList.toggle('hg-choosing', keys.length > 0);
  root.querySelectorAll('[data-key]').forEach((part) => {
    const own = part.dataset.key.split(' ');
    part.classList.toggle('hg-on', own.every(chosen));
    part.classList.toggle('hg-met', own.every(lit) && !own.every(chosen));
    if (part.matches('.hg-chip')) part.setAttribute('aria-pressed', String(pinned.includes(part.dataset.key)));
  });
  root.querySelectorAll('[data-edge]').forEach((part) => {
    const ends = part.dataset.edge.split(' ');
    part.classList.toggle('hg-on', ends.some(chosen) || ends.every(lit));
    part.classList.toggle('hg-met', ends.some((key) => met.has(key)));
  });
  const said = root.querySelector('.hg-said');
  const cell = keys.length > 1 && root.querySelector(`[data-key="${keys.join(' ')}"]`);
  const words = cell ? cell.title : chips.length ? chips[0].dataset.say : said.dataset.invitation;
  if (said.textContent !== words) said.textContent = words;
};
element.addEventListener('click', (event) => {
  const keys = keysOf(event.target);
  if (!keys.length) return;
  pinned = keys.join() === pinned.join() ? [] : keys;
  show(pinned);
});
element.addEventListener('pointerover', (event) => {
  if (event.pointerType === 'touch') return;
  const keys = keysOf(event.target);
  show(keys.length ? keys : pinned);
});
element.addEventListener('pointerleave', () => show(pinned));
element.addEventListener('focusin', (event) => {
  if (!event.target.matches('.hg-linked .hg-chip:focus-visible')) return;
  const stop = (chip) => { chip.tabIndex = chip === event.target ? 0 : -1; };
  event.target.closest('[role=toolbar]').querySelectorAll('.hg-chip').forEach(stop);
  show(keysOf(event.target));
});
element.addEventListener('focusout', () => show(pinned));
element.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') { pinned = []; show([]); }
  const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  const bar = event.target.closest('.hg-linked [role=toolbar]');
  if (!step || !bar) return;
  const chips = [...bar.querySelectorAll('.hg-chip')];
  chips[(chips.indexOf(event.target) + step + chips.length) % chips.length].focus();
  event.preventDefault();
});
"""
