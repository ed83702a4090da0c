"""Captions that come with an upload: a CSV with the columns image and caption, or JSON lines as in a dataset folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import PurePosixPath

CAPTION_SUFFIXES = (".csv", ".jsonl", ".ndjson")
MAX_CAPTION_FILE = 10_000_000  # bytes
MAX_CAPTIONS = 10  # of one picture
MAX_CHARACTERS = 1_000  # of one caption
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_CSV_FORM = "a first line with the columns image and caption, then one caption a line"
_JSON_FORM = '{"image": "NAME.jpg", "captions": ["...", ...]} a line'


def read_captions(data: bytes, name: str) -> dict[str, list[str]]:
    """Captions by the picture's name as written in the file.

    Args:
        data: a whole CSV (comma, semicolon or tab; one caption a row) or JSON-lines file, in UTF-8.
        name: of the file, for messages; its suffix says which of them it is.

    Raises:
        ValueError: another encoding, other columns, a damaged line, or too much of something.
    """
    if len(data) > MAX_CAPTION_FILE:
        raise ValueError(f"{name}: got more than {MAX_CAPTION_FILE:,} bytes of captions, but expected at most that")
    text = _decode(data, name)
    found: dict[str, list[str]] = {}
    rows = _csv_rows(text, name) if name.lower().endswith(".csv") else _json_rows(text, name)
    for where, image, captions in rows:
        known = found.setdefault(image.replace("\\", "/").removeprefix("./"), [])
        for caption in captions:
            caption = " ".join(caption.split())
            if len(caption) > MAX_CHARACTERS:
                raise ValueError(
                    f"{where}: got a caption of {len(caption):,} characters, but expected at most {MAX_CHARACTERS:,}"
                )
            if caption and caption not in known:
                known.append(caption)
        if len(known) > MAX_CAPTIONS:
            raise ValueError(
                f"{where}: got more than {MAX_CAPTIONS} captions of one picture, but expected at most that"
            )
    if not any(found.values()):
        raise ValueError(f"{name}: got no captions, but expected some: leave the file out, or fill it in")
    return found


def assign(
    captions: dict[str, list[str]], pictures: Sequence[str], name: str
) -> tuple[dict[str, list[str]], list[str]]:
    """Captions by picture, and the names in the file that no picture has.

    A name counts as a picture's where it is the whole of it, or the last part of it and of no other.

    Raises:
        ValueError: not one caption belongs to a picture.
    """
    by_last: dict[str, list[str]] = {}
    for picture in pictures:
        by_last.setdefault(PurePosixPath(picture).name, []).append(picture)
    known, found, unknown = set(pictures), dict[str, list[str]](), []
    for image, sentences in captions.items():
        likely = [image] if image in known else by_last.get(PurePosixPath(image).name, [])
        if len(likely) == 1:
            found.setdefault(likely[0], []).extend(sentences)
        else:
            unknown.append(image)
    if not found:
        raise ValueError(
            f"{name}: got captions of {_quoted(unknown[0])}, but no such picture came: write the pictures' names as they are, "
            f"such as {_quoted(pictures[0])}"
        )
    return found, unknown


def _decode(data: bytes, name: str) -> str:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            raise ValueError(f"{name}: got {encoding} text, but expected UTF-8: save it as “CSV UTF-8”")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{name} line {line}: got a letter that is not UTF-8 (the file looks like Latin-1 or Windows-1252), but expected "
            "UTF-8: save it as “CSV UTF-8”"
        ) from None
    if "\0" in text:
        raise ValueError(f"{name}: got a file with zero bytes, but expected text")
    return text


def _csv_rows(text: str, name: str) -> list[tuple[str, str, list[str]]]:
    lines = text.splitlines()
    first = lines[0] if lines else ""
    for delimiter in ",;\t":
        columns = [cell.strip().strip('"').lower() for cell in first.split(delimiter)]
        if "image" in columns and "caption" in columns:
            break
    else:
        raise ValueError(f"{name}: got the first line {_quoted(first)}, but expected {_CSV_FORM}")
    at_image, at_caption = columns.index("image"), columns.index("caption")
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows = []
    try:
        next(reader)
        for row in reader:
            where = f"{name} line {reader.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(columns):
                raise ValueError(
                    f'{where}: got {len(row)} cells, but expected {len(columns)} (a caption with a "{delimiter}" in it needs '
                    "quotes around it)"
                )
            rows.append((where, row[at_image].strip(), [row[at_caption]]))
    except csv.Error as error:
        raise ValueError(f"{name} line {reader.line_num}: got a damaged line ({error}), but expected a CSV") from None
    return rows


def _json_rows(text: str, name: str) -> list[tuple[str, str, list[str]]]:
    rows = []
    for number, raw in enumerate(text.split("\n"), 1):
        if not raw.strip():
            continue
        where = f"{name} line {number}"
        try:
            line = json.loads(raw)
        except (ValueError, RecursionError):
            raise ValueError(f"{where}: got a damaged line, but expected {_JSON_FORM}") from None
        image, captions = (line.get("image"), line.get("captions")) if isinstance(line, dict) else (None, None)
        if (
            not isinstance(image, str)
            or not isinstance(captions, list)
            or not all(isinstance(c, str) for c in captions)
        ):
            raise ValueError(f"{where}: got {_quoted(raw.strip())}, but expected {_JSON_FORM}")
        rows.append((where, image, captions))
    return rows


def _quoted(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    return f"“{shown if len(shown) <= 80 else shown[:79] + '…'}”"
