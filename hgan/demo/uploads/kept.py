"""Galleries in uploads: those downloaded from My gallery or built on the command line can be uploaded again."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...data.caption_files import MAX_CAPTION_FILE, MAX_CAPTIONS, MAX_CHARACTERS, MAX_DAMAGED
from ...data.own_gallery import KeptItem, is_manifest, kept_items
from ...io.jsonl import parse_lines
from ...io.left_out import LeftOut
from .zips import DamagedError, Entry, Stopped, read_entry

_MAX_LINE = 2_000_000  # bytes of one item; facts about captions may name many pictures
_MOST_GALLERIES = 20  # in one upload: the manifest of each is read as a whole
_LONGEST = 500  # characters of an id, which each message about a caption holds
_LISTED = 100  # captions of one item that are looked at: each of them may be named as damaged


@dataclass(frozen=True)
class Kept:
    """A gallery in an upload."""

    root: str  # the folder it lies in, with "/" at its end; empty at the top
    items: list[KeptItem]


def galleries_of(
    entries: Sequence[Entry], limit: int, left_out: list[LeftOut], stopped: Stopped | None = None
) -> list[Kept]:
    """Galleries among the entries, by their manifests.

    Args:
        limit: pictures at most, all galleries together.

    Raises:
        ValueError: more pictures or galleries than allowed, or too many damaged items.
    """
    by_name = {entry.name: entry for entry in entries if not entry.reason}
    found: list[Kept] = []
    size = 0
    for name, manifest in by_name.items():
        root = name.removesuffix("manifest.json")
        if name == root or root[-1:] not in ("", "/") or f"{root}items.jsonl" not in by_name:
            continue
        if stopped:
            stopped()
        if not is_manifest(_read(manifest)):
            continue
        if len(found) == _MOST_GALLERIES:
            raise ValueError(
                f"got more than {_MOST_GALLERIES} galleries at once, but expected at most that: choose fewer"
            )
        items, data = [], _read(by_name[f"{root}items.jsonl"])
        size += len(data)
        if size > MAX_CAPTION_FILE:
            raise ValueError(
                f"got galleries with more than {MAX_CAPTION_FILE:,} bytes of items, but expected at most that"
            )
        for item in _items(data, f"{root}items.jsonl", left_out, stopped):
            items.append(item)
            if sum(len(kept.items) for kept in found) + len(items) > limit:
                raise ValueError(f"got a gallery of more than {limit:,} pictures, but expected at most that at once")
        found.append(Kept(root, items))
    return found


def _items(data: bytes, name: str, left_out: list[LeftOut], stopped: Stopped | None) -> Iterator[KeptItem]:
    before = len(left_out)
    for line in parse_lines(io.BytesIO(data), name, _MAX_LINE, stopped):
        if line.value is None:
            left_out.append(LeftOut(line.where, line.reason))
        else:
            for item in kept_items([(line.where, _shortened(line.value, line.where, left_out))], left_out):
                yield _bounded(item, line.where, left_out)
        if len(left_out) - before > MAX_DAMAGED:  # each is kept as long as the gallery is
            raise ValueError(
                f"{name}: got more than {MAX_DAMAGED:,} unusable items (the last: {left_out[-1].where}: "
                f"{left_out[-1].reason}), but expected the items of a gallery"
            )


def _shortened(line: dict[str, Any], where: str, left_out: list[LeftOut]) -> dict[str, Any]:
    """An item with its captions and names cut to the limits."""
    line = {**line, **{key: line[key][:_LONGEST] for key in ("id", "image") if isinstance(line.get(key), str)}}
    captions, facts = line.get("captions"), line.get("facts")
    if not isinstance(captions, list) or len(captions) <= _LISTED:
        return line
    left_out.append(LeftOut(where, f"{len(captions) - _LISTED:,} of {len(captions):,} captions: there are too many"))
    return {**line, "captions": captions[:_LISTED], "facts": facts[:_LISTED] if isinstance(facts, list) else None}


def _bounded(item: KeptItem, where: str, left_out: list[LeftOut]) -> KeptItem:
    good = [n for n, caption in enumerate(item.captions) if len(caption) <= MAX_CHARACTERS][:MAX_CAPTIONS]
    if len(good) == len(item.captions):
        return item
    reason = (
        f"{len(item.captions) - len(good):,} captions: at most {MAX_CAPTIONS} of {MAX_CHARACTERS:,} characters are used"
    )
    left_out.append(LeftOut(where, reason))
    captions = tuple(item.captions[n] for n in good)
    facts = tuple(item.facts[n] for n in good) if item.facts is not None else None
    return KeptItem(item.id, item.image, item.thumbnail, captions, facts)


def _read(entry: Entry) -> bytes:
    """Its bytes; empty if it is too long or damaged."""
    if entry.size > MAX_CAPTION_FILE:
        return b""
    try:
        data = read_entry(entry, MAX_CAPTION_FILE + 1)
    except DamagedError:
        return b""
    return data if len(data) <= MAX_CAPTION_FILE else b""
