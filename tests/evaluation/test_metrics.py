from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hgan.data.record import CaptionFact, Record
from hgan.evaluation.metrics import (
    image_indices,
    image_to_text_ranks,
    places,
    recall,
    retrieval_metrics,
    tags_of,
    text_to_image_ranks,
    truth_of,
)

# Three pictures (rows), four sentences; the first picture has two sentences. Ties are on purpose.
TABLE = torch.tensor([[0.9, 0.2, 0.5, 0.9], [0.9, 0.8, 0.7, 0.1], [0.1, 0.3, 0.7, 0.6]])
OWNER = torch.tensor([0, 0, 1, 2])


def test_ranks_of_pictures_for_each_sentence_are_those_counted_by_hand():
    # 0.9 ties with another picture; 0.2 is last; 0.7 ties; 0.6 is behind 0.9
    assert text_to_image_ranks(TABLE, OWNER).tolist() == [2, 3, 2, 2]


def test_ranks_of_the_best_own_sentence_for_each_picture_are_those_counted_by_hand():
    # own 0.9 ties with a foreign 0.9; own 0.7 is behind 0.9 and 0.8; own 0.6 is behind 0.7
    assert image_to_text_ranks(TABLE, OWNER).tolist() == [2, 3, 2]


def test_another_sentence_of_the_same_picture_never_stands_in_the_way():
    assert image_to_text_ranks(torch.tensor([[0.9, 0.9, 0.8, 0.1]]), torch.tensor([0, 0, 0, 0])).tolist() == [1]


def test_any_true_picture_is_a_hit_and_none_of_them_stands_in_the_way():
    # the second sentence is true of the last two pictures, the fourth of all but the second
    truth = torch.tensor([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]]).bool()
    assert text_to_image_ranks(TABLE, OWNER, truth).tolist() == [2, 1, 2, 1]
    assert image_to_text_ranks(TABLE, OWNER, truth).tolist() == [1, 2, 2]


def pictures() -> list[Record]:
    """a: two captions with facts, the second true of b too; b: one caption of which nothing is known; c: none."""
    facts = (CaptionFact("full", frozenset("a")), CaptionFact("place", frozenset(("b", "elsewhere"))))
    captions = {"a": ("a0", "a1"), "b": ("b0",), "c": ()}
    return [Record(id_, id_, Path(id_), None, captions[id_], None, facts if id_ == "a" else None) for id_ in "abc"]


def test_a_caption_is_true_of_its_own_picture_and_of_those_that_facts_name():
    assert truth_of(pictures()).tolist() == [[True, True, False], [False, True, True], [False, False, False]]
    assert image_indices(pictures()).tolist() == [0, 0, 1]
    assert tags_of(pictures()) == ["full", "place", None]


@given(data=st.data(), queries=st.integers(1, 5), answers=st.integers(1, 6))
def test_places_name_the_best_true_and_the_best_wrong_answer(data, queries, answers):
    rows = st.lists(st.integers(0, 3), min_size=answers, max_size=answers)
    table = torch.tensor([data.draw(rows) for _ in range(queries)]).float()
    truth = torch.tensor([data.draw(rows) for _ in range(queries)]) > 1
    found = places(table, truth)
    for scores, true, rank, right, wrong in zip(
        table.tolist(), truth.tolist(), found.rank.tolist(), found.truth.tolist(), found.wrong.tolist(), strict=True
    ):
        others = [score for score, is_true in zip(scores, true, strict=True) if not is_true]
        assert (wrong == -1) == all(true)
        assert wrong == -1 or (not true[wrong] and scores[wrong] == max(others))
        assert rank == (1 + sum(score >= scores[right] for score in others) if any(true) else 0)
        assert not any(true) or (true[right] and scores[right] == max(s for s, t in zip(scores, true) if t))  # noqa: B905


def test_recalls_and_median_are_those_counted_by_hand():
    r = recall(torch.tensor([1, 6, 1, 11, 2, 3]))
    assert (r.r1, r.r5, r.r10) == pytest.approx((100 / 3, 200 / 3, 500 / 6))
    assert r.medr == 2.5
    assert r.sum == pytest.approx(100 / 3 + 200 / 3 + 500 / 6)


def test_the_two_directions_are_not_mixed_up():
    # both sentences find their picture; the first picture finds the other's sentence
    metrics = retrieval_metrics(torch.tensor([[0.5, 0.6], [0.4, 0.9]]), torch.tensor([0, 1]))
    assert (metrics.image_to_text.r1, metrics.text_to_image.r1) == (50, 100)


def test_a_perfect_table_has_an_rsum_of_600():
    assert retrieval_metrics(torch.eye(12), torch.arange(12)).rsum == 600


def test_a_model_that_scores_everything_alike_gets_no_credit():
    metrics = retrieval_metrics(torch.zeros(20, 20), torch.arange(20))
    assert metrics.rsum == 0
    assert metrics.text_to_image.medr == 20


def test_pictures_without_sentences_are_distractors_and_not_queries():
    table = torch.tensor([[0.5, 0.1], [0.9, 0.2], [0.1, 0.8]])
    metrics = retrieval_metrics(table, torch.tensor([0, 2]))
    assert metrics.image_to_text.r1 == 100
    assert metrics.text_to_image.r1 == 50


def slow_ranks(table: torch.Tensor, image_index: torch.Tensor) -> tuple[list[int], list[int]]:
    """The definition, one query at a time: everything foreign that scores as much stands before the truth."""
    texts, images = range(table.shape[1]), range(table.shape[0])
    to_image = [
        1 + sum(bool(table[i, t] >= table[image_index[t], t]) for i in images if i != image_index[t]) for t in texts
    ]
    to_text = []
    for i in images:
        own = [table[i, t] for t in texts if image_index[t] == i]
        foreign = [table[i, t] for t in texts if image_index[t] != i]
        to_text.append(1 + sum(bool(s >= max(own)) for s in foreign) if own else 0)
    return to_text, to_image


@given(data=st.data(), images=st.integers(1, 5), texts=st.integers(1, 8))
def test_ranks_equal_the_definition_on_tables_full_of_ties(data, images, texts):
    cell = st.integers(0, 3).map(float)
    table = torch.tensor(
        data.draw(st.lists(st.lists(cell, min_size=texts, max_size=texts), min_size=images, max_size=images))
    )
    image_index = torch.tensor(data.draw(st.lists(st.integers(0, images - 1), min_size=texts, max_size=texts)))
    to_text, to_image = slow_ranks(table, image_index)
    assert image_to_text_ranks(table, image_index).tolist() == to_text
    assert text_to_image_ranks(table, image_index).tolist() == to_image


def test_metrics_as_plain_data_hold_both_directions_and_their_sum():
    metrics = retrieval_metrics(TABLE, OWNER)
    data = metrics.to_json()
    assert data["rsum"] == metrics.rsum
    assert data["text_to_image"] == {"r1": 0.0, "r5": 100.0, "r10": 100.0, "medr": 2.0}


@pytest.mark.parametrize(
    ("table", "image_index"),
    [
        (torch.zeros(2, 3), [0, 1]),
        (torch.zeros(2, 2), [0, 2]),
        (torch.zeros(2, 2), [0, -1]),
        (torch.zeros(4), [0, 1, 2, 3]),
    ],
    ids=["too few image_indices", "image_index beyond the table", "negative image_index", "no table"],
)
def test_a_table_that_does_not_fit_its_owners_is_refused(table, image_index):
    with pytest.raises(ValueError, match="got a table of shape"):
        retrieval_metrics(table, torch.tensor(image_index))


def test_a_table_without_sentences_is_refused():
    with pytest.raises(ValueError, match=r"got a table of shape \(2, 0\) and 0 records"):
        retrieval_metrics(torch.zeros(2, 0), torch.zeros(0, dtype=torch.long))


def test_recalls_of_no_query_at_all_are_refused():
    with pytest.raises(ValueError, match="got no query with a known truth"):
        recall(torch.tensor([0, 0]))


def test_scores_that_are_not_numbers_get_no_rank_but_an_error():
    table = TABLE.clone()
    table[1, 1] = float("nan")
    with pytest.raises(ValueError, match="got 1 scores that are not a number"):
        retrieval_metrics(table, OWNER)
