"""Cases for the classroom page: a sentence, four pictures, with how the model scored them. One JSON file, made beforehand by
`scripts/classroom.py`, so that a class waits for no queue."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..io.files import atomic
from ..io.jsonl import parse_object
from ..types import LEVELS
from .results import Step

FORMAT = 1
MAX_BYTES = 100_000_000
PICTURES = 4  # in each case
LETTERS = "ABCD"


@dataclass(frozen=True)
class CasePicture:
    """One of the four pictures."""

    id: str
    uri: str  # the picture itself, as a data: address
    true: bool  # whether the sentence is true of it
    rank: int  # among the four, by the model's score, from 1
    gallery_rank: int  # among everything in the gallery
    score: float
    contributions: dict[str, float]  # level -> its part; they add up to the score


@dataclass(frozen=True)
class ClassCase:
    """One case. Pictures stand in the order in which they are shown, as A, B, C, D."""

    id: str
    kind: str  # what sets the four apart: "count", "relation", ..., or "look-alikes"
    sentence: str
    pictures: list[CasePicture]
    levels: list[Step]  # the model's first picture less its second, by level
    words: list[Step]  # the same difference, by word and what else there is

    @property
    def order(self) -> list[int]:
        """Places of the pictures in the model's order, the best first."""
        return sorted(range(len(self.pictures)), key=lambda n: self.pictures[n].rank)


@dataclass(frozen=True)
class CaseFile:
    """All cases, and the model and the gallery that they were made with: {"name", "sha256"} each."""

    model: dict[str, str]
    gallery: dict[str, str]
    cases: list[ClassCase]

    def case(self, id: str | None) -> ClassCase:
        """The case of that id; the first one where there is none, so that an old link still opens the page."""
        return next((case for case in self.cases if case.id == id), self.cases[0])

    def warnings(self, model: str, gallery: str) -> list[str]:
        """What differs from what runs now.

        Args:
            model, gallery: SHA-256 of the model and of the gallery's manifest that the app runs with.
        """
        made = (("model", self.model, model), ("gallery", self.gallery, gallery))
        return [
            f"These cases were made with {kind} {known['name']} ({known['sha256'][:12]}); this app runs with another one "
            f"({now[:12]}), which may rank the pictures otherwise."
            for kind, known, now in made
            if known["sha256"] != now
        ]


def write_cases(cases: CaseFile, path: Path) -> None:
    """Writes the file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        temporary.write_text(
            json.dumps({"format": FORMAT, **asdict(cases)}, ensure_ascii=False, indent=1) + "\n", "utf-8"
        )


def read_cases(path: Path) -> CaseFile:
    """Reads the file.

    Raises:
        ValueError: no such file, another format, or a damaged case.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        data = parse_object(path.read_bytes())
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}")
        cases = [_case(case) for case in data["cases"]]
        if not cases:
            raise ValueError("no cases")
        model, gallery = (
            {"name": str(d["name"]), "sha256": str(d["sha256"])} for d in (data["model"], data["gallery"])
        )
        return CaseFile(model, gallery, cases)
    except OSError:
        raise ValueError(
            f"got no {path.name}, but expected the cases: make them with `python -m scripts.classroom`"
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path.name}: got damaged cases ({error}), but expected format {FORMAT} as `python -m scripts.classroom` writes it"
        ) from None


def _case(data: dict[str, Any]) -> ClassCase:
    pictures = [CasePicture(**picture) for picture in data["pictures"]]
    if len(pictures) != PICTURES or any(set(picture.contributions) != set(LEVELS) for picture in pictures):
        raise ValueError(f"case {data['id']}: expected {PICTURES} pictures with three levels each")
    if not all(picture.uri.startswith("data:image/") for picture in pictures):
        raise ValueError(f"case {data['id']}: expected pictures inside the file")
    levels, words = ([Step(**step) for step in data[name]] for name in ("levels", "words"))
    return ClassCase(str(data["id"]), str(data["kind"]), str(data["sentence"]), pictures, levels, words)
