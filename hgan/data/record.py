"""What is known of one picture of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Box:
    """A region known about a picture. `box` is normalised XYXY in [0, 1]; `score` is the teacher's confidence, 1 for
    exact truth."""

    box: tuple[float, float, float, float]
    label: str
    score: float = 1.0


@dataclass(frozen=True)
class CaptionFact:
    """What is known about a caption beyond its words: what kind of caption it is, and the ids of all records of its
    split that it is true of, its own among them."""

    tag: str
    true_of: frozenset[str]
    relation: str | None = None  # where it tells exactly one relation: which
    kept: tuple[str, ...] = ()  # what of it training never sees: its "wording", its "pair" of things


@dataclass(frozen=True)
class Record:
    """One picture of a dataset folder."""

    id: str  # the file's name without its suffix; with more of its path or a number where others have the same
    image: str  # path relative to the folder, in a form that can be written down
    path: Path
    split: str | None
    captions: tuple[str, ...]
    regions: tuple[Box, ...] | None  # None: nothing known; empty: known to hold none
    facts: tuple[CaptionFact, ...] | None = None  # one a caption, in their order; None: nothing known
    group: str | None = None  # records of one group look alike, and are told apart by one thing
    where: str = field(default="", compare=False)  # such as "captions.jsonl line 2"; empty where no line names it

    numbers: tuple[int, ...] = field(default=(), compare=False)  # of the captions in the file, where some were left out

    def number(self, caption: int) -> int:
        """The number in the file of a caption of this record: what truth about captions counts by."""
        return self.numbers[caption] if self.numbers else caption

    @property
    def place(self) -> str:
        """What to call it where it is left out."""
        return self.where or self.image
