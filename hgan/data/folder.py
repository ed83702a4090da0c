"""Dataset folders: `captions.jsonl`, optional `regions.jsonl` and `caption_facts.jsonl`, and pictures. The form is
written down in the README. One bad record does not stop the others: it is left out, named and counted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..io.images import SUFFIXES
from ..io.jsonl import read_jsonl
from ..io.left_out import LeftOut, log
from ..io.names import same_name, unique_ids, without_suffix, written
from .caption_files import FOLDER_BOUNDS, assign, read_captions
from .listing import CAPTION_TABLES, Listing, list_folder
from .own_gallery import NOTICE, is_gallery, kept_items
from .record import Box, CaptionFact, Record
from .records import read_records

__all__ = ["Box", "CaptionFact", "LeftOut", "Record", "read_dataset", "read_jsonl"]


def read_dataset(folder: str | Path, split: str | None = None, left_out: list[LeftOut] | None = None) -> list[Record]:
    """Records of a dataset folder, of a plain folder of pictures (sorted by name, with the captions of a `captions.csv` where
    there is one), or of a gallery folder.

    A bad record is left out, of a bad caption the caption alone; whether the pictures can be read is seen when they are.

    Args:
        folder: with a `captions.jsonl`, or just pictures.
        split: only these records; all of them by default.
        left_out: takes what is left out, in the order of its finding. Without it that goes to the log of "hgan".

    Raises:
        ValueError: no such folder, no records that can be used, an unknown split.
    """
    named, folder, found = os.fspath(folder).strip(), Path(folder), list[LeftOut]()
    if not named:  # an unset variable of a shell script; as a path it would be the working directory
        raise ValueError("got an empty name, but expected a folder of pictures or a dataset folder: name one")
    if not folder.is_dir():
        what = "is a file: unpack it or name a folder" if folder.exists() else "does not exist: check the name"
        raise ValueError(f"got {folder}, but expected a folder of pictures or a dataset folder; {folder.name} {what}")
    if (folder / "captions.jsonl").is_file():
        records, listed = read_records(folder, split, found)
        if left_out is not None:
            found += _beside(folder, listed)
    elif split is not None:
        raise ValueError(f"got split {split!r}, but {folder} has no captions.jsonl and so no splits")
    else:
        records = _gallery(folder, found) if is_gallery(folder) else _plain(folder, found)
    if left_out is None:
        log(found, folder)
    else:
        left_out += found
    return records


def _plain(folder: Path, left_out: list[LeftOut]) -> list[Record]:
    listing = list_folder(folder)
    if not listing.pictures:
        raise ValueError(
            f"{folder}: got no pictures ({', '.join(SUFFIXES)}) and no captions.jsonl, but expected some"
            f"{_first(listing.left_out)}"
        )
    names = [name for name, _ in listing.pictures]
    captions = _table(folder, names, listing)
    left_out += listing.left_out
    ids = unique_ids([written(without_suffix(name)) for name in names])
    return [
        Record(id_, written(name), path, None, captions.get(name, ()), None)
        for id_, (name, path) in zip(ids, listing.pictures, strict=True)
    ]


def _table(folder: Path, names: Sequence[str], listing: Listing) -> dict[str, tuple[str, ...]]:
    """Captions by picture from a table at the top of the folder; one that cannot be read is named."""
    for table in CAPTION_TABLES:
        if not (folder / table).is_file():
            continue
        problems: list[LeftOut] = []
        try:
            with (folder / table).open("rb") as file:
                rows = read_captions(file, table, FOLDER_BOUNDS, problems)
            found, unknown = assign(rows, names, table, FOLDER_BOUNDS.captions, problems)
        except (ValueError, OSError) as error:
            reason = f"its captions cannot be used: {str(error).removeprefix(f'{table}: ')}"
            listing.left_out = [one for one in listing.left_out if one.where != table] + [LeftOut(table, reason)]
            continue
        listing.left_out = [one for one in listing.left_out if one.where != table] + problems
        listing.left_out += [LeftOut(name, f"{table} has captions for a missing picture") for name in unknown]
        return {name: tuple(sentences) for name, sentences in found.items()}
    return {}


def _gallery(folder: Path, left_out: list[LeftOut]) -> list[Record]:
    problems: list[LeftOut] = []
    items = kept_items(read_jsonl(folder / "items.jsonl", problems), problems)
    if not items:
        raise ValueError(f"{folder}: got a gallery without readable items, but expected some{_first(problems)}")
    left_out += [LeftOut(str(folder), NOTICE, counts=False, remark=True), *problems]
    ids = unique_ids([item.id for item in items])
    same = ids == [item.id for item in items]  # facts name pictures by their ids
    return [
        Record(
            id_, item.image, folder / item.thumbnail, None, item.captions, None,
            tuple(CaptionFact(tag, frozenset(of)) for tag, of in item.facts) if item.facts is not None and same else None,
        )
        for id_, item in zip(ids, items, strict=True)
    ]  # fmt: skip


def _beside(folder: Path, listed: set[str]) -> list[LeftOut]:
    """What lies in a dataset folder and is not used: pictures that no line lists, and captions in other forms."""
    listing = list_folder(folder)
    unlisted = [name for name, _ in listing.pictures if same_name(name) not in listed]
    tables = [one for one in listing.left_out if one.counts and "captions" in one.reason]
    return [LeftOut(one.where, f"{one.reason}; captions.jsonl is read", counts=False) for one in tables] + [
        LeftOut(written(name), "a picture that captions.jsonl does not list", counts=False) for name in unlisted
    ]


def _first(left_out: Sequence[LeftOut]) -> str:
    """The first things that were left out, for an error."""
    return "".join(f"; {one.where}: {one.reason}" for one in left_out[:3])
