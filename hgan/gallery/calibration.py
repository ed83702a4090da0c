"""Whether the best match of a query is one: judged by the gallery's own scores, never by a fixed cut-off.

Two samples of best scores are measured for a gallery: of queries that do have a true match in it (its own captions; for
picture queries, its own pictures), and of queries that have none (`hgan.gallery.foreign`). A query's best score is then placed
between the two. Best scores are compared, not how far they stand above the mean of their own query: the best of n scores
always stands about as far above their mean as the best of n random numbers does, true match or not (photographs: that tells
own captions from foreign sentences in 60 of 100 pairs, the best score itself in 90).

Scores are those of the learned level weights.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import fmean, median, pstdev
from typing import Any, Literal

SAMPLE = 200  # own captions whose best scores are measured
PICTURES = 40  # own pictures: each is compared with every caption
# Odds of a true match, own queries that score at most this against foreign ones that score at least this.
GOOD, NOTHING = 2.0, 0.25
_MOST = 1e6  # what a score never comes near: neither NaN nor anything larger is one

_SENTENCES = {
    "good": "The best match scores as high as correct matches do in this gallery.",
    "weak": "A weak match: most correct matches score higher in this gallery.",
    "nothing": "Nothing in this gallery matches well: the best match scores no higher than unrelated {queries} do "
    "here.",
}


@dataclass(frozen=True)
class Verdict:
    """Whether the best match of a query stands out from its gallery as true matches do.

    `z` is (best score - mean) / standard deviation over everything the query was compared with.
    """

    level: Literal["good", "weak", "nothing"]
    z: float
    typical: float  # median z of true matches in this gallery
    sentence: str  # the same in plain words

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Calibration:
    """Best scores in one gallery, sorted.

    Attributes:
        matched: of queries with a true match; empty where the gallery has no captions.
        nothing: of foreign queries.
    """

    matched: tuple[float, ...]
    nothing: tuple[float, ...]

    @cached_property
    def background(self) -> tuple[float, float]:
        """Mean and standard deviation of `nothing`."""
        return fmean(self.nothing), pstdev(self.nothing)

    @classmethod
    def of(cls, matched: Sequence[float], nothing: Sequence[float]) -> Calibration:
        """Sorted, and rounded to what a manifest keeps."""
        return cls(*(tuple(sorted(round(score, 4) for score in scores)) for scores in (matched, nothing)))

    @classmethod
    def read(cls, data: Any) -> Calibration | None:
        """From a manifest; None where it has none or another form."""
        samples = [data.get(name) for name in ("matched", "nothing")] if isinstance(data, Mapping) else []
        known = [
            v for v in samples if isinstance(v, list) and all(type(x) in (float, int) and abs(x) <= _MOST for x in v)
        ]
        return cls.of(*known) if len(known) == 2 and known[1] else None

    def to_json(self) -> dict[str, list[float]]:
        """For the manifest."""
        return {"matched": list(self.matched), "nothing": list(self.nothing)}


def sample(count: int, most: int) -> list[int]:
    """At most `most` of `count` rows, evenly spread."""
    step = max(1.0, count / most)
    return [int(n * step) for n in range(min(count, most))]


def judge(best: float, calibration: Calibration, queries: Literal["sentences", "pictures"]) -> Verdict:
    """Places a query's best score.

    With own queries: the share of them that score at most this, over the share of foreign ones that score at least this. At
    GOOD and above the match is good, below NOTHING there is none. Without captions nothing is known about true matches:
    the match is good above every foreign query, and weak above three quarters of them.
    """
    nothing, matched = calibration.nothing, calibration.matched
    centre, spread = calibration.background
    scale = spread if spread > 0 else 1.0
    above = (len(nothing) - bisect_left(nothing, best)) / len(nothing)
    level: Literal["good", "weak", "nothing"]
    if matched:
        below = bisect_right(matched, best) / len(matched)
        usual = median(matched)
        level = "nothing" if below < NOTHING * above else "good" if below > 0 and below >= GOOD * above else "weak"
    else:
        usual = nothing[-1]
        level = "nothing" if above > 0.25 else "weak" if above > 0 else "good"
    return Verdict(level, (best - centre) / scale, (usual - centre) / scale, _SENTENCES[level].format(queries=queries))
