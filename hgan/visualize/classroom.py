"""The classroom page, drawn: predict, then reveal. The HTML of a case holds all of it, the answer hidden; a small script
counts the votes and reveals the answer, so no vote leaves the browser."""

from __future__ import annotations

from collections.abc import Sequence

from ..io.static import read_static
from ..retrieval.classroom import LETTERS, ClassCase
from .charts import bar_scale, escape, legend, number, stacked_bar, table
from .waterfall import waterfall

VOTE_SCRIPT = read_static("hgan.visualize", "vote.js")
KINDS = {
    "count": "how many there are",
    "relation": "where the things are",
    "swapped attributes": "which thing has which colour",
    "attribute": "one colour, size or state",
    "place": "the place",
    "look-alikes": "pictures that the model confuses",
}


def case_title(number: int, case: ClassCase) -> str:
    """How a case is listed: its number from 1, what sets its pictures apart, and the sentence; plain text."""
    sentence = case.sentence if len(case.sentence) <= 60 else f"{case.sentence[:59]}…"
    return f"{number}. {case.kind}: {sentence}"


def case_page(case: ClassCase, address: str, warnings: Sequence[str] = ()) -> str:
    """One case: the sentence, the four pictures with their votes, and the hidden answer.

    Args:
        address: link that opens this case.
        warnings: shown above it, such as that another model made the case.
    """
    notices = "".join(f'<p class="hg-notice">{escape(text)}</p>' for text in warnings)
    cards = "".join(_card(case, n) for n in range(len(case.pictures)))
    return (
        f'<section class="hg hg-case" data-id="{escape(case.id)}">{notices}'
        f'<p class="hg-small">Which picture does this sentence describe?</p>'
        f'<p class="hg-question">“{escape(case.sentence)}”</p>'
        '<p class="hg-small">Vote by raising hands. Click a picture once per hand, or type the number, then press Reveal.</p>'
        f'<div class="hg-cards">{cards}</div><p class="hg-actions">'
        '<button type="button" class="hg-button hg-reveal" aria-expanded="false">Reveal</button>'
        '<button type="button" class="hg-button hg-clear">Clear votes</button>'
        f'<a href="{escape(address, 500)}">Link to this case</a></p>'
        f'<div class="hg-answer" hidden>{_answer(case)}</div></section>'
    )


def _card(case: ClassCase, n: int) -> str:
    picture, letter = case.pictures[n], LETTERS[n]
    verdict = f"model: {_ordinal(picture.rank)}{' · true' if picture.true else ''}"
    return (
        f'<figure class="hg-card" data-letter="{letter}" data-true="{"yes" if picture.true else "no"}">'
        f'<button type="button" class="hg-vote" aria-label="One more vote for picture {letter}">'
        f'<img src="{escape(picture.uri, 10**7)}" alt="Picture {letter}"></button><figcaption><b>{letter}</b>'
        f'<label>votes <input type="number" min="0" max="999" step="1" value="0" inputmode="numeric"></label>'
        f'<span class="hg-outcome">{verdict}</span></figcaption><span class="hg-votes" aria-hidden="true"><i></i></span></figure>'
    )


def _answer(case: ClassCase) -> str:
    order = case.order
    scale = bar_scale(picture.contributions for picture in case.pictures)
    rows = []
    for n in order:
        picture = case.pictures[n]
        rows.append(
            (
                f"<b>{picture.rank}.</b> {LETTERS[n]}{' ✓ true' if picture.true else ''}",
                str(picture.gallery_rank),
                number(picture.score),
                stacked_bar(picture.contributions, scale),
            )
        )
    first, second = LETTERS[order[0]], LETTERS[order[1]]
    whole = f"{first} above {second}"
    return (
        f'<p class="hg-class" role="status"></p><p>{_told(case)}</p>{legend()}'
        f"{table('The model’s ranking', ('', 'in the gallery', 'score', ''), rows)}"
        f'<h3>Why {first} above {second}?</h3><div class="hg-two">{waterfall("By level", case.levels, whole)}'
        f"{waterfall('By word', case.words, whole)}</div>"
        f'<p class="hg-small">These four differ in {escape(KINDS.get(case.kind, case.kind))}. “In the gallery”: the rank among '
        "all its pictures.</p>"
    )


def _told(case: ClassCase) -> str:
    """The model's ranking in words."""
    order = case.order
    first = case.pictures[order[0]]
    names = " and ".join(LETTERS[n] for n, picture in enumerate(case.pictures) if picture.true)
    lead = sum(step.value for step in case.levels)
    decided = max(case.levels, key=lambda step: step.value)
    verb = "The model agrees" if first.true else f"The model is wrong: it puts {LETTERS[order[0]]} first"
    return (
        f"The sentence describes <b>{names}</b>. {verb}, {number(lead, 4)} ahead of {LETTERS[order[1]]}, and the "
        f"{escape(decided.level or decided.label)} level contributes most to that ({number(decided.value, 4)})."
    )


def _ordinal(rank: int) -> str:
    return ("first", "second", "third", "fourth")[rank - 1]
