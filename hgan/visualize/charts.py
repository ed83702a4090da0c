"""HTML for numbers: stacked bars, tables, the alignment matrix. All text from users and galleries is escaped here.

A bar never relies on colour alone: the numbers are next to it, and negative parts are hatched.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

from ..types import LEVELS

# Okabe-Ito: one colour a level, on every page and plot.
LEVEL_COLOURS = {"global": "#0072B2", "local": "#E69F00", "cross": "#009E73"}
LEVEL_MEANINGS = {
    "global": "whole picture and whole sentence",
    "local": "regions and words",
    "cross": "words and the whole picture, regions and the whole sentence",
}
SCROLLS = '<div class="hg-scroll" tabindex="0" role="group" aria-label="Scrolls sideways if it is too wide">'
MAX_SHOWN = 300  # characters of a text from a user or a gallery
# gradio's templates would interpret these characters.
_TEMPLATE = {ord(c): f"&#{ord(c)};" for c in "${}`\\"}


def escape(text: object, limit: int = MAX_SHOWN) -> str:
    """Text for HTML, an attribute or SVG, cut to `limit` characters; no template syntax survives."""
    shown = str(text)
    if len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    return html.escape(shown).translate(_TEMPLATE)


def number(value: float, digits: int = 3) -> str:
    """A number with a real minus sign; no minus before zero."""
    shown = f"{value:.{digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", "−")


def sum_text(parts: Sequence[float], total: float, digits: int = 3) -> str:
    """Numbers as a sum, such as "0.120 + 0.210 − 0.020 = 0.310"; "≈" where the rounded numbers do not add up."""
    rounded = [round(part * 10**digits) for part in parts]
    shown = number(parts[0], digits)
    for part, steps in zip(parts[1:], rounded[1:], strict=True):
        shown += f" {'−' if steps < 0 else '+'} {number(abs(part), digits)}"
    return f"{shown} {'=' if sum(rounded) == round(total * 10**digits) else '≈'} {number(total, digits)}"


def bar_scale(rows: Iterable[Mapping[str, float]]) -> tuple[float, float]:
    """The common scale of stacked bars: least sum of negative parts and greatest sum of positive ones; 0 is inside."""
    low, high = 0.0, 0.0
    for parts in rows:
        low = min(low, sum(v for v in parts.values() if v < 0))
        high = max(high, sum(v for v in parts.values() if v > 0))
    return (low, high) if high > low else (0.0, 1.0)


def stacked_bar(parts: Mapping[str, float], scale: tuple[float, float]) -> str:
    """One stacked bar: positive parts to the right of zero, negative ones, hatched, to its left.

    Args:
        parts: level -> contribution to the score; the bar ends where their sum is marked.
        scale: of the whole axis, from `bar_scale`.
    """
    low, high = scale

    def percent(value: float) -> str:
        return f"{100 * value / (high - low):.3f}%"

    pieces, right, left = [], -low, -low
    for level, value in parts.items():
        start = right if value >= 0 else left + value
        right, left = (right + value, left) if value >= 0 else (right, left + value)
        sign = "" if value >= 0 else " hg-minus"
        pieces.append(
            f'<i class="hg-part{sign}" style="left:{percent(start)};width:{percent(abs(value))};'
            f'background-color:{LEVEL_COLOURS[level]}"></i>'
        )
    total = sum(parts.values())
    marks = f'<i class="hg-zero" style="left:{percent(-low)}"></i>'
    if left < -low:  # without negative parts the bar's own end is the sum
        marks += f'<i class="hg-sum" style="left:{percent(total - low)}"></i>'
    words = ", ".join(f"{level} {number(value)}" for level, value in parts.items())
    return f'<span class="hg-bar" role="img" aria-label="{words}, sum {number(total)}">{"".join(pieces)}{marks}</span>'


def legend(levels: Sequence[str] = LEVELS) -> str:
    """What the colours of the levels mean."""
    keys = "".join(f"<span>{swatch(level)}<b>{level}</b> {LEVEL_MEANINGS[level]}</span>" for level in levels)
    return f'<p class="hg-legend">{keys}<span><i class="hg-swatch hg-minus"></i>hatched: lowers the score</span></p>'


def swatch(level: str) -> str:
    """A small square in the colour of a level."""
    return f'<i class="hg-swatch" style="background-color:{LEVEL_COLOURS[level]}"></i>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str] = ()) -> str:
    """A table whose first column names the row. Cells are HTML already: escape what goes in."""
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>' for row in rows
    )
    titles = "".join(f'<th scope="col">{title}</th>' if title else "<td></td>" for title in head)
    tail = ""
    if foot:
        sums = "".join(f"<td>{cell}</td>" for cell in foot[1:])
        tail = f'<tfoot><tr><th scope="row">{foot[0]}</th>{sums}</tr></tfoot>'
    return (
        f'{SCROLLS}<table class="hg-table"><caption>{caption}</caption><thead><tr>'
        f"{titles}</tr></thead><tbody>{body}</tbody>{tail}</table></div>"
    )
