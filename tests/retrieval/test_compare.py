from __future__ import annotations

import math

import pytest

from hgan.data.folder import read_dataset


@pytest.fixture(scope="module", params=["text", "image"])
def compared(request, tiny_retriever, tiny_dataset):
    """One comparison of each kind of query: the first and the third match."""
    image = read_dataset(tiny_dataset)[3].path
    query = tiny_retriever.encode(**({"text": "a small red box"} if request.param == "text" else {"image": image}))
    hits = tiny_retriever.search(query=query).hits
    return hits, query, tiny_retriever.compare(hits[0].id, hits[2].id, query)


def test_levels_and_nodes_each_add_up_to_the_difference_of_the_scores(compared):
    hits, _, comparison = compared
    assert comparison.difference == pytest.approx(hits[0].score - hits[2].score, abs=1e-5)
    assert abs(comparison.difference) > 1e-4
    nodes = comparison.words or comparison.regions
    for steps in (comparison.levels, nodes):
        assert math.fsum(step.value for step in steps) == pytest.approx(comparison.difference, abs=1e-5)
    assert max(comparison.check.values()) <= 1e-5


def test_what_both_pairs_share_is_subtracted_node_by_node(compared):
    _, query, comparison = compared
    if query.sentence is not None:
        steps, a, b = comparison.words, comparison.a.words, comparison.b.words
        assert comparison.regions == comparison.words_a == comparison.words_b == []
    else:
        steps, a, b = comparison.regions, comparison.a.regions, comparison.b.regions
        assert comparison.words == comparison.regions_a == comparison.regions_b == []
    nodes = [step for step in steps if step.index is not None]
    assert [step.label for step in nodes] == [node.label for node in a]
    for step, x, y in zip(nodes, a, b, strict=True):
        assert step.value == pytest.approx((x.local + x.cross) - (y.local + y.cross), abs=1e-6)


def test_what_differs_counts_for_a_and_against_b(compared):
    _, query, comparison = compared
    for_a, for_b, a, b = (
        (comparison.regions_a, comparison.regions_b, comparison.a.regions, comparison.b.regions)
        if query.sentence is not None
        else (comparison.words_a, comparison.words_b, comparison.a.words, comparison.b.words)
    )
    assert [step.value for step in for_a] == pytest.approx([node.total for node in a])
    assert [step.value for step in for_b] == pytest.approx([-node.total for node in b])


def test_turned_around_every_step_changes_its_sign(compared, tiny_retriever):
    hits, query, comparison = compared
    turned = tiny_retriever.compare(hits[2].id, hits[0].id, query)
    assert turned.difference == pytest.approx(-comparison.difference)
    for name in ("levels", "words", "regions"):
        ours, theirs = getattr(comparison, name), getattr(turned, name)
        assert [step.value for step in theirs] == pytest.approx([-step.value for step in ours], abs=1e-6)


def test_level_weights_of_the_caller_hold_for_both(tiny_retriever):
    query = tiny_retriever.encode("a red circle")
    ids = [hit.id for hit in tiny_retriever.search(query=query).hits[:2]]
    only = tiny_retriever.compare(*ids, query, weights={"cross": 1.0})
    assert [step.value for step in only.levels] == pytest.approx([0, 0, only.difference], abs=1e-6)


def test_an_unknown_match_is_named(tiny_retriever):
    query = tiny_retriever.encode("a red circle")
    with pytest.raises(ValueError, match="'nobody', which is not in gallery shapes"):
        tiny_retriever.compare("00_red_circle", "nobody", query)
