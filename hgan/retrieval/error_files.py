"""The rows of an error analysis as files: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from .case import Source
from .error_filter import Filter
from .results import Analysis, QueryRow

COLUMNS = (
    "direction", "query_id", "query_label", "tag", "rank", "truth_id", "best_wrong_id", "margin", "lost_by",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def to_csv(rows: Sequence[QueryRow]) -> str:
    """A table with a byte order mark; text cells that begin like a formula get an apostrophe."""
    text = io.StringIO(newline="")
    text.write("\ufeff")
    out = csv.writer(text)
    out.writerow(COLUMNS)
    for row in rows:
        out.writerow([_defused(getattr(row, name)) for name in COLUMNS])
    return text.getvalue()


def _defused(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA) else value


def as_data(analysis: Analysis, rows: Sequence[QueryRow]) -> dict[str, Any]:
    """The analysis as plain data, with these rows in place of all."""
    return replace(analysis, rows=list(rows)).to_json()


def to_json(analysis: Analysis, rows: Sequence[QueryRow], chosen: Filter, sources: Sequence[Source]) -> str:
    """The same as JSON, with the filter, and with the model and the gallery it came from."""
    named = {kind: asdict(source) for kind, source in zip(("model", "gallery"), sources, strict=True)}
    data = {**as_data(analysis, rows), "filter": asdict(chosen), **named}
    return json.dumps(data, ensure_ascii=False, indent=1)
