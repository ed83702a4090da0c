"""Saving what is shown as a file, and opening it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gradio.components import Component

from ...retrieval.retriever import Retriever
from ...visualize.document import document, provenance
from ..serving.values import refusal
from .context import Asked
from .links import from_query
from .saving import as_file, save_button

MOST_BYTES = 5_000_000  # of a saved case


def save_buttons(name: str, shown: Callable[..., tuple[Any, ...]], inputs: Sequence[Component]) -> None:
    """Buttons that save what a page shows as one HTML file, pictures inside, and as JSON with the hashes of model and gallery.

    Args:
        name: of the files, without ending.
        shown: from the inputs to (question, answer, its link, its drawing, the retriever that gave it).
    """

    def html(*values: Any) -> dict[str, str]:
        _, _, link, page, retriever = shown(*values)
        model, gallery = retriever.sources
        made_by = provenance(from_query(link), model, gallery)
        return as_file(f"{name}.html", document("HGAN", page + made_by), "text/html")

    def data(*values: Any) -> dict[str, str]:
        asked, answer, link, _, retriever = shown(*values)
        case = retriever.case(answer, state_of(asked, link))
        return as_file(f"{name}.json", json.dumps(case, ensure_ascii=False, indent=1), "application/json")

    save_button("Save as one HTML file", html, inputs)
    save_button("Save as JSON", data, inputs)


def state_of(asked: Asked, link: str) -> dict[str, str]:
    """What opens a case again: the parameters of its link, and the picture where it was uploaded."""
    state = from_query(link)
    if asked.picture is not None and asked.source is None:
        state["image"] = asked.picture.uri
    return state


def read_case_file(path: str, retriever: Retriever) -> tuple[dict[str, str], list[str]]:
    """The state of a saved case, and warnings where it came from another model or gallery.

    Raises:
        ValueError: not a case.
    """
    size = Path(path).stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"got a file of {size:,} bytes, but expected a saved case of at most {MOST_BYTES:,}")
    case, warnings = retriever.read_case(Path(path).read_bytes())
    state = case["state"]
    if not all(isinstance(value, str) for value in state.values()):
        raise ValueError("got a case with a damaged state, but expected JSON saved by this app")
    said = refusal({name: value for name, value in state.items() if name != "image"})
    if said is not None:
        raise ValueError(said)
    return state, warnings
