"""A case: one answer with the page's state and the hashes of the model and the gallery it came from, as plain data."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..io.jsonl import parse_object
from ..version import __version__
from .results import Analysis, Comparison, Explanation, SearchResult, WhatIf

FORMAT = 1
MAX_CASE = 20_000_000  # bytes; a case with its numbers has some hundred thousand
Answer = SearchResult | Explanation | Comparison | WhatIf | Analysis
KINDS: dict[type[Any], str] = {
    SearchResult: "search",
    Explanation: "explain",
    Comparison: "compare",
    WhatIf: "what-if",
    Analysis: "errors",
}


@dataclass(frozen=True)
class Source:
    """What gave an answer: a model or a gallery, by name and SHA-256."""

    name: str
    sha256: str


def to_case(answer: Answer, state: Mapping[str, Any], model: Source, gallery: Source) -> dict[str, Any]:
    """An answer as plain data that says where it came from.

    Args:
        answer: any answer of the retriever.
        state: what the page needs to open it again; plain data.
        model, gallery: who gave it.
    """
    return {
        "format": FORMAT,
        "kind": KINDS[type(answer)],
        "state": dict(state),
        "data": answer.to_json(),
        "model": {"name": model.name, "sha256": model.sha256},
        "gallery": {"name": gallery.name, "sha256": gallery.sha256},
        "versions": {"hgan": __version__, "torch": torch.__version__, "python": platform.python_version()},
    }


def read_case(data: bytes | str, model: Source, gallery: Source) -> tuple[dict[str, Any], list[str]]:
    """A case from its JSON, and warnings in plain words where it came from another model or gallery.

    Raises:
        ValueError: not a case.
    """
    if len(data) > MAX_CASE:
        raise ValueError(f"got a file of {len(data):,} bytes, but expected a case of at most {MAX_CASE:,}")
    try:
        case = parse_object(data)
        for part in ("model", "gallery"):
            if not all(isinstance(case[part][key], str) for key in ("name", "sha256")):
                raise ValueError(f"{part} without name and sha256")
        if case["kind"] not in KINDS.values() or not all(isinstance(case[key], dict) for key in ("state", "data")):
            raise ValueError("no kind, state and data")
        version = case["format"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"got a file that is no case ({error}), but expected the JSON that a page saves") from None
    if version != FORMAT:
        raise ValueError(f"got a case of format {version!r}, but expected {FORMAT}")
    warnings = [
        f"This case was made with another {what}: {case[what]['name']} ({case[what]['sha256'][:12]}), while this is "
        f"{now.name} ({now.sha256[:12]}). Its numbers may differ here."
        for what, now in (("model", model), ("gallery", gallery))
        if case[what]["sha256"] != now.sha256
    ]
    return case, warnings
