"""A page as one HTML file that works on its own."""

from __future__ import annotations

from collections.abc import Mapping

from ..io.static import read_static
from ..retrieval.case import Source
from .charts import escape
from .linked import SCRIPT
from .style import CSS


def provenance(state: Mapping[str, str], model: Source, gallery: Source) -> str:
    """Where a saved page came from, for its last line."""
    parameters = ", ".join(f"{name} {escape(value, 120)}" for name, value in state.items())
    sources = ", ".join(
        f"{what} {escape(source.name)} <code>{source.sha256[:12]}</code>"
        for what, source in (("model", model), ("gallery", gallery))
    )
    return f'<section class="hg"><p class="hg-small">Saved from {sources}; {parameters}.</p></section>'


def document(title: str, body: str) -> str:
    """A page as one HTML file that works on its own: styles, script and pictures inside, and no requests.

    Args:
        body: HTML made by this package, with its pictures inside.
    """
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{read_static('hgan.visualize', 'document.css')}{CSS}</style></head>"
        f"<body>{body}<script>const element = document.body;\n{SCRIPT}</script></body></html>"
    )
