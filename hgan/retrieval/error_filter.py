"""Which queries of an error analysis are listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..types import LEVELS
from .results import Analysis, QueryRow

DIRECTIONS = {"text_to_image": "sentence → picture", "image_to_text": "picture → sentence"}
ANY = "any"


@dataclass(frozen=True)
class Filter:
    """Which queries are listed; ANY lets every value through."""

    direction: str = ANY  # a key of DIRECTIONS
    lost_by: str = ANY  # one of LEVELS
    tag: str = ANY
    failures: bool = True  # only queries whose truth is not first

    def keeps(self, row: QueryRow) -> bool:
        """Whether a row is listed."""
        return (
            self.direction in (ANY, row.direction)
            and self.lost_by in (ANY, row.lost_by)
            and self.tag in (ANY, row.tag)
            and (row.rank > 1 or not self.failures)
        )

    def in_link(self) -> dict[str, str | None]:
        """The parameters of a link that sets this filter; None for what it lets through anyway."""
        named = {"direction": self.direction, "lost": self.lost_by, "tag": self.tag}
        return {
            **{name: None if value == ANY else value for name, value in named.items()},
            "all": None if self.failures else "1",
        }

    @classmethod
    def from_link(cls, parameters: Mapping[str, str]) -> Filter:
        """The filter of a link; what it does not know lets everything through."""
        direction, lost = parameters.get("direction", ANY), parameters.get("lost", ANY)
        return cls(
            direction if direction in DIRECTIONS else ANY,
            lost if lost in LEVELS else ANY,
            parameters.get("tag", ANY),
            parameters.get("all") != "1",
        )


def listed(analysis: Analysis, chosen: Filter) -> list[QueryRow]:
    """The rows that the filter keeps, the worst rank first."""
    return sorted((row for row in analysis.rows if chosen.keeps(row)), key=lambda row: (-row.rank, row.margin))
