"""Dataset folders: `captions.jsonl`, optional `regions.jsonl` and `caption_facts.jsonl`, and pictures. The form is
written down in the README."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..images import SUFFIXES


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


@dataclass(frozen=True)
class Record:
    """One picture of a dataset folder."""

    id: str  # the file's name without its suffix
    image: str  # path relative to the folder
    path: Path
    split: str | None
    captions: tuple[str, ...]
    regions: tuple[Box, ...] | None  # None: nothing known; empty: known to hold none
    facts: tuple[CaptionFact, ...] | None = None  # one a caption, in their order; None: nothing known
    group: str | None = None  # records of one group look alike, and are told apart by one thing


def read_dataset(folder: str | Path, split: str | None = None) -> list[Record]:
    """Records of a dataset folder, or of a plain folder of pictures (no captions, sorted by name).

    Args:
        folder: with a `captions.jsonl`, or just pictures.
        split: only these records; all of them by default.

    Raises:
        ValueError: no such folder, no records, a damaged line, a path that leads out of the folder, an unknown split.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"got {folder}, but expected a folder of pictures or a dataset folder")
    if not (folder / "captions.jsonl").is_file():
        if split is not None:
            raise ValueError(f"got split {split!r}, but {folder} has no captions.jsonl and so no splits")
        return _plain(folder)
    regions = _read_regions(folder / "regions.jsonl")
    records: list[Record] = []
    members: dict[str | None, list[str]] = {}  # of every split, in the order of the file
    for where, line in read_jsonl(folder / "captions.jsonl"):
        image, captions = line.get("image"), line.get("captions", [])
        if not isinstance(image, str) or not _is_inside(image):
            raise ValueError(f"{where}: got image {image!r}, but expected a path inside the folder")
        if not isinstance(captions, list) or not all(isinstance(c, str) for c in captions):
            raise ValueError(f"{where}: got captions {captions!r}, but expected a list of sentences")
        name = line.get("split")
        id_ = PurePosixPath(image).stem
        members.setdefault(name, []).append(id_)
        if split is None or name == split:
            records.append(
                Record(id_, image, folder / image, name, tuple(captions), regions.get(image), group=line.get("group"))
            )
    if not records:
        known = ", ".join(sorted(str(name) for name in members)) or "none"
        raise ValueError(f"{folder}: got no records of split {split!r}, but expected some (splits there: {known})")
    facts = _read_facts(folder / "caption_facts.jsonl")
    return [replace(r, facts=_facts_of(r, facts[r.id], members[r.split])) if r.id in facts else r for r in records]


def read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lines of a JSON-lines file with where they stand ("captions.jsonl line 3"); blank lines are passed over.

    Raises:
        ValueError: a line is not a JSON object, or the file is not UTF-8.
    """
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            where = f"{path.name} line {number}"
            if not raw.strip():
                continue
            try:
                line = json.loads(raw)
            except (UnicodeDecodeError, json.JSONDecodeError) as error:
                raise ValueError(f"{where}: got a damaged line, but expected a JSON object ({error})") from None
            if not isinstance(line, dict):
                raise ValueError(f"{where}: got {type(line).__name__}, but expected a JSON object")
            yield where, line


def _plain(folder: Path) -> list[Record]:
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise ValueError(f"{folder}: got no pictures ({', '.join(SUFFIXES)}) and no captions.jsonl, but expected some")
    names = [p.relative_to(folder).as_posix() for p in paths]
    return [
        Record(str(PurePosixPath(n).with_suffix("")), n, p, None, (), None) for n, p in zip(names, paths, strict=True)
    ]


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in path


def _read_regions(path: Path) -> dict[str, tuple[Box, ...]]:
    if not path.is_file():
        return {}
    found: dict[str, tuple[Box, ...]] = {}
    for where, line in read_jsonl(path):
        try:
            boxes = []
            for r in line["regions"]:
                x0, y0, x1, y1 = (float(v) for v in r["box"])
                if not (0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1):
                    raise ValueError(f"box {r['box']}")
                score = float(r.get("score", 1.0))
                if not 0 <= score <= 1:
                    raise ValueError(f"score {r['score']}")
                boxes.append(Box((x0, y0, x1, y1), str(r["label"]), score))
            found[line["image"]] = tuple(boxes)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{where}: got a damaged region ({error}), but expected box (XYXY in [0, 1]), label and score in [0, 1]"
            ) from None
    return found


def _read_facts(path: Path) -> dict[str, list[tuple[str, list[int]]]]:
    """Tag and numbers of `true_of` for each caption, by record id."""
    if not path.is_file():
        return {}
    found = {}
    for where, line in read_jsonl(path):
        try:
            found[str(line["id"])] = [
                (str(c["tag"]), [operator.index(n) for n in c["true_of"]]) for c in line["captions"]
            ]
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{where}: got a damaged fact ({error}), but expected a tag and the record numbers it is true_of for "
                "each caption"
            ) from None
    return found


def _facts_of(record: Record, lines: list[tuple[str, list[int]]], members: list[str]) -> tuple[CaptionFact, ...]:
    if len(lines) != len(record.captions):
        raise ValueError(
            f"{record.id}: got {len(record.captions)} captions and {len(lines)} facts, but expected one fact a caption"
        )
    largest = max((n for _, numbers in lines for n in numbers), default=0)
    if largest >= len(members):
        raise ValueError(
            f"{record.id}: got a fact about record {largest}, but expected less than {len(members)}, the records of split "
            f"{record.split}"
        )
    return tuple(CaptionFact(tag, frozenset(members[n] for n in numbers)) for tag, numbers in lines)
