"""A sum drawn as a waterfall: every step starts where the last one ended, and the last bar is the whole.

Inline SVG, WIDTH units wide, label and number above each bar, so that it can be read at the width of a phone. A step that
counts against is hatched, points left and has a minus sign: colour alone carries no sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..retrieval.results import Step
from .charts import LEVEL_COLOURS, escape, number

WIDTH, ROW, BAR = 360.0, 42.0, 14.0  # drawing units; ROW: label line and bar
MOST = 9  # steps drawn one by one; the others are one step
NO_LEVEL = "#7A7F87"


def signed(value: float, digits: int = 4) -> str:
    """A number that always has its sign: "+0.012", "−0.003"; 0 has none."""
    shown = number(value, digits)
    return shown if shown.startswith("−") or float(shown) == 0 else f"+{shown}"


def gathered(steps: Sequence[Step], most: int = MOST) -> list[Step]:
    """The `most` steps that change most, in their order, and one last step for all the others; the sum stays."""
    if len(steps) <= most + 1:
        return list(steps)
    kept = sorted(range(len(steps)), key=lambda n: -abs(steps[n].value))[:most]
    others = [step for n, step in enumerate(steps) if n not in kept]
    rest = Step(f"the other {len(others)}", None, math.fsum(step.value for step in others))
    return [*(steps[n] for n in sorted(kept)), rest]


def waterfall(title: str, steps: Sequence[Step], whole: str) -> str:
    """Steps from zero to their sum, as an SVG figure with the same numbers as text.

    Args:
        title: caption of the figure.
        steps: what adds up; drawn through `gathered`.
        whole: label of the last bar, the sum.
    """
    shown = gathered(steps)
    total = math.fsum(step.value for step in shown)
    ends = [0.0]
    for step in shown:
        ends.append(ends[-1] + step.value)
    low, high = min(ends), max(ends)
    spread = (high - low) or 1.0

    def x(value: float) -> float:
        return 8 + (WIDTH - 16) * (value - low) / spread

    rows = [
        _row(n, step.label, step.level, step.value, x(ends[n]), x(ends[n + 1])) for n, step in enumerate(shown)
    ]  # fmt: skip
    joins = [_vertical("hg-wf-join", x(end), ROW * n + 22 + BAR, ROW * (n + 1) + 22) for n, end in enumerate(ends[1:])]
    rows.append(_row(len(shown), whole, "sum", total, x(0.0), x(total)))
    height = ROW * (len(shown) + 1) + 4
    zero = _vertical("hg-wf-zero", x(0.0), 20, height - 2)
    spoken = "; ".join(f"{step.label} {signed(step.value)}" for step in shown)
    text = escape(f"{title}: {spoken}; {whole} {signed(total)}", 2000)
    return (
        f'<figure class="hg-waterfall"><figcaption><b>{escape(title)}</b></figcaption>'
        f'<svg class="hg-drawing" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="{text}">{_hatch()}{zero}{"".join(joins + rows)}</svg></figure>'
    )


def _vertical(name: str, x: float, top: float, bottom: float) -> str:
    return f'<line class="{name}" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'


def _hatch() -> str:
    return (
        '<defs><pattern id="hg-wf-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="hg-wf-stripe" width="2.4" height="6"/></pattern></defs>'
    )


def _row(n: int, label: str, level: str | None, value: float, start: float, end: float) -> str:
    """Label, number and bar; the bar is an arrow from where the last step ended."""
    top = ROW * n
    y, middle = top + 22, top + 22 + BAR / 2
    tip = math.copysign(min(5.0, abs(end - start)), end - start)
    shape = (
        f"M{start:.2f} {y:.1f} L{end - tip:.2f} {y:.1f} L{end:.2f} {middle:.1f} L{end - tip:.2f} {y + BAR:.1f} "
        f"L{start:.2f} {y + BAR:.1f} Z"
    )
    paint = 'class="hg-wf-sum"' if level == "sum" else f'fill="{LEVEL_COLOURS.get(level or "", NO_LEVEL)}"'
    against = f'<path d="{shape}" fill="url(#hg-wf-hatch)"/>' if value < 0 else ""
    weight = ' font-weight="700"' if level == "sum" else ""
    return (
        f'<g{weight}><text class="hg-ink" x="8" y="{top + 16:.1f}" font-size="14">{escape(label, 34)}</text>'
        f'<text class="hg-ink" x="{WIDTH - 8:.0f}" y="{top + 16:.1f}" font-size="14" text-anchor="end">{signed(value)}</text>'
        f'<path d="{shape}" {paint}/>{against}</g>'
    )
