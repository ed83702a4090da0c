"""Ranked matches as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..retrieval.results import Hit, SearchResult, Verdict
from ..types import LEVELS
from .charts import bar_scale, escape, legend, number, stacked_bar, swatch
from .notes import cost, notices
from .pictures import Picture

_SIGNS = {"good": "✓", "weak": "?", "nothing": "✕"}  # a colour is never alone


def moves(before: Sequence[Hit], after: Sequence[Hit]) -> dict[str, int | None]:
    """How many places each match has gained (below 0: lost) against another ranking; None where it was not in that one."""
    old = {hit.id: hit.rank for hit in before}
    return {hit.id: old[hit.id] - hit.rank if hit.id in old else None for hit in after}


def match_list(
    result: SearchResult,
    pictures: Sequence[Picture],
    chosen: str | None = None,
    weights: Mapping[str, float] | None = None,
    moved: Mapping[str, int | None] | None = None,
) -> str:
    """Ranked matches as HTML: one button a match, whose data-id names it.

    Args:
        pictures: one a hit, in the order of the hits.
        chosen: id of the match that is marked.
        weights: of the levels, where they are not the learned ones.
        moved: id -> places gained against the learned weights, from `moves`.
    """
    scale = bar_scale(hit.contributions for hit in result.hits)
    background = result.background
    kind = "pictures" if "text" in result.query else "captions"
    asked = result.query.get("text") or result.query.get("image")
    rows = "".join(
        f"<li>{_match(hit, picture, scale, background, hit.id == chosen, _move(hit.id, moved))}</li>"
        for hit, picture in zip(result.hits, pictures, strict=True)
    )
    return (
        f'<section class="hg"><h2>Matches for “{escape(asked, 120)}”</h2>{notices(result.notices)}{_verdict(result.verdict)}'
        f'<p class="hg-small">Top {len(result.hits)} of {background["count"]:,.0f} {kind}, gallery '
        f"{escape(result.gallery)}. Took {cost(result.timing_ms)}.{_weighted(weights)}</p>{legend()}"
        f'<ol class="hg-matches">{rows}</ol><p class="hg-small">global + local + cross = score. “s.d. above the mean”: '
        f"how many standard deviations ({number(background['std'])}) the score is above the mean score of all {kind} "
        f"({number(background['mean'])}).</p></section>"
    )


def _verdict(verdict: Verdict) -> str:
    return (
        f'<p class="hg-verdict hg-{verdict.level}"><b aria-hidden="true">{_SIGNS[verdict.level]}</b> '
        f"{escape(verdict.sentence, 500)}</p>"
    )


def _weighted(weights: Mapping[str, float] | None) -> str:
    if weights is None:
        return ""
    whole = sum(weights.values())
    shown = ", ".join(f"{level} {number(weights[level] / whole, 2)}" for level in LEVELS)
    return f" <b>Your level weights: {shown}.</b> Arrows: places gained or lost compared with the learned weights."


def _match(
    hit: Hit, picture: Picture, scale: tuple[float, float], background: dict[str, float], chosen: bool, move: str
) -> str:
    parts = "".join(
        f"<span>{swatch(level)}{level} {number(hit.contributions[level])}</span>" for level in hit.contributions
    )
    caption = f'<q class="hg-caption">{escape(hit.caption)}</q>' if hit.caption is not None else ""
    return (
        f'<button type="button" class="hg-match" data-id="{escape(hit.id)}" aria-pressed="{str(chosen).lower()}">'
        f'<span class="hg-rank">{hit.rank}{move}</span><img src="{picture.uri}" alt="Picture {escape(hit.id)}">'
        f'<span class="hg-facts">{caption}<span class="hg-line"><b>score {number(hit.score)}</b>'
        f"<span>{_above_mean(hit.score, background)}</span></span>{stacked_bar(hit.contributions, scale)}"
        f'<span class="hg-parts">{parts}</span><span class="hg-id">{escape(hit.id)}</span></span></button>'
    )


def _move(id: str, moved: Mapping[str, int | None] | None) -> str:
    places = 0 if moved is None else moved[id]
    if places == 0:
        return ""
    if places is None:
        return '<small class="hg-move" title="not among the top matches with the learned weights">new</small>'
    arrow, way = ("▲", "up") if places > 0 else ("▼", "down")
    return f'<small class="hg-move" aria-label="{way} {abs(places)}" title="{way} {abs(places)}">{arrow}{abs(places)}</small>'


def _above_mean(score: float, background: dict[str, float]) -> str:
    if background["std"] <= 0:
        return "all scores are equal"
    away = (score - background["mean"]) / background["std"]
    return f"{number(abs(away), 1)} s.d. {'above' if away >= 0 else 'below'} the mean"
