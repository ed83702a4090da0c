from __future__ import annotations

import pytest
import torch

from hgan.data.truth import Group
from hgan.evaluation.by_tag import hard_group_results, recall_by_tag

# Four pictures (rows), five captions.
TABLE = torch.tensor(
    [
        [0.9, 0.1, 0.5, 0.5, 0.2],
        [0.8, 0.9, 0.5, 0.6, 0.1],
        [0.1, 0.2, 0.3, 0.4, 0.3],
        [0.7, 0.3, 0.2, 0.1, 0.9],
    ]
)
TRUTH = torch.tensor(
    [
        [True, False, True, True, False],
        [True, False, False, False, False],
        [False, True, True, False, False],
        [False, False, False, False, False],
    ]
)
TAGS = ["full", "full", "objects", "objects", "lost"]
OWNER = torch.tensor([0, 2, 2, 0, 3])


def test_a_hit_is_any_picture_that_the_caption_is_true_of():
    found = recall_by_tag(TABLE, TRUTH, TAGS)
    # ranks: 1 (both true ones lead), 3 (0.2 behind 0.9 and 0.3), 2 (0.5 ties with a wrong one), 2 (0.5 behind 0.6)
    assert found["full"].recall.r1 == 50
    assert found["objects"].recall.r1 == 0
    assert found["objects"].recall.r5 == 100
    assert found["full"].chance == pytest.approx((50 + 25) / 2)


def test_a_caption_true_of_no_picture_here_is_left_out():
    assert list(recall_by_tag(TABLE, TRUTH, TAGS)) == ["full", "objects"]


def test_a_caption_of_which_nothing_is_known_is_of_no_tag():
    assert recall_by_tag(TABLE, TRUTH, [None, *TAGS[1:]])["full"].captions == 1


def test_groups_ask_only_their_own_captions_against_their_own_pictures():
    found = hard_group_results(TABLE, TRUTH, OWNER, {Group("g1", "count"): [0, 1], Group("g2", "place"): [2, 3]})
    # g1 asks its caption 3 (caption 0 is true of both): 0.5 against 0.6. g2 asks 1 (0.2 against 0.3) and 2 (0.3 against 0.2).
    assert found["count"].to_json() == {"groups": 1, "captions": 1, "first": 0.0, "whole": 0.0, "chance": 50.0}
    assert (found["place"].captions, found["place"].first, found["place"].whole) == (2, 50.0, 0.0)
    assert (found["all"].groups, found["all"].captions) == (2, 3)
    assert found["all"].first == pytest.approx(100 / 3)
    assert list(found) == ["count", "place", "all"]


def test_a_group_is_whole_when_every_caption_finds_its_picture():
    table = torch.eye(2)
    found = hard_group_results(table, table.bool(), torch.arange(2), {Group("g", "count"): [0, 1]})
    assert (found["count"].first, found["count"].whole) == (100, 100)


def test_parts_of_a_kind_count_the_captions_that_belong_to_them():
    groups = {Group("g1", "count"): [0, 1], Group("g2", "count"): [2, 3]}
    parts = [["never asked"], ["on"], ["on", "kept pair"], [], ["on"]]
    found = hard_group_results(TABLE, TRUTH, OWNER, groups, parts)
    assert list(found) == ["count", "count: kept pair", "count: on", "all"]
    assert (found["count: on"].groups, found["count: on"].captions, found["count: on"].first) == (1, 2, 50.0)
    assert (found["count: kept pair"].captions, found["count: kept pair"].first) == (1, 100.0)
    assert (found["count"].captions, found["all"].captions) == (3, 3)  # each caption once


def test_a_model_that_scores_everything_alike_gets_no_group_right():
    found = hard_group_results(torch.zeros(2, 2), torch.eye(2).bool(), torch.arange(2), {Group("g", "count"): [0, 1]})
    assert found["count"].first == 0


def test_a_group_that_no_caption_tells_apart_is_left_out():
    truth = torch.ones(2, 2, dtype=torch.bool)
    assert hard_group_results(torch.eye(2), truth, torch.arange(2), {Group("g", "count"): [0, 1]}) == {}


def test_truth_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"got a table of shape \(4, 5\), truth of shape \(4, 4\)"):
        recall_by_tag(TABLE, TRUTH[:, :4], TAGS)
