"""What the pages about matches share: the list to choose from, and whether their own choices still fit what was asked."""

from __future__ import annotations

from typing import Any

from ...retrieval.results import SearchResult
from ...retrieval.retriever import Retriever
from .context import Asked
from .links import OWN_GALLERY

LISTED = 20  # matches to choose from
Seen = tuple[str, dict[str, str]]  # what a page showed last: the question, and the parameters of the link it used


def choices(result: SearchResult) -> list[tuple[str, str]]:
    """Matches for a dropdown: what is shown, and the id."""
    return [(f"{hit.rank}. {hit.caption or hit.id} ({hit.score:.3f})", hit.id) for hit in result.hits]


def question(asked: Asked, retriever: Retriever) -> str:
    """Tells one question to one gallery from another."""
    return f"{asked.parameters} {asked.query.label} {retriever.gallery.folder}"


def newly(arrived: dict[str, str], used: dict[str, str] | None, tab: str) -> dict[str, str]:
    """The parameters that a link or a saved case brought for this page, if they have not been used yet.

    Args:
        used: the parameters that the page used last.
    """
    return arrived if arrived != used and arrived.get("tab") == tab else {}


def gallery_in_link(session: Any) -> str | None:
    """The `gallery` of a link: says where the visitor's own one was searched, which nobody else can open."""
    return OWN_GALLERY if session is not None and session.chosen else None
