from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hgan.model.fp16 import HalfVectors
from hgan.model.packed import FlatGraphs, similarity_to_all
from hgan.model.similarity import (
    SimilarityParameters,
    cross_level,
    join_columns,
    local_level,
    pair_terms,
    scaled_weights,
    score_table,
    similarity,
    soft_maximum,
    trim,
    weighted_sum,
)
from hgan.types import LEVELS, ImageGraph, TextGraph, concatenate

DIM = 8
_OTHER = {ImageGraph: TextGraph, TextGraph: ImageGraph}


def graph(kind: type, counts: list[int], seed: int, padding: int = 0, scattered: bool = False):
    """A graph whose rows have that many real nodes; masked nodes hold rubbish, as nobody promises zeros there."""
    generator = torch.Generator().manual_seed(seed)
    batch, nodes = len(counts), max(max(counts) + padding, 1)
    mask = torch.arange(nodes) < torch.tensor(counts)[:, None]
    if scattered:
        mask = torch.stack([row[torch.randperm(nodes, generator=generator)] for row in mask])

    def unit(*shape: int) -> torch.Tensor:
        return torch.nn.functional.normalize(torch.randn(*shape, DIM, generator=generator), dim=-1)

    weights = torch.randn(batch, nodes, generator=generator).masked_fill(~mask, -1e4).softmax(-1) * mask
    extra = {}
    if kind is ImageGraph:
        none = torch.zeros(batch, nodes, dtype=torch.long)
        extra = {
            "boxes": torch.zeros(batch, nodes, 4),
            "kinds": none,
            "labels": none,
            "scores": torch.zeros(batch, nodes),
        }
    edges, concepts = torch.zeros(batch, nodes + 1, nodes + 1), torch.zeros(batch, 2, nodes + 1)
    return kind(unit(batch), unit(batch, nodes), mask, weights, edges, concepts, **extra)


def parameters(temperature: float = 0.1, logits: tuple[float, float, float] = (0.3, 0.0, -0.4)) -> SimilarityParameters:
    return SimilarityParameters(torch.tensor(temperature), torch.tensor(logits).softmax(0))


counts = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@settings(deadline=None)
@given(
    images=counts,
    texts=counts,
    padding=st.integers(0, 3),
    scattered=st.booleans(),
    temperature=st.sampled_from([0.02, 0.1, 1.0]),
    seed=st.integers(0, 99),
)
def test_terms_of_every_pair_add_up_to_its_score(images, texts, padding, scattered, temperature, seed):
    image = graph(ImageGraph, images, seed, padding, scattered)
    text = graph(TextGraph, texts, seed + 1, padding, scattered)
    p = parameters(temperature)
    table = similarity(image, text, p)
    for row in range(len(images)):
        for column in range(len(texts)):
            terms = pair_terms(image[row], text[column], p)
            assert terms.total.item() == pytest.approx(table.score[row, column].item(), abs=1e-5)
            local = (terms.local_words.sum() + terms.local_regions.sum()) / p.level_weights[1]
            assert local.item() == pytest.approx(table.levels["local"][row, column].item(), abs=1e-5)


@settings(deadline=None)
@given(
    images=st.lists(st.integers(0, 6), min_size=1, max_size=7),
    texts=st.lists(st.integers(0, 6), min_size=1, max_size=7),
    blocks=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    scattered=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_table_in_blocks_equals_the_whole_at_once(images, texts, blocks, scattered, seed):
    image = graph(ImageGraph, images, seed, 1, scattered)
    text = graph(TextGraph, texts, seed + 1, 2, scattered)
    whole = similarity(image, text, parameters())
    table = score_table(image, text, parameters(), *blocks)
    torch.testing.assert_close(table.score, whole.score, atol=1e-6, rtol=1e-5)
    for name in LEVELS:
        torch.testing.assert_close(table.levels[name], whole.levels[name], atol=1e-6, rtol=1e-5)


@settings(deadline=None)
@given(
    kind=st.sampled_from([ImageGraph, TextGraph]),
    own=st.integers(0, 20),
    others=st.lists(st.integers(0, 6), min_size=1, max_size=7),
    temperature=st.sampled_from([0.02, 0.1, 1.0]),
    packed=st.booleans(),
    seed=st.integers(0, 99),
)
def test_one_graph_against_many_without_padding_equals_the_table(kind, own, others, temperature, packed, seed):
    query, many = graph(kind, [own], seed, 2, True), graph(_OTHER[kind], others, seed + 1, 1)
    if packed:  # a gallery stores half precision
        many = replace(many, nodes=many.nodes.half().float())
    nodes = many.nodes[many.mask]
    flat = FlatGraphs(
        many.global_node, HalfVectors(nodes) if packed else nodes, many.weights[many.mask], many.mask.sum(1)
    )
    pair = (query, many) if kind is ImageGraph else (many, query)
    expected, found = (
        similarity(*pair, parameters(temperature)),
        similarity_to_all(query, flat, parameters(temperature)),
    )
    assert found.weights == expected.weights
    torch.testing.assert_close(found.score, expected.score, atol=1e-6, rtol=1e-5)
    for name in LEVELS:
        torch.testing.assert_close(found.levels[name], expected.levels[name], atol=2e-6, rtol=1e-5)


def test_the_score_is_the_weighted_sum_of_the_levels():
    table = similarity(graph(ImageGraph, [3, 2], 0), graph(TextGraph, [4, 1, 2], 1), parameters())
    assert table.score.shape == (2, 3)
    assert sum(table.weights.values()) == pytest.approx(1)
    torch.testing.assert_close(table.score, sum(table.weights[name] * table.levels[name] for name in LEVELS))


@settings(deadline=None)
@given(images=counts, texts=counts, seed=st.integers(0, 99))
def test_every_level_is_a_cosine(images, texts, seed):
    table = similarity(graph(ImageGraph, images, seed), graph(TextGraph, texts, seed + 1), parameters())
    for name in LEVELS:
        assert table.levels[name].abs().max() <= 1 + 1e-5


def test_the_local_level_equals_the_loop_that_the_definition_describes():
    image, text, t = graph(ImageGraph, [3], 0, padding=2), graph(TextGraph, [2], 1, padding=1), 0.1
    total = 0.0
    for own, other in ((image, text), (text, image)):
        for node, weight in zip(own.nodes[0][own.mask[0]], own.weights[0][own.mask[0]], strict=True):
            cosines = other.nodes[0][other.mask[0]] @ node
            total += 0.5 * weight * ((cosines / t).softmax(0) * cosines).sum()
    assert local_level(image, text, torch.tensor(t)).item() == pytest.approx(total.item(), abs=1e-6)


def test_the_cross_level_compares_each_global_node_with_the_other_side():
    image, text, t = graph(ImageGraph, [3], 0, padding=2), graph(TextGraph, [2], 1, padding=1), 0.1
    to_regions = image.nodes[0][image.mask[0]] @ text.global_node[0]
    to_words = text.nodes[0][text.mask[0]] @ image.global_node[0]
    expected = sum(((c / t).softmax(0) * c).sum() for c in (to_regions, to_words)) / 2
    assert cross_level(image, text, torch.tensor(t)).item() == pytest.approx(expected.item(), abs=1e-6)


@settings(deadline=None)
@given(
    values=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8),
    temperature=st.sampled_from([0.02, 0.1, 1.0, 10.0]),
)
def test_the_soft_maximum_lies_between_mean_and_maximum(values, temperature):
    cosines = torch.tensor(values)
    soft = soft_maximum(cosines, torch.ones(len(values), dtype=torch.bool), torch.tensor(temperature), 0)
    assert cosines.mean() - 1e-5 <= soft <= cosines.max() + 1e-5


def test_the_soft_maximum_takes_nothing_from_masked_nodes():
    mask = torch.tensor([True, True, False])
    with_rubbish = soft_maximum(torch.tensor([0.1, 0.4, 1.0]), mask, torch.tensor(0.1), 0)
    without = soft_maximum(torch.tensor([0.1, 0.4]), mask[:2], torch.tensor(0.1), 0)
    torch.testing.assert_close(with_rubbish, without)


def test_a_low_temperature_makes_the_soft_maximum_the_maximum():
    cosines = torch.tensor([0.2, 0.9, -0.3])
    assert soft_maximum(cosines, cosines > -2, torch.tensor(0.02), 0).item() == pytest.approx(0.9, abs=1e-3)


def test_a_picture_without_regions_and_a_sentence_without_words_have_finite_scores():
    image, text = graph(ImageGraph, [0, 3], 0), graph(TextGraph, [2, 0], 1)
    table = similarity(image, text, parameters())
    assert table.score.isfinite().all()
    assert table.levels["local"][0].abs().max() == 0
    assert table.levels["local"][1, 0].abs() > 0


def test_gradients_through_a_row_full_of_masked_nodes_are_finite():
    image = graph(ImageGraph, [0, 3], 0)
    nodes = image.nodes.clone().requires_grad_()
    similarity(replace(image, nodes=nodes), graph(TextGraph, [2], 1), parameters()).score.sum().backward()
    assert nodes.grad.isfinite().all()


def test_columns_joined_from_blocks_are_the_table_of_all_texts():
    image, text = graph(ImageGraph, [3, 2], 0), graph(TextGraph, [4, 1, 2], 1)
    joined = join_columns([similarity(image, text[:2], parameters()), similarity(image, text[2:], parameters())])
    whole = similarity(image, text, parameters())
    torch.testing.assert_close(joined.score, whole.score)
    torch.testing.assert_close(joined.levels["cross"], whole.levels["cross"])


def test_graphs_of_different_sizes_join_without_changing_their_scores():
    parts = [graph(ImageGraph, [2], 0), graph(ImageGraph, [5, 1], 1), graph(ImageGraph, [3], 2)]
    text = graph(TextGraph, [4, 2], 3)
    joined = similarity(concatenate(parts), text, parameters()).score
    apart = torch.cat([similarity(part, text, parameters()).score for part in parts])
    torch.testing.assert_close(joined, apart)


def test_joining_no_graphs_at_all_is_refused_in_words():
    with pytest.raises(ValueError, match="got no parts, but expected at least one"):
        concatenate([])


def test_trimming_cuts_padding_only():
    image = graph(ImageGraph, [2, 4], 0, padding=3)
    assert trim(image).nodes.shape == (2, 4, DIM)
    assert trim(graph(ImageGraph, [0], 0, padding=3)).nodes.shape == (1, 1, DIM)


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ({"global": 3e38, "local": 3e38, "cross": 3e38}, [1 / 3] * 3),
        ({"global": 1.7e308, "local": 1.7e308}, [0.5, 0.5, 0]),
        ({"local": 5e-324}, [0, 1, 0]),
        ({"global": -0.0, "local": 2}, [0, 1, 0]),
        ({"global": 10**300, "local": 10**300}, [0.5, 0.5, 0]),
        ({"global": 1, "local": 1, "cross": 2}, [0.25, 0.25, 0.5]),
    ],
)
def test_weights_at_the_edge_are_right(weights, shares):
    found = scaled_weights(weights)
    assert found.tolist() == pytest.approx(shares)
    assert not torch.signbit(found).any()


@pytest.mark.parametrize(
    "weights",
    [
        {}, {"local": 0}, {"local": -0.0}, {"local": -1}, {"local": float("nan")}, {"local": float("inf")}, {"local": "1"},
        {"local": True}, {"local": None}, {"local": [1]}, {"local": 10**400}, {"local": 10**5000}, {"other": 1}, {1: 1},
        {"local": 1j}, [1, 2, 3], "local", 7,
    ],
)  # fmt: skip
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(
        ValueError, match=r"got level weights .*, but expected numbers of 0 or more for global, local, cross"
    ):
        scaled_weights(weights)


def test_a_score_is_the_weighted_sum_of_its_levels_wherever_it_is_made():
    image, text = graph(ImageGraph, [3, 2], 0), graph(TextGraph, [2, 4, 1], 1)
    for made in (similarity(image, text, parameters()), score_table(image, text, parameters(), 1, 2)):
        by_hand = sum(made.weights[name] * made.levels[name] for name in LEVELS)
        assert torch.allclose(made.score, by_hand)
        assert torch.equal(weighted_sum(made.levels, parameters().level_weights), made.score)


def test_parameters_move_as_tensors_do_and_take_other_weights():
    moved = parameters().to(torch.float64)
    assert (moved.temperature.dtype, moved.level_weights.dtype) == (torch.float64, torch.float64)
    other = parameters(0.3).weighted({"local": 2.0})
    assert other.level_weights.tolist() == [0, 1, 0]
    assert other.temperature == torch.tensor(0.3)
