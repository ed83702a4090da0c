from __future__ import annotations

import pytest
import torch
from PIL import Image

import hgan.gallery.scorer
from hgan.data.folder import read_dataset
from hgan.gallery.build import build_gallery
from hgan.gallery.store import Gallery
from hgan.retrieval.retriever import Retriever
from hgan.types import LEVELS


@pytest.fixture(scope="module")
def retriever(tiny_model, tiny_processor, tiny_dataset, tmp_path_factory) -> Retriever:
    out = tmp_path_factory.mktemp("galleries") / "shapes"
    return Retriever(
        tiny_model, tiny_processor, build_gallery(tiny_model, tiny_processor, read_dataset(tiny_dataset), out, "tiny")
    )


@pytest.fixture(scope="module")
def query_picture(tiny_dataset):
    return read_dataset(tiny_dataset)[3].path


def test_hits_are_ranked_and_contributions_sum_to_the_score(retriever):
    hits = retriever.search(text="a red circle", k=12).hits
    assert [hit.rank for hit in hits] == list(range(1, 13))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len({hit.id for hit in hits}) == 12
    for hit in hits:
        assert sum(hit.contributions.values()) == pytest.approx(hit.score, abs=1e-5)
        assert hit.caption is None


def test_scores_are_those_of_the_model(retriever, tiny_model, tiny_processor, tiny_dataset):
    """The gallery stores half precision: cosines may move by 1e-3."""
    images = [Image.open(r.path).convert("RGB") for r in read_dataset(tiny_dataset)]
    with torch.no_grad():
        expected = tiny_model(**tiny_processor(images=images, text=["a red circle"])).similarity.score[:, 0]
    hits = retriever.search(text="a red circle", k=12).hits
    rows = [retriever.row(hit.id) for hit in hits]
    assert torch.allclose(torch.tensor([hit.score for hit in hits]), expected[rows], atol=2e-3)


def test_a_picture_finds_captions(retriever, query_picture):
    hits = retriever.search(image=query_picture, k=5).hits
    assert len(hits) == 5
    for hit in hits:
        item, number = hit.id.split("#")
        assert hit.caption == retriever.gallery.items[retriever.row(item)].captions[int(number)]


@pytest.mark.parametrize("kind", ["text", "image"])
def test_an_explanation_has_the_score_of_the_search_and_adds_up(retriever, query_picture, kind):
    query = retriever.encode(**({"text": "a small red box"} if kind == "text" else {"image": query_picture}))
    hit = retriever.search(query=query).hits[2]
    explained = retriever.explain(hit.id, query=query)
    assert explained.score == pytest.approx(hit.score, abs=1e-5)
    assert explained.contributions == pytest.approx(hit.contributions, abs=1e-5)
    assert explained.check["sum_error"] <= 1e-5
    total = explained.contributions["global"] + sum(map(sum, explained.local_terms))
    total += sum(node.cross for node in explained.words) + sum(node.cross for node in explained.regions)
    assert total == pytest.approx(explained.score, abs=1e-5)
    for node, row in zip(explained.words, explained.local_terms, strict=True):
        assert node.local == pytest.approx(sum(row), abs=1e-5)
    assert explained.contributions["local"] == pytest.approx(sum(n.local for n in explained.regions), abs=1e-5)


def test_graphs_of_an_explanation_have_one_node_a_word_and_region(retriever):
    explained = retriever.explain("00_red_circle", text="a red circle").to_json()
    graphs = explained["graphs"]
    assert graphs["text"]["nodes"] == ["text", "a", "red", "circle"]
    assert len(graphs["image"]["nodes"]) == 1 + len(explained["regions"])
    assert all(edge["from"] != edge["to"] for edge in graphs["image"]["edges"])


def test_level_weights_of_the_caller_re_rank(retriever):
    only = retriever.search(text="a red circle", weights={"local": 3.0}, k=12).hits
    for hit in only:
        assert hit.score == pytest.approx(hit.levels["local"], abs=1e-6)
        assert hit.contributions["global"] == 0
    explained = retriever.explain(only[0].id, text="a red circle", weights={"local": 3.0})
    assert explained.score == pytest.approx(only[0].score, abs=1e-5)


def test_background_is_that_of_the_whole_gallery(retriever):
    result = retriever.search(text="a red circle", k=12)
    scores = torch.tensor([hit.score for hit in result.hits])
    assert result.background["count"] == 12
    assert result.background["mean"] == pytest.approx(scores.mean().item(), abs=1e-5)
    assert result.background["std"] == pytest.approx(scores.std(correction=0).item(), abs=1e-5)


def test_candidates_of_a_large_gallery_get_the_exact_scores(retriever, tiny_model, tiny_processor, monkeypatch):
    exact = retriever.search(text="a red circle", k=3).hits
    monkeypatch.setattr(hgan.gallery.scorer, "EXACT_LIMIT", 5)
    large = Retriever(tiny_model, tiny_processor, Gallery(retriever.gallery.folder))
    assert [h.id for h in large.search(text="a red circle", k=3).hits] == [h.id for h in exact]
    monkeypatch.setattr(hgan.gallery.scorer, "CANDIDATES", 4)
    few = Retriever(tiny_model, tiny_processor, Gallery(retriever.gallery.folder)).search(text="a red circle", k=12)
    by_id = {hit.id: hit.score for hit in retriever.search(text="a red circle", k=12).hits}
    assert len(few.hits) == 4
    assert all(hit.score == pytest.approx(by_id[hit.id], abs=1e-5) for hit in few.hits)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither"),
        ({"text": "a", "image": b""}, "both"),
        ({"text": "  \n "}, "empty sentence"),
        ({"image": b"no picture"}, "expected a picture"),
        ({"text": "a", "k": 0}, "k=0"),
        ({"text": "a", "weights": {"local": -1.0}}, "level weights"),
        ({"text": "a", "weights": {"nonsense": 1.0}}, "level weights"),
        ({"text": "a", "weights": {"local": float("nan")}}, "level weights"),
    ],
)
def test_bad_queries_are_refused_in_plain_words(retriever, arguments, message):
    with pytest.raises(ValueError, match=message):
        retriever.search(**arguments)


def test_an_unknown_id_is_named(retriever):
    with pytest.raises(ValueError, match=r"'nobody'.*00_red_circle"):
        retriever.explain("nobody", text="a red circle")


def test_a_sentence_of_10000_words_is_cut_with_a_notice(retriever):
    result = retriever.search(text="red " * 10_000)
    assert "cut" in result.notices[0]
    assert "10,000" in result.notices[0]


def test_emoji_alone_still_find_something(retriever):
    assert retriever.search(text="🚗🐶").hits


def test_a_gallery_without_captions_says_what_a_picture_needs(tiny_model, tiny_processor, tmp_path, picture):
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture(1).save(folder / "one.png")
    gallery = build_gallery(tiny_model, tiny_processor, read_dataset(folder), tmp_path / "g", "tiny")
    bare = Retriever(tiny_model, tiny_processor, gallery)
    assert bare.search(text="a red circle").hits[0].id == "one"
    with pytest.raises(ValueError, match="no captions"):
        bare.search(image=folder / "one.png")
    assert set(bare.level_weights) == set(LEVELS)
