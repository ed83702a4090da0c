"""Boxes that move with a crop or a mirror image."""

from __future__ import annotations

import pytest

from hgan.data.augment import move_boxes
from hgan.data.folder import Box

# augmentation


def test_boxes_move_with_a_crop():
    (moved,) = move_boxes((Box((0.4, 0.2, 0.6, 0.6), "dog", 0.9),), (0.2, 0.2, 0.7, 0.7), mirror=False)
    assert moved.box == pytest.approx((0.4, 0.0, 0.8, 0.8))
    assert (moved.label, moved.score) == ("dog", 0.9)


def test_boxes_move_with_a_mirror():
    (moved,) = move_boxes((Box((0.1, 0.2, 0.4, 0.6), "dog"),), (0, 0, 1, 1), mirror=True)
    assert moved.box == pytest.approx((0.6, 0.2, 0.9, 0.6))


def test_a_box_is_cut_at_the_edge_of_the_crop_and_left_out_below_a_quarter():
    half, fifth = Box((0.2, 0.5, 0.4, 0.7), "half"), Box((0.14, 0.5, 0.34, 0.7), "fifth")
    moved = move_boxes((half, fifth), (0.3, 0.0, 0.8, 1.0), mirror=False)
    assert [m.label for m in moved] == ["half"]
    assert moved[0].box == pytest.approx((0.0, 0.5, 0.2, 0.7))


def test_a_box_without_area_is_left_out():
    assert move_boxes((Box((0.3, 0.3, 0.3, 0.9), "line"),), (0, 0, 1, 1), mirror=False) == []
