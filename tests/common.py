"""What tests of several packages share and no fixture has to make."""

from __future__ import annotations

from typing import Any

from hgan.retrieval.results import QueryRow

SENTENCE = "a red circle on the left of a blue square"
SCRIPT = '<script>alert(1)</script> a red "circle" ${1+1} {{value}} <img src=x onerror=alert(1)>'


def assert_safe(page: str) -> None:
    """Nothing of SCRIPT has become code."""
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "${" not in page
    assert "{{" not in page


# Error analysis


def row(**changes: Any) -> QueryRow:
    given = {"direction": "text_to_image", "query_id": "p#0", "query_label": "a dog", "tag": "full", "rank": 3}
    known = {"truth_id": "p", "best_wrong_id": "q", "margin": -0.1, "lost_by": "local"}
    return QueryRow(**{**given, **known, **changes})
