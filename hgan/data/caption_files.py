"""Captions that come beside pictures: a CSV with the columns image and caption, or JSON lines as in a dataset folder. Read
within bounds: what is too much is refused while it is read, not afterwards."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from ..io.jsonl import FORM, parse_lines
from ..io.left_out import LeftOut, unreadable_caption
from ..io.names import same_name

CAPTION_SUFFIXES = (".csv", ".jsonl", ".ndjson")
MAX_CAPTION_FILE = 10_000_000  # bytes
MAX_CAPTIONS = 10  # of one picture
MAX_CHARACTERS = 1_000  # of one caption
MAX_DAMAGED = 1_000  # lines of one file that may be left out
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_CSV_FORM = "a first line with the columns image and caption, then one caption a line"
_JSON_FORM = '{"image": "NAME.jpg", "captions": ["...", ...]} a line'


@dataclass(frozen=True)
class Bounds:
    """How much a file of captions may hold."""

    bytes: int = MAX_CAPTION_FILE
    line: int = 200_000  # bytes of one JSON line: all that its picture may have, written as escapes
    rows: int = 100_000
    captions: int = MAX_CAPTIONS  # of one picture
    characters: int = MAX_CHARACTERS  # of one caption


FOLDER_BOUNDS = Bounds(bytes=100_000_000, line=10_000_000, rows=5_000_000, captions=1_000, characters=100_000)
Row = tuple[str, str, list[object]]  # where it stands, the picture's name, captions that nobody has looked at
Stopped = Callable[[], None]


class _Problems:
    """Takes what is wrong with single lines: raises it where the caller asked for no list."""

    def __init__(self, name: str, left_out: list[LeftOut] | None) -> None:
        self.name, self.left_out, self.count = name, left_out, 0

    def add(self, where: str, reason: str) -> None:
        if self.left_out is None:
            raise ValueError(f"{where}: {reason}")
        self.count += 1
        if self.count > MAX_DAMAGED:
            raise ValueError(
                f"{self.name}: got more than {MAX_DAMAGED:,} unusable lines (the last: {where}: {reason}), but "
                "expected a file of captions"
            )
        self.left_out.append(LeftOut(where, reason))


def read_captions(
    source: bytes | IO[bytes],
    name: str,
    bounds: Bounds | None = None,
    left_out: list[LeftOut] | None = None,
    stopped: Stopped | None = None,
) -> dict[str, list[str]]:
    """Captions by the picture's name as written in the file.

    Args:
        source: a CSV (comma, semicolon or tab; one caption a row) or JSON lines, in UTF-8.
        name: of the file, for messages; its suffix says which of them it is.
        bounds: for an upload by default.
        left_out: takes single lines and captions that cannot be used; without it they are an error.
        stopped: called now and then; what it raises ends the reading.

    Raises:
        ValueError: another encoding, other columns, a damaged line, or too much of something.
    """
    bounds, problems, before = bounds or Bounds(), _Problems(name, left_out), len(left_out or ())
    data = source if isinstance(source, bytes) else source.read(bounds.bytes + 1)
    if len(data) > bounds.bytes:
        raise ValueError(f"{name}: got more than {bounds.bytes:,} bytes of captions, but expected at most that")
    _require_text(data, name)
    is_json = name.lower().endswith((".jsonl", ".ndjson"))
    rows = _json_rows(data, name, bounds, problems, stopped) if is_json else _csv_rows(data, name, problems, stopped)
    found: dict[str, dict[str, None]] = {}  # captions as keys: a list would be looked through for each
    for number, (where, image, captions) in enumerate(rows, 1):
        if number > bounds.rows:
            raise ValueError(f"{name}: got more than {bounds.rows:,} rows of captions, but expected at most that")
        known = found.setdefault(image.replace("\\", "/").removeprefix("./"), {})
        _take(captions, known, where, bounds, problems)
    if not any(found.values()):
        reasons = "".join(f"; {one.where}: {one.reason}" for one in (left_out or [])[before : before + 3])
        raise ValueError(f"{name}: got no captions, but expected some: add captions, or leave the file out{reasons}")
    return {image: list(captions) for image, captions in found.items()}


def _take(captions: list[object], known: dict[str, None], where: str, bounds: Bounds, problems: _Problems) -> None:
    for given in captions:
        caption = " ".join(given.split()) if isinstance(given, str) else given
        if isinstance(caption, str) and len(caption) > bounds.characters:
            reason = f"got a caption of {len(caption):,} characters, but expected at most {bounds.characters:,}"
            problems.add(where, reason)
        elif caption == "" and problems.left_out is None:
            continue
        elif unreadable := unreadable_caption(caption):
            problems.add(where, unreadable)
        elif caption not in known:
            if len(known) >= bounds.captions:
                problems.add(
                    where, f"got more than {bounds.captions} captions of one picture, but expected at most that"
                )
                return
            known[str(caption)] = None


def assign(
    captions: dict[str, list[str]],
    pictures: Sequence[str],
    name: str,
    most: int = MAX_CAPTIONS,
    left_out: list[LeftOut] | None = None,
) -> tuple[dict[str, list[str]], list[str]]:
    """Captions by picture, and the names in the file that no picture has.

    A name counts as a picture's where it is the whole of it, or the last part of it and of no other; in either Unicode
    normal form. Several names in the file may mean one picture.

    Args:
        most: captions of one picture, under all its names.
        left_out: takes the pictures that have more.

    Raises:
        ValueError: not one caption belongs to a picture.
    """
    by_whole: dict[str, list[str]] = {}
    by_last: dict[str, list[str]] = {}
    for picture in pictures:
        by_whole.setdefault(same_name(picture), []).append(picture)
        by_last.setdefault(same_name(PurePosixPath(picture).name), []).append(picture)
    known, found, unknown = set(pictures), dict[str, dict[str, None]](), []
    beyond = Counter[str]()
    for image, sentences in captions.items():
        likely = [image] if image in known else by_whole.get(same_name(image), [])
        likely = likely or by_last.get(same_name(PurePosixPath(image).name), [])
        if len(likely) == 1:
            own = found.setdefault(likely[0], {})
            for sentence in sentences:
                if sentence in own or len(own) < most:
                    own[sentence] = None
                else:
                    beyond[likely[0]] += 1
        else:
            unknown.append(image)
    if not found:
        raise ValueError(
            f"{name}: got captions of {_quoted(unknown[0])}, but there is no such picture: use the exact file names, "
            f"such as {_quoted(pictures[0])}"
        )
    if left_out is not None:
        reason = "got {:,} captions more than {} of one picture, but expected at most that: they are left out"
        left_out += [LeftOut(picture, reason.format(count, most)) for picture, count in beyond.items()]
    return {picture: list(own) for picture, own in found.items()}, unknown


def _require_text(data: bytes, name: str) -> None:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            raise ValueError(f"{name}: got {encoding} text, but expected UTF-8: save it as “CSV UTF-8”")
    if b"\0" in data:
        raise ValueError(f"{name}: got a file with zero bytes, but expected text")


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{name} line {line}: got a byte that is not UTF-8 (the file looks like Latin-1 or Windows-1252), but expected "
            "UTF-8: save it as “CSV UTF-8”"
        ) from None


def _csv_rows(data: bytes, name: str, problems: _Problems, stopped: Stopped | None) -> Iterator[Row]:
    lines = _decode(data, name).splitlines(keepends=True)
    first = lines[0].rstrip("\r\n") if lines else ""
    for delimiter in ",;\t":
        columns = [cell.strip().strip('"').lower() for cell in first[:10_000].split(delimiter)]
        if "image" in columns and "caption" in columns:
            break
    else:
        raise ValueError(f"{name}: got the first line {_quoted(first)}, but expected {_CSV_FORM}")
    at_image, at_caption, start = columns.index("image"), columns.index("caption"), 1
    while start < len(lines):
        reader, number, read = csv.reader(iter(_Lines(lines, start)), delimiter=delimiter, strict=True), start, 0
        try:
            for row in reader:
                number, read = start + reader.line_num, read + 1
                if stopped and read % 1000 == 0:
                    stopped()
                where = f"{name} line {number}"
                if len(row) == len(columns):
                    yield where, row[at_image].strip(), [row[at_caption]]
                elif any(cell.strip() for cell in row):
                    reason = (
                        f'got {len(row)} cells, but expected {len(columns)} (a caption with a "{delimiter}" in it needs quotes '
                        "around it)"
                    )
                    problems.add(where, reason)
            return
        except csv.Error as error:
            problems.add(f"{name} line {number + 1}", f"got a damaged line ({error}), but expected a CSV")
            start = number + 1  # a quote that is never closed takes no other line with it


class _Lines:
    """Lines from one on, without a copy of them."""

    def __init__(self, lines: list[str], start: int) -> None:
        self.lines, self.start = lines, start

    def __iter__(self) -> Iterator[str]:
        return (self.lines[n] for n in range(self.start, len(self.lines)))


def _json_rows(data: bytes, name: str, bounds: Bounds, problems: _Problems, stopped: Stopped | None) -> Iterator[Row]:
    for line in parse_lines(io.BytesIO(data), name, bounds.line, stopped):
        if line.value is None:
            problems.add(line.where, line.reason.replace(FORM, _JSON_FORM))
            continue
        image, captions = line.value.get("image"), line.value.get("captions")
        if not isinstance(image, str) or not isinstance(captions, list):
            problems.add(line.where, f"got {_quoted(str(line.value)[:200])}, but expected {_JSON_FORM}")
            continue
        yield line.where, image, captions


def _quoted(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text[:200])
    return f"“{shown if len(shown) <= 80 else shown[:79] + '…'}”"
