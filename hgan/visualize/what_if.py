"""What if: a pair's score before and after a change, and the measured change next to the explained one."""

from __future__ import annotations

from ..retrieval.results import Comparison, Step, WhatIf
from ..types import LEVELS
from .charts import bar_scale, escape, legend, number, stacked_bar, swatch, table
from .pictures import Picture, regions_drawing
from .waterfall import signed, waterfall


def what_if_page(result: WhatIf, picture: Picture, by_word: Comparison | None) -> str:
    """Before and after by level, the rank, and where the change comes from.

    Args:
        picture: the one of the pair.
        by_word: `after` against `before`, word by word; None if the words differ.
    """
    w = result
    notices = "".join(f'<p class="hg-notice">{escape(notice)}</p>' for notice in w.notices)
    levels = [Step(name, name, w.after.contributions[name] - w.before.contributions[name]) for name in LEVELS]
    falls = [waterfall("The change by level", levels, "measured change")]
    if w.explained is not None:
        rest = Step("reaction of the other parts", None, w.change + w.explained)
        parts = [Step("contribution switched off", None, -w.explained), rest]
        falls.append(waterfall("Explained and measured", parts, "measured change"))
    if by_word is not None:
        falls.append(waterfall("The change by word", by_word.words, "measured change"))
    return (
        f'<section class="hg hg-changed"><h2>{_headline(w)}</h2>{notices}'
        f'<p class="hg-pair">{_sentences(w)}, picture <b>{escape(w.before.id)}</b></p>'
        f"{_ranks(w)}{_explained(w)}{legend()}{_table(w)}"
        f'<div class="hg-two">{"".join(falls)}</div><div class="hg-two">'
        f"<figure>{regions_drawing(w.before.regions, picture)}<figcaption><b>Before.</b> The regions that contribute most, "
        f"numbered.</figcaption></figure><figure>{regions_drawing(w.after.regions, picture)}<figcaption><b>After.</b> The "
        "same, after the change.</figcaption></figure></div>"
        f'<p class="hg-small">Took {sum(w.timing_ms.values()):.0f} ms.</p></section>'
    )


def _headline(w: WhatIf) -> str:
    if number(w.change, 4) == number(0.0, 4):
        return f"The score stays at {number(w.after.score, 4)}"
    verb = "rises" if w.change > 0 else "falls"
    return f"The score {verb} by {number(abs(w.change), 4)}: {number(w.before.score, 4)} → {number(w.after.score, 4)}"


def _sentences(w: WhatIf) -> str:
    if w.before.caption == w.after.caption:
        return f"<q>{escape(w.before.caption)}</q>"
    return f"<q>{escape(w.before.caption)}</q> → <q>{escape(w.after.caption)}</q>"


def _ranks(w: WhatIf) -> str:
    if w.rank_before is None or w.rank_after is None:
        return ""
    if w.rank_before == w.rank_after:
        return f"<p>Its rank in the gallery stays at <b>{w.rank_after}</b>.</p>"
    return f"<p>Its rank in the gallery: <b>{w.rank_before} → {w.rank_after}</b>.</p>"


def _explained(w: WhatIf) -> str:
    """Why a term is not the same as what happens without it."""
    if w.explained is None:
        return ""
    return (
        f"<p>What was switched off contributed {signed(w.explained)}; without it the score changed by {signed(w.change)}. "
        "The two differ because the other parts react: nodes attend to each other in the graph, and attention weights "
        "always add up to 1.</p>"
    )


def _table(w: WhatIf) -> str:
    before, after = w.before, w.after
    rows = [
        (f"{swatch(level)}{level}", number(before.contributions[level], 4), number(after.contributions[level], 4),
         signed(after.contributions[level] - before.contributions[level]))
        for level in LEVELS
    ]  # fmt: skip
    foot = ("score", number(before.score, 4), number(after.score, 4), f"<b>{signed(w.change)}</b>")
    scale = bar_scale([before.contributions, after.contributions])
    bars = "".join(
        f'<div class="hg-before-after"><span>{name}</span>{stacked_bar(e.contributions, scale)}'
        f"<span>{number(e.score)}</span></div>"
        for name, e in (("before", before), ("after", after))
    )
    return f"{bars}{table('Before and after', ('level', 'before', 'after', 'change'), rows, foot)}"
