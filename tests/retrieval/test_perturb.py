from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hgan.io.images import open_image
from hgan.model.similarity import similarity
from hgan.retrieval.perturb import image_graph, regions_of, text_graph, words_of

ID, TEXT = "03_green_square", "a small green box on the left"


@pytest.fixture(scope="module")
def query(tiny_retriever):
    return tiny_retriever.encode(TEXT)


@pytest.fixture(scope="module")
def regions(tiny_retriever):
    """Of the picture as what-if sees it: the gallery's thumbnail."""
    gallery = tiny_retriever.gallery
    return regions_of(tiny_retriever.model, open_image(gallery.thumbnail(gallery.row_of[ID])))


def score_of(retriever, image, text) -> float:
    return similarity(image, text, retriever.parameters).score.item()


def without(record, names, index):
    keep = [n for n in range(record.mask.shape[1]) if n != index]
    return replace(record, **{name: getattr(record, name)[:, keep] for name in names})


@pytest.mark.parametrize("index", [0, 3])
def test_a_switched_off_region_gives_what_regions_without_it_give(tiny_retriever, query, regions, index):
    fewer = without(regions, ("features", "boxes", "mask", "kinds", "labels", "scores"), index)
    expected = score_of(tiny_retriever, image_graph(tiny_retriever.model, fewer), query.graph)
    result = tiny_retriever.what_if(ID, query, regions_off=[index])
    assert result.after.score == pytest.approx(expected, abs=1e-5)
    assert abs(result.change) > 1e-4
    assert result.change == pytest.approx(result.after.score - result.before.score)


def test_a_switched_off_last_word_gives_what_words_without_it_give(tiny_retriever, query, regions):
    words = words_of(tiny_retriever.model, tiny_retriever.processor, TEXT)
    fewer = without(words, ("features", "mask"), 6)
    text = text_graph(tiny_retriever.model, fewer)
    expected = score_of(tiny_retriever, image_graph(tiny_retriever.model, regions), text)
    result = tiny_retriever.what_if(ID, query, words_off=[6])
    assert result.after.score == pytest.approx(expected, abs=1e-5)
    assert abs(result.change) > 1e-4


def test_nodes_keep_their_places_and_what_is_off_has_no_term(tiny_retriever, query):
    result = tiny_retriever.what_if(ID, query, words_off=[2], regions_off=[1, 3])
    before, after = result.before, result.after
    for group, off in (("words", {2}), ("regions", {1, 3})):
        old, new = getattr(before, group), getattr(after, group)
        assert [node.label for node in new] == [node.label for node in old]
        assert [node.index for node in new] == list(range(len(new)))
        assert {node.index for node in new if node.weight == node.local == node.cross == 0} == off
    assert all(row[1] == row[3] == 0 for row in after.local_terms)
    assert after.local_terms[2] == [0] * len(after.regions)
    assert after.image_edges[2][0] == after.image_edges[0][2] == 0
    assert after.check["sum_error"] <= 1e-5


def test_explained_is_the_sum_of_the_terms_that_went_each_once(tiny_retriever, query):
    result = tiny_retriever.what_if(ID, query, words_off=[2], regions_off=[1])
    before = result.before
    expected = before.words[2].total + before.regions[1].total - before.local_terms[2][1]
    assert result.explained == pytest.approx(expected, abs=1e-6)


def test_with_nothing_changed_nothing_changes(tiny_retriever, query):
    result = tiny_retriever.what_if(ID, query)
    assert result.change == 0
    assert result.explained is None
    assert result.rank_before == result.rank_after
    assert result.after.words == result.before.words


@pytest.mark.parametrize("side", ["image", "text"])
def test_a_switched_off_edge_carries_nothing_either_way(tiny_retriever, query, side):
    result = tiny_retriever.what_if(ID, query, edges_off=[(side, 1, 2)])
    old, new = getattr(result.before, f"{side}_edges"), getattr(result.after, f"{side}_edges")
    assert min(old[1][2], old[2][1]) > 0
    assert new[1][2] == new[2][1] == 0
    assert sum(new[1]) == pytest.approx(1, abs=1e-5)
    assert result.change != 0
    assert result.explained is None


def test_an_edge_mask_that_hides_nothing_changes_nothing(tiny_retriever, regions):
    nodes = regions.mask.shape[1] + 1
    with torch.no_grad():
        plain = tiny_retriever.model.graph_of_regions(regions)
        masked = tiny_retriever.model.graph_of_regions(regions, torch.ones(1, nodes, nodes, dtype=torch.bool))
    assert torch.equal(plain.nodes, masked.nodes)
    assert torch.equal(plain.edges, masked.edges)


def test_another_sentence_is_scored_as_a_query_of_its_own(tiny_retriever, query, regions):
    other = "a big red circle"
    result = tiny_retriever.what_if(ID, query, text=other, words_off=[])
    expected = score_of(tiny_retriever, image_graph(tiny_retriever.model, regions), tiny_retriever.encode(other).graph)
    assert result.before.caption == TEXT
    assert result.after.caption == other
    assert [node.label for node in result.after.words] == other.split()
    assert result.after.score == pytest.approx(expected, abs=1e-5)


def test_words_off_are_those_of_the_new_sentence(tiny_retriever, query):
    result = tiny_retriever.what_if(ID, query, text="one two three", words_off=[2])
    assert [node.weight > 0 for node in result.after.words] == [True, True, False]
    with pytest.raises(ValueError, match="word 3 to switch off, but expected one of 0 to 2"):
        tiny_retriever.what_if(ID, query, text="one two three", words_off=[3])


def test_the_rank_is_among_the_scores_of_the_others(tiny_retriever, query):
    result = tiny_retriever.what_if(ID, query, regions_off=[0, 1, 2])
    others = [hit.score for hit in tiny_retriever.search(query=query, k=12).hits if hit.id != ID]
    assert result.rank_before == 1 + sum(score > result.before.score for score in others)
    assert result.rank_after == 1 + sum(score > result.after.score for score in others)


def test_a_picture_query_loses_a_region_of_its_own(tiny_retriever, picture):
    image = tiny_retriever.encode(image=picture(7))
    hit = tiny_retriever.search(query=image).hits[1]
    result = tiny_retriever.what_if(hit.id, image, regions_off=[0])
    assert result.before.score == pytest.approx(hit.score, abs=2e-3)
    assert result.before.id == hit.id
    assert result.after.regions[0].total == 0
    assert result.rank_before == 2


def test_a_score_that_moved_by_encoding_again_is_noticed(tiny_retriever, query):
    result = tiny_retriever.what_if(ID, query)
    stored = next(hit.score for hit in tiny_retriever.search(query=query, k=12).hits if hit.id == ID)
    assert result.stored == pytest.approx(stored, abs=1e-5)
    assert any("encoded again" in notice for notice in result.notices) == (abs(result.before.score - stored) > 1e-3)


def test_without_any_word_or_region_the_score_stays_a_number(tiny_retriever, query):
    regions = len(tiny_retriever.what_if(ID, query).before.regions)
    result = tiny_retriever.what_if(ID, query, words_off=range(7), regions_off=range(regions))
    assert result.after.score == pytest.approx(result.after.contributions["global"], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"words_off": [7]}, "word 7"),
        ({"regions_off": [-1]}, "region -1"),
        ({"edges_off": [("image", 0, 0)]}, "two different nodes"),
        ({"edges_off": [("image", 0, 99)]}, "0-99"),
        ({"edges_off": [("picture", 0, 1)]}, "'image', 'text' or 'relation'"),
        ({"text": "  "}, "empty sentence"),
    ],
)
def test_what_is_not_there_cannot_be_switched_off(tiny_retriever, query, arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_retriever.what_if(ID, query, **arguments)
