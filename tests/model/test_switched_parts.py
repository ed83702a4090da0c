"""The parts that a configuration switches on: edge terms, edges in the values, soft counts, content words, levels apart."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from hgan import HGANConfig, HGANModel, HGANProcessor
from hgan.checkpoint import fingerprint, load, save_checkpoint
from hgan.cli.report import explanation_lines
from hgan.data.folder import read_dataset
from hgan.data.phrases import GroundedPhrase
from hgan.data.readable import encode_records
from hgan.encoding import encode_texts
from hgan.evaluation.faithfulness.edges import point_edges
from hgan.function_words import content_of
from hgan.gallery.build import build_gallery
from hgan.gallery.store import Gallery
from hgan.model.edge_terms import EdgeTerms
from hgan.model.predicates import places_between
from hgan.model.similarity import pair_terms
from hgan.retrieval.perturb import words_of
from hgan.retrieval.retriever import Retriever
from hgan.types import TextEdges

SENTENCE = "a big red circle on the left of a small blue square"
NEW = {
    "edge_words": 4, "edge_things": 4, "edge_dim": 8, "edge_values": True, "counts": True, "content_words": True,
    "levels_apart": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tiny_config, tiny_model) -> HGANModel:
    config = HGANConfig.from_dict({**tiny_config.to_dict(), **NEW})
    torch.manual_seed(0)
    model = HGANModel(config)
    model.load_state_dict(tiny_model.state_dict(), strict=False)
    with torch.no_grad():
        model.predicates.out.weight.normal_()
        model.predicates.out.bias.normal_()
        model.soft_count.out.weight.normal_()
        for layers in (model.image_graph, model.text_graph):
            for layer in layers:
                layer.edge_value.weight.normal_(std=0.2)
    return model.eval()


@pytest.fixture(scope="module")
def processor(model, tiny_tokenizer) -> HGANProcessor:
    return HGANProcessor.from_config(model.config, tiny_tokenizer)


@pytest.fixture(scope="module")
def retriever(model, processor, tiny_dataset, tmp_path_factory) -> Retriever:
    out = tmp_path_factory.mktemp("galleries") / "new"
    build_gallery(model, processor, read_dataset(tiny_dataset), out, "new")
    return Retriever(model, processor, Gallery(out))


def test_a_sentence_in_a_batch_is_the_sentence_alone(model, processor, sentences):
    together = encode_texts(model, processor, sentences)
    for row, text in enumerate(sentences):
        alone = encode_texts(model, processor, [text])
        nodes = alone.mask.shape[1]
        torch.testing.assert_close(together.nodes[row, :nodes], alone.nodes[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(together.relations.weight[row], alone.relations.weight[0], atol=1e-5, rtol=1e-4)
        both = together.relations.predicate[row], alone.relations.predicate[0]
        torch.testing.assert_close(*both, atol=1e-5, rtol=1e-4)
        total = alone.relations.weight.sum() + alone.relations.null_weight
        assert total.item() == pytest.approx(1)


def test_function_words_make_no_node_and_predicates_hear_them(model, processor):
    on, under = (encode_texts(model, processor, [f"a dog {word} a red box"]) for word in ("left", "right"))
    assert on.words[0].tolist() == [1, 4, 5]
    assert processor.read("a dog left a red box").node_of(4) == 1
    assert processor.read("a dog left a red box").node_of(3) is None
    assert (on.relations.predicate - under.relations.predicate).abs().max() > 1e-3


def test_the_predicate_reads_the_states_of_function_words(model, processor):
    words = words_of(model, processor, "a dog left of a cat")
    changed = words.features.clone()
    changed[:, 2] += 1.0  # "left", after the text encoder
    graphs = [model.graph_of_words(replace(words, features=features)) for features in (words.features, changed)]
    torch.testing.assert_close(graphs[0].nodes, graphs[1].nodes)
    assert (graphs[0].relations.predicate - graphs[1].relations.predicate).abs().max() > 1e-3


def test_a_sentence_of_function_words_alone_keeps_them(model, processor, retriever):
    assert content_of(["on", "the", "left"]) == (True, True, True)
    assert content_of(["On", "the", "dog"]) == (False, False, True)
    assert encode_texts(model, processor, ["on the left"]).mask.sum() == 3
    assert retriever.search(text="on the left").hits[0].score != 0


def test_the_places_between_two_words():
    places = places_between(torch.tensor([[1]]), torch.tensor([[3]]), 5)[0, 0, :, 2:]
    assert places.argmax(1).tolist() == [0, 1, 2, 3, 4]
    assert places.sum() == 5


def test_all_pairs_of_the_most_salient_words_are_edges_in_their_order(model, processor):
    edges = encode_texts(model, processor, [SENTENCE, "a dog and a cat", "a dog"]).relations
    assert edges.mask.sum(1).tolist() == [6, 1, 0]
    assert (edges.first < edges.second)[edges.mask].all()
    assert edges.null_weight[2] == 1
    assert edges.predicate.norm(dim=-1).max() < 0.5


def test_pictures_in_a_batch_are_the_pictures_alone(model, tiny_dataset):
    records = read_dataset(tiny_dataset)[:5]
    together = encode_records(model, records)
    for row, record in enumerate(records):
        alone = encode_records(model, [record])
        nodes = alone.mask.shape[1]
        torch.testing.assert_close(together.nodes[row, :nodes], alone.nodes[0], atol=1e-4, rtol=1e-3)


def test_two_like_things_count_two(model):
    soft = model.soft_count
    features = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    boxes = torch.tensor([[[0.0, 0.0, 0.2, 0.2], [0.5, 0.0, 0.7, 0.2], [0.8, 0.8, 1.0, 1.0], [0.0, 0.0, 0.2, 0.2]]])
    things = torch.tensor([[True, True, True, True]])
    change = soft(features, boxes, things) - soft.out.bias
    counts = (change.norm(dim=-1) / soft.out.weight.norm()).detach()
    assert counts[0, 0].expm1().item() == pytest.approx(1, abs=0.1)  # the second box on the same thing does not count
    assert counts[0, 2].expm1().item() == pytest.approx(0, abs=0.1)
    alone = soft(features, boxes, torch.tensor([[True, False, False, False]]))
    assert alone[0, 1:].abs().max() == 0


def test_the_checkpoint_comes_back_with_its_parts(model, processor, tmp_path):
    save_checkpoint(model, processor, tmp_path / "new")
    loaded, reader = load(tmp_path / "new", "cpu")
    assert fingerprint(loaded) == fingerprint(model)
    assert reader.content_words
    graphs = [encode_texts(m, p, [SENTENCE]) for m, p in ((loaded, reader), (model, processor))]
    torch.testing.assert_close(graphs[0].relations.predicate, graphs[1].relations.predicate, atol=2e-2, rtol=0.1)


def test_settings_that_change_an_encoding_change_the_fingerprint(model):
    other = copy.deepcopy(model)
    other.config.content_words = False
    assert fingerprint(other) != fingerprint(model)


def test_search_and_explanation_agree_and_everything_adds_up(retriever):
    for hit in retriever.search(text=SENTENCE, k=12).hits:
        found = retriever.explain(hit.id, text=SENTENCE)
        assert found.score == pytest.approx(hit.score, abs=1e-4)
        local, edges = sum(map(sum, found.local_terms)), sum(edge.total for edge in found.edges)
        cross = sum(node.cross for node in (*found.words, *found.regions))
        assert found.contributions["global"] + local + edges + cross == pytest.approx(found.score, abs=1e-5)
        assert local + edges == pytest.approx(found.contributions["local"], abs=1e-5)
        assert cross == pytest.approx(found.contributions["cross"], abs=1e-5)
        assert found.check["sum_error"] < 1e-5
        assert all(word.total == 0 for word in found.words if word.kind == "function")


def test_edges_of_an_explanation_name_words_and_regions(retriever):
    hits = retriever.search(text=SENTENCE, k=12).hits
    found = next(e for hit in hits if (e := retriever.explain(hit.id, text=SENTENCE)).edges[0].pairs)
    assert found.edges == sorted(found.edges, key=lambda edge: -edge.total)
    edge = found.edges[0]
    assert edge.label == f"{found.words[edge.first].label} - {found.words[edge.second].label}"
    assert found.words[edge.first].kind is None
    assert all(found.regions[pair.first].kind == "object" and pair.first != pair.second for pair in edge.pairs)
    assert edge.total == pytest.approx(sum(pair.subject + pair.object + pair.fit for pair in edge.pairs))
    data = found.to_json()["edges"][0]
    assert data["rest"] + sum(pair["total"] for pair in data["pairs"]) == pytest.approx(data["total"])


def test_a_picture_finds_captions_by_the_same_score(retriever, picture):
    query = retriever.encode(image=picture(3))
    for hit in retriever.search(query=query, k=5).hits:
        found = retriever.explain(hit.id, query=query)
        assert found.score == pytest.approx(hit.score, abs=1e-3)
        assert [word.label for word in found.words] == list(retriever.processor.read(hit.caption).words)


def test_an_edge_term_is_switched_off_and_measured_beside_what_was_explained(retriever):
    query = retriever.encode(text=SENTENCE)
    hit = retriever.search(query=query).hits[0]
    before = retriever.what_if(hit.id, query).before
    edge = before.edges[0]
    answer = retriever.what_if(hit.id, query, edges_off=[("relation", edge.second, edge.first)])
    assert answer.explained == pytest.approx(edge.total)
    assert {(e.first, e.second) for e in answer.after.edges} == {
        (e.first, e.second) for e in before.edges if (e.first, e.second) != (edge.first, edge.second)
    }
    assert answer.after.score == pytest.approx(answer.before.score + answer.change)
    with pytest.raises(ValueError, match="got the edge term of words 0 and 99 to switch off"):
        retriever.what_if(hit.id, query, edges_off=[("relation", 0, 99)])


def test_words_and_regions_switched_off_take_their_edges_along(retriever):
    query = retriever.encode(text=SENTENCE)
    hit = retriever.search(query=query).hits[0]
    before = retriever.what_if(hit.id, query).before
    word = before.edges[0].first
    answer = retriever.what_if(hit.id, query, words_off=[word])
    own = before.words[word].total + sum(e.total for e in before.edges if word in (e.first, e.second))
    assert answer.explained == pytest.approx(own, abs=1e-6)
    assert answer.after.words[word].total == 0
    assert not any(word in (e.first, e.second) for e in answer.after.edges)
    answer = retriever.what_if(hit.id, query, words_off=[0])  # a function word
    assert answer.explained == 0
    every = [region.index for region in before.regions]
    answer = retriever.what_if(hit.id, query, regions_off=every)
    listed = (
        before.score
        - before.contributions["global"]
        - sum(word.cross - sum(row) for word, row in zip(before.words, before.cross_terms, strict=True))
    )
    assert answer.explained == pytest.approx(listed, abs=1e-5)


def test_a_comparison_counts_the_edges(retriever):
    query = retriever.encode(text=SENTENCE)
    a, b = (hit.id for hit in retriever.search(query=query).hits[:2])
    compared = retriever.compare(a, b, query)
    assert all(error < 1e-5 for error in compared.check.values())
    assert [step.label for step in compared.words[-6:]] == [edge.label for edge in compared.a.edges]


def test_levels_read_different_things(model, processor, tiny_dataset):
    image = encode_records(model, read_dataset(tiny_dataset)[:6])
    text = encode_texts(model, processor, [SENTENCE])
    some = next(i for i in (image[n] for n in range(len(image))) if ((i.kinds == 0) & i.mask).sum() > 1)
    terms = pair_terms(some, text, model.similarity_parameters)
    cells = some.kinds[0][some.mask[0]] == 1
    assert (terms.local_words + terms.local_regions)[:, cells].abs().max() == 0
    assert terms.cross_regions[~cells].abs().max() == 0
    assert terms.cross_cells[:, ~cells].abs().max() == 0
    assert terms.cross_cells[:, cells].abs().max() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"edge_words": 1}, "edge_words=1, but expected 0, or at least 2"),
        ({"edge_things": 1}, "edge_things=1, but expected a whole number of 2 or more"),
        ({"edge_share": 1.5}, "edge_share=1.5, but expected a number from 0 to 1"),
        ({"edge_values": True, "edge_bias": False}, "edge_values=True, but expected false where edge_bias is false"),
        ({"levels_apart": True, "context_grid": 0}, "levels_apart=True, but expected false where context_grid is 0"),
        ({"counts": 1}, "counts=1, but expected true or false"),
    ],
)
def test_settings_that_no_model_can_have_are_refused(tiny_config, settings, message):
    config = copy.deepcopy(tiny_config)
    for name, value in settings.items():
        object.__setattr__(config, name, value)
    with pytest.raises(ValueError, match=message):
        HGANModel(config)


def test_edges_point_at_the_two_things_named():
    """Three regions, of which the first lies on the ball and the second on the box; nodes 0 and 1 name the ball, 2 the box."""
    boxes = torch.tensor([[0.0, 0.0, 0.4, 0.5], [0.6, 0.0, 1.0, 1.0], [0.4, 0.6, 0.5, 0.7]])
    grounded_phrases = [GroundedPhrase((0, 1), boxes[:1], "ball"), GroundedPhrase((2,), boxes[1:2], "box")]
    edges = TextEdges(
        torch.tensor([[0, 1, 0]]), torch.tensor([[1, 2, 2]]), torch.zeros(1, 3, 2), torch.zeros(1, 3),
        torch.zeros(1), torch.tensor([[True, True, False]]), torch.zeros(1, 3, 4), torch.zeros(1, 3, 4),
    )  # fmt: skip
    values = 0.01 * (1 - torch.eye(3)).repeat(3, 1, 1)
    values[0, 1, 0] = 9.0  # between two words of one phrase
    values[2, 1, 0] = 8.0  # no edge
    values[1, 0, 1] = 0.3
    zero = torch.zeros(3, 3, 3)
    found = point_edges(grounded_phrases, EdgeTerms(values, zero, zero), edges, boxes)
    assert (found.hit, found.iou, found.possible) == (True, True, True)
    assert found.random == pytest.approx(1 / 6)
    values[1, 1, 0] = 0.4  # the other way round
    assert not point_edges(grounded_phrases, EdgeTerms(values, zero, zero), edges, boxes).hit
    assert point_edges(grounded_phrases[:1], EdgeTerms(values, zero, zero), edges, boxes) is None
    assert point_edges(grounded_phrases, EdgeTerms(zero, zero, zero), edges, boxes) is None


def test_an_explanation_on_the_command_line_lists_edges(retriever):
    hit = retriever.search(text=SENTENCE).hits[0]
    found = retriever.explain(hit.id, text=SENTENCE)
    lines = explanation_lines(found)
    place = next(n for n, line in enumerate(lines) if line.startswith("edge "))
    assert len(lines) - place - 1 == len(found.edges) == 6
    assert lines[place + 1].startswith(found.edges[0].label)
