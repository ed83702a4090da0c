"""The classroom page, drawn: predict, then reveal. Everything of one case is in its HTML, the answer hidden; a little script
counts the votes and reveals, so that nothing is asked of the server and no vote leaves the browser."""

from __future__ import annotations

from collections.abc import Sequence

from ..retrieval.classroom import LETTERS, ClassCase
from .charts import bar_scale, escape, legend, number, stacked_bar, table
from .waterfall import waterfall

KINDS = {
    "count": "how many there are",
    "relation": "where things stand to each other",
    "swapped attributes": "which thing has which colour",
    "attribute": "one colour, size or state",
    "place": "the place",
    "look-alikes": "pictures that the model takes for each other",
}

# Votes are counted in the page itself. `element` is the component's own part of it; its content is replaced case by case.
VOTE_JS = """
const cards = () => [...element.querySelectorAll('.hg-card')];
const votes = (card) => Math.max(0, Math.floor(Number(card.querySelector('input').value)) || 0);
const count = () => {
  const most = Math.max(1, ...cards().map(votes));
  cards().forEach((card) => { card.querySelector('.hg-votes i').style.width = (100 * votes(card) / most) + '%'; });
  const said = element.querySelector('.hg-class');
  if (!said) return;
  const all = cards().reduce((sum, card) => sum + votes(card), 0);
  const best = cards().filter((card) => votes(card) === most && votes(card) > 0);
  const names = best.map((card) => card.dataset.letter).join(' and ');
  const right = cards().filter((card) => card.dataset.true === 'yes').reduce((sum, card) => sum + votes(card), 0);
  said.textContent = all === 0 ? 'Nobody voted.'
    : `The class: ${all} vote${all === 1 ? '' : 's'}, most of them for ${names}; ${right} of ${all} for the true picture.`;
};
element.addEventListener('click', (event) => {
  const vote = event.target.closest('.hg-vote');
  if (vote) {
    const input = vote.closest('.hg-card').querySelector('input');
    input.value = Math.min(999, votes(vote.closest('.hg-card')) + 1);
    count();
  } else if (event.target.closest('.hg-reveal')) {
    const answer = element.querySelector('.hg-answer');
    answer.hidden = !answer.hidden;
    element.querySelector('.hg-case').classList.toggle('hg-revealed', !answer.hidden);
    const button = element.querySelector('.hg-reveal');
    button.textContent = answer.hidden ? 'Reveal' : 'Hide the answer';
    button.setAttribute('aria-expanded', String(!answer.hidden));
    count();
    if (!answer.hidden) answer.scrollIntoView({behavior: 'smooth', block: 'nearest'});
  } else if (event.target.closest('.hg-clear')) {
    cards().forEach((card) => { card.querySelector('input').value = 0; });
    count();
  }
});
element.addEventListener('input', count);
"""


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
        f'<p class="hg-small">Predict: which picture does this sentence tell of?</p>'
        f'<p class="hg-question">“{escape(case.sentence)}”</p>'
        '<p class="hg-small">Raise hands. Press a picture once for each hand, or type the number. Then reveal.</p>'
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
        f"{table('The model’s order', ('', 'in the gallery', 'score', ''), rows)}"
        f'<h3>Why {first} above {second}?</h3><div class="hg-two">{waterfall("By level", case.levels, whole)}'
        f"{waterfall('By word', case.words, whole)}</div>"
        f'<p class="hg-small">These four differ in {escape(KINDS.get(case.kind, case.kind))}. “In the gallery”: the rank among '
        "all pictures there.</p>"
    )


def _told(case: ClassCase) -> str:
    """What the model did, in words."""
    order = case.order
    first = case.pictures[order[0]]
    names = " and ".join(LETTERS[n] for n, picture in enumerate(case.pictures) if picture.true)
    lead = sum(step.value for step in case.levels)
    decided = max(case.levels, key=lambda step: step.value)
    verb = "The model agrees" if first.true else f"The model is wrong: it puts {LETTERS[order[0]]} first"
    return (
        f"The sentence is true of <b>{names}</b>. {verb}, {number(lead, 4)} ahead of {LETTERS[order[1]]}, and the "
        f"{escape(decided.level or decided.label)} level speaks most for it ({number(decided.value, 4)})."
    )


def _ordinal(rank: int) -> str:
    return ("first", "second", "third", "fourth")[rank - 1]
