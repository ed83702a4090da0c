"""Captions made false by one change."""

from __future__ import annotations

import random

import pytest

from hgan.data.hard_negatives import falsify


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A ball on the left of a box.", {"A ball on the right of a box."}),
        ("A dog behind a box", {"A dog in front of a box"}),
        ("An orange ball and a red box", {"A red ball and an orange box"}),
        ("Two dogs in the snow", {"Three dogs in the snow", "Four dogs in the snow"}),
        ("Two cats left of it", {"Two cats right of it", "Three cats left of it", "Four cats left of it"}),
        ("A white dog and a brown dog", {None}),  # exchanged it says the same
        ("A bush right beside a table", {None}),
        ("A kitchen at night", {None}),
    ],
)  # fmt: skip
def test_a_caption_is_made_false_by_its_sides_colours_or_numbers(caption, expected):
    assert {falsify(caption, random.Random(seed)) for seed in range(40)} == expected
