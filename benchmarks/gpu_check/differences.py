"""Two answers to the same question, from two devices: how far their numbers are apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Different at every call, or said of the way and not of the answer.
LEFT_OUT = frozenset({"timing_ms", "encode_ms", "notices"})
SHOWN = 5


@dataclass
class Differences:
    """What a comparison found; comparisons of one kind add up in one record."""

    numbers: int = 0  # compared
    largest: float = 0.0  # absolute difference of two numbers
    where: str = ""  # the largest one
    others: list[str] = field(default_factory=list)  # texts, whole numbers, lengths and names that are not the same

    def add(self, expected: Any, got: Any, where: str = "") -> Differences:
        """Compares plain data, as `dataclasses.asdict` and `Tensor.tolist` give it."""
        if isinstance(expected, Mapping) and isinstance(got, Mapping):
            self._require(expected.keys() == got.keys(), f"{where}: {sorted(expected)} and {sorted(got)}")
            for name in expected.keys() & got.keys() - LEFT_OUT:
                self.add(expected[name], got[name], f"{where}.{name}")
        elif _is_list(expected) and _is_list(got):
            self._require(len(expected) == len(got), f"{where}: {len(expected)} and {len(got)} of them")
            if len(expected) == len(got):
                for n, (one, other) in enumerate(zip(expected, got, strict=True)):
                    self.add(one, other, f"{where}[{n}]")
        elif isinstance(expected, float) and isinstance(got, float):
            self._number(abs(expected - got) if expected != got else 0.0, where)
        else:
            self._require(expected == got, f"{where}: {expected!r} and {got!r}")
        return self

    def within(self, tolerance: float) -> bool:
        """Whether something was compared, every number is near and everything else is the same."""
        return self.numbers > 0 and self.largest <= tolerance and not self.others

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        largest = self.largest if math.isfinite(self.largest) else "not a finite number"  # JSON has none
        return {
            "numbers": self.numbers, "largest_difference": largest, "at": self.where, "not_the_same": len(self.others),
            "such_as": self.others[:SHOWN],
        }  # fmt: skip

    def _number(self, difference: float, where: str) -> None:
        self.numbers += 1
        if math.isnan(difference):
            difference = math.inf
        if difference > self.largest:
            self.largest, self.where = difference, where

    def _require(self, same: bool, what: str) -> None:
        if not same:
            self.others.append(what)


def order_kept(expected: Mapping[str, float], got: Sequence[str], tolerance: float) -> bool:
    """Whether a ranking keeps the order of the expected scores, but for those closer to each other than `tolerance`.

    Args:
        expected: score by id, of everything that was ranked.
        got: the ids that the other device ranked first, best first.
    """
    best = sorted(expected.values(), reverse=True)
    return all(abs(expected[id_] - best[rank]) <= tolerance for rank, id_ in enumerate(got))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
