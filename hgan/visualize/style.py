"""The style sheet of what is drawn. It takes its colours from the page around it, light or dark."""

from __future__ import annotations

from ..io.static import read_static

SHEETS = (  # the later one wins where two say different things
    "base.css",
    "charts.css",
    "tables.css",
    "matches.css",
    "linked.css",
    "changes.css",
    "failures.css",
    "about.css",
    "classroom.css",
    "own_gallery.css",
)
CSS = "\n".join(read_static("hgan.visualize", name) for name in SHEETS)
