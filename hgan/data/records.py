"""Records of a `captions.jsonl`, with what `regions.jsonl` and `caption_facts.jsonl` know of them."""

from __future__ import annotations

import operator
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..io.jsonl import Line, lines_of, read_jsonl
from ..io.left_out import LeftOut, good_captions, require_some
from ..io.names import Finder, same_name, unique_ids, without_suffix, written
from .own_gallery import is_inside
from .record import Box, CaptionFact, Record

_FACTS = "caption_facts.jsonl"
_SPLIT = re.compile(rb'"split"\s*:\s*(?:"([^"\\]*)"|(null))')
_ALONE = "without them every caption counts as true of its own picture only"


class _Unknown:
    """The split of a line that does not say it."""


UNKNOWN = _Unknown()
Split = str | None | _Unknown


@dataclass
class _Entry:
    """One picture, as the lines about it say."""

    image: str
    split: str | None
    group: str | None
    where: str
    captions: list[Any] = field(default_factory=list)  # good and bad, so that facts keep their places
    id: str = ""


@dataclass
class _Members:
    """Which picture each record number means; facts count records from 0 within a split, those left out among them."""

    of: dict[str | None, list[_Entry | None]] = field(default_factory=dict)
    unsure: set[str | None] = field(default_factory=set)  # splits that may lack a number, or have one too many


def read_records(folder: Path, split: str | None, left_out: list[LeftOut]) -> tuple[list[Record], set[str]]:
    """Records of a split, and the pictures that the file lists in any split, as `same_name` writes them.

    Raises:
        ValueError: no record of that split that can be used.
    """
    entries, members = _read_entries(folder / "captions.jsonl", left_out)
    _name(entries)
    wanted = [entry for entry in entries if split is None or entry.split == split]
    if not wanted:
        there = ", ".join(sorted(str(name) for name in members.of)) or "none"
        reasons = "".join(f"; {one.where}: {one.reason}" for one in left_out[:3])
        raise ValueError(
            f"{folder}: got no records{f' of split {split!r}' if split is not None else ''}, but expected some "
            f"(its splits: {there}){reasons}"
        )
    regions = _read_regions(folder / "regions.jsonl", left_out)
    facts, finder = _read_facts(folder / _FACTS, entries, left_out), Finder(folder)
    records, unfit = [], list[LeftOut]()
    for entry in wanted:
        good = good_captions(entry.captions, entry.where, entry.image, left_out)
        known = _facts_of(entry, facts[entry.id], members, unfit) if entry.id in facts else None
        records.append(
            Record(
                entry.id, written(entry.image), finder.path(entry.image), entry.split,
                tuple(entry.captions[n] for n in good), regions.get(same_name(entry.image)),
                None if known is None else tuple(known[n] for n in good), entry.group, entry.where,
                tuple(good) if len(good) < len(entry.captions) else (),
            )
        )  # fmt: skip
    require_some([record for record in records if record.facts is not None], unfit)
    left_out += unfit
    return records, {same_name(entry.image) for entry in entries}


def _read_entries(path: Path, left_out: list[LeftOut]) -> tuple[list[_Entry], _Members]:
    by_key: dict[tuple[str | None, str], _Entry] = {}
    numbered: list[tuple[Split, _Entry | None]] = []  # every line that stands for a record
    for line in lines_of(path):
        try:
            entry = _entry(line)
        except ValueError as error:
            left_out.append(LeftOut(line.where, str(error)))
            numbered.append((_split_of(line), None))
            continue
        first = by_key.setdefault((entry.split, same_name(entry.image)), entry)
        if first is not entry:
            first.captions += entry.captions  # one picture on several lines has the captions of all of them
        numbered.append((entry.split, first))
    return list(by_key.values()), _number(numbered)


def _number(numbered: list[tuple[Split, _Entry | None]]) -> _Members:
    """A line that does not say its split counts in that of the line before it; where the next line is of another one, both
    become unsure."""
    members = _Members()
    following: list[Split] = []  # the next split that is said, from each line on
    after: Split = UNKNOWN
    for split, _ in reversed(numbered):
        after = after if isinstance(split, _Unknown) else split
        following.append(after)
    before: Split = UNKNOWN
    for (split, member), after in zip(numbered, reversed(following), strict=True):
        if isinstance(split, _Unknown):
            near = [one for one in (before, after) if not isinstance(one, _Unknown)]
            if len(set(near)) > 1:
                members.unsure |= set(near)
            split = near[0] if near else None
        before = split
        members.of.setdefault(split, []).append(member)
    return members


def _entry(line: Line) -> _Entry:
    if line.value is None:
        raise ValueError(line.reason)
    image, captions = line.value.get("image"), line.value.get("captions", [])
    split, group = line.value.get("split"), line.value.get("group")
    if not isinstance(image, str) or not is_inside(image):
        raise ValueError(f"got image {_short(image)}, but expected a path inside the folder")
    try:
        os.fsencode(image)
    except UnicodeEncodeError:
        raise ValueError(f"got image {_short(image)}, but expected a name without half characters") from None
    if not isinstance(captions, list):
        raise ValueError(f"got captions {_short(captions)}, but expected a list of sentences")
    if split is not None and not isinstance(split, str):
        raise ValueError(f"got split {_short(split)}, but expected a name such as train")
    if group is not None and not isinstance(group, str):
        raise ValueError(f"got group {_short(group)}, but expected a name")
    return _Entry(image, split, group, line.where, list(captions))


def _split_of(line: Line) -> Split:
    """The split that a bad line is of, as far as that can be seen."""
    if line.value is not None:
        split = line.value.get("split")
        return split if split is None or isinstance(split, str) else UNKNOWN
    match = _SPLIT.search(line.raw)
    if match is None:
        return UNKNOWN
    return None if match[2] else match[1].decode("utf-8", "replace")


def _name(entries: list[_Entry]) -> None:
    """Ids: the file's name without its ending; with its folders where several would have the same."""
    stems = [PurePosixPath(entry.image).stem for entry in entries]
    often = Counter(stems)
    names = [s if often[s] == 1 else without_suffix(e.image) for s, e in zip(stems, entries, strict=True)]
    for entry, id_ in zip(entries, unique_ids([written(name) for name in names]), strict=True):
        entry.id = id_


def _read_regions(path: Path, left_out: list[LeftOut]) -> dict[str, tuple[Box, ...]]:
    if not path.is_file():
        return {}
    found: dict[str, tuple[Box, ...]] = {}
    bad: list[LeftOut] = []
    for where, line in read_jsonl(path, bad):
        try:
            found[same_name(line["image"])] = tuple(_box(r) for r in line["regions"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            reason = (
                f"got a damaged region ({error}), but expected box (XYXY in [0, 1]), label and score in [0, 1]; the regions "
                "of this picture are treated as unknown"
            )
            bad.append(LeftOut(where, reason))
    require_some(found, bad)
    left_out += bad
    return found


def _box(region: dict[str, Any]) -> Box:
    x0, y0, x1, y1 = (float(v) for v in region["box"])
    if not (0 <= x0 <= x1 <= 1 and 0 <= y0 <= y1 <= 1):
        raise ValueError(f"box {region['box']}")
    score = float(region.get("score", 1.0))
    if not 0 <= score <= 1:
        raise ValueError(f"score {region['score']}")
    return Box((x0, y0, x1, y1), str(region["label"]), score)


@dataclass(frozen=True)
class _Fact:
    """What `caption_facts.jsonl` says of one caption; `true_of` in record numbers."""

    tag: str
    true_of: list[int]
    relation: str | None
    kept: tuple[str, ...]


Facts = list[_Fact]


def _fact(line: dict[str, Any]) -> _Fact:
    links = line.get("claim", {}).get("links", [])
    relation = str(links[0][1]) if len(links) == 1 else None
    kept = tuple(str(name) for name in line.get("kept", ()))
    return _Fact(str(line["tag"]), [operator.index(n) for n in line["true_of"]], relation, kept)


def _read_facts(path: Path, entries: list[_Entry], left_out: list[LeftOut]) -> dict[str, tuple[str, Facts]]:
    """Where they stand, and tag and numbers of `true_of` for each caption, by record id."""
    if not path.is_file():
        return {}
    meant: dict[str, set[str]] = {}
    for entry in entries:
        names = (entry.image, without_suffix(entry.image), PurePosixPath(entry.image).stem)
        for name in {same_name(written(name)) for name in names}:
            meant.setdefault(name, set()).add(entry.id)
    for entry in entries:
        meant.setdefault(same_name(entry.id), {entry.id})
    found: dict[str, tuple[str, Facts]] = {}
    bad: list[LeftOut] = []
    for where, line in read_jsonl(path, bad):
        try:
            name = same_name(str(line["id"]))
            facts = [_fact(caption) for caption in line["captions"]]
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            form = "a tag and the record numbers it is true_of for each caption"
            reason = f"got a damaged fact ({error}), but expected {form}; {_ALONE}"
            bad.append(LeftOut(where, reason))
            continue
        ids = meant.get(name, set())
        if len(ids) > 1:
            reason = f"got facts about {name!r}, which {len(ids)} pictures are called: write the path of one of them; {_ALONE}"
            bad.append(LeftOut(where, reason))
        for id_ in ids if len(ids) == 1 else ():
            found.setdefault(id_, (where, []))[1].extend(facts)
    require_some(found, bad)
    left_out += bad
    return found


def _facts_of(
    entry: _Entry, said: tuple[str, Facts], members: _Members, left_out: list[LeftOut]
) -> tuple[CaptionFact, ...] | None:
    """Facts of all captions of a record, the bad ones among them; None, and named, where they do not fit."""
    where, lines = said
    numbered = members.of[entry.split]
    numbers = [n for line in lines for n in line.true_of]
    if len(lines) != len(entry.captions):
        reason = f"got {len(entry.captions)} captions and {len(lines)} facts, but expected one fact per caption"
    elif numbers and not 0 <= min(numbers) <= max(numbers) < len(numbered):
        wrong = min(numbers) if min(numbers) < 0 else max(numbers)
        reason = f"got a fact about record {wrong}, but expected less than {len(numbered)}, the records of split {entry.split}"
    elif entry.split in members.unsure and not all(any(numbered[n] is entry for n in line.true_of) for line in lines):
        reason = "its record numbers cannot be trusted, because an earlier line of captions.jsonl cannot be read"
    else:
        ids = [frozenset(m.id for n in line.true_of if (m := numbered[n]) is not None) for line in lines]
        return tuple(
            CaptionFact(line.tag, true_of, line.relation, line.kept) for line, true_of in zip(lines, ids, strict=True)
        )
    left_out.append(LeftOut(where, f"{entry.id}: {reason}; {_ALONE}"))
    return None


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str | int | float | list | None) else type(value).__name__
    return text if len(text) <= 80 else text[:79] + "…"
