"""Drawing only, no model: results in, pictures out. Text from users and galleries is escaped in everything made here.

Ranked matches, and what all pages share; each other page's drawing is in a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from .case import Source
from .charts import LEVEL_COLOURS, bar_scale, escape, legend, number, stacked_bar, swatch
from .drawings import Picture
from .files import atomic
from .linked import SCRIPT
from .style import CSS
from .types import LEVELS, Hit, SearchResult, Verdict

_SIGNS = {"good": "✓", "weak": "?", "nothing": "✕"}  # a colour is never alone


def hint(text: str) -> str:
    """What an empty part of the page says: what to do next."""
    return f'<p class="hg-hint">{escape(text)}</p>'


def notices(texts: list[str]) -> str:
    """What the visitor should know about an answer, one paragraph each."""
    return "".join(f'<p class="hg-notice">{escape(notice)}</p>' for notice in texts)


def cost(timing_ms: dict[str, float]) -> str:
    """What each step took."""
    return ", ".join(f"{name} {value:.0f} ms" for name, value in timing_ms.items())


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
        f'<p class="hg-small">{len(result.hits)} of {background["count"]:.0f} {kind} compared, gallery '
        f"{escape(result.gallery)}. Took {cost(result.timing_ms)}.{_weighted(weights)}</p>{legend()}"
        f'<ol class="hg-matches">{rows}</ol><p class="hg-small">global + local + cross = score. “Above the mean”: how '
        f"far the score stands above the mean score of everything compared, {number(background['mean'])}, in standard "
        f"deviations of {number(background['std'])}.</p></section>"
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
    return f" <b>Your level weights: {shown}.</b> Arrows: places gained or lost against the learned weights."


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
        return '<small class="hg-move" title="not among the first with the learned weights">new</small>'
    arrow, way = ("▲", "up") if places > 0 else ("▼", "down")
    return f'<small class="hg-move" aria-label="{way} {abs(places)}" title="{way} {abs(places)}">{arrow}{abs(places)}</small>'


def _above_mean(score: float, background: dict[str, float]) -> str:
    if background["std"] <= 0:
        return "all scores are equal"
    away = (score - background["mean"]) / background["std"]
    return f"{number(abs(away), 1)} s.d. {'above' if away >= 0 else 'below'} the mean"


def provenance(state: Mapping[str, str], model: Source, gallery: Source) -> str:
    """Where a saved page came from, for its foot."""
    parameters = ", ".join(f"{name} {escape(value, 120)}" for name, value in state.items())
    sources = ", ".join(
        f"{what} {escape(source.name)} <code>{source.sha256[:12]}</code>"
        for what, source in (("model", model), ("gallery", gallery))
    )
    return f'<section class="hg"><p class="hg-small">Saved from {sources}; {parameters}.</p></section>'


def document(title: str, body: str) -> str:
    """A drawn page as one HTML file that works on its own: style and script inside, and no request to anywhere.

    Args:
        body: HTML made by this package, with its pictures inside.
    """
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>body {{ font-family: system-ui, sans-serif; max-width: 1200px; margin: 1rem auto; padding: 0 1rem; }}{CSS}"
        f"</style></head><body>{body}<script>(() => {{ const element = document.body;{SCRIPT}}})();</script></body></html>"
    )


def training_curve(metrics: list[dict[str, Any]], path: Path) -> None:
    """Loss and dev rsum (of the score and of each level) by epoch, as a PNG."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = [line["epoch"] for line in metrics]
    left.plot(epochs, [line["matching"] for line in metrics], color="black", label="matching")
    left.plot(epochs, [line["detection"] for line in metrics], color="grey", linestyle="--", label="detection")
    left.set(xlabel="epoch", title="training loss")
    left.legend()
    right.plot(epochs, [line["rsum"] for line in metrics], color="black", label="score")
    for level, colour in LEVEL_COLOURS.items():
        right.plot(epochs, [line[f"rsum_{level}"] for line in metrics], color=colour, label=level)
    right.set(xlabel="epoch", title="dev rsum")
    right.legend()
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=120)
