"""One-click edits of a sentence."""

from __future__ import annotations

import pytest

from hgan.retrieval import edits


def test_edits_of_a_sentence() -> None:
    assert edits.drop("a red car", [1]) == "a car"
    assert edits.swap("a red car", [1, 2]) == "a car red"
    assert edits.negate("A dog is here", [0, 2, 3]) == "No dog is not not here"
    assert edits.reverse("a red car") == "car red a"
    for wrong in (lambda: edits.drop("a", [0]), lambda: edits.swap("a b", [0]), lambda: edits.negate("a", [])):
        with pytest.raises(ValueError, match="expected"):
            wrong()
