"""Edge terms: pairs of words meet pairs of things."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hgan.gallery.packed import RaggedGraphs, flatten
from hgan.model.edges import (
    GEOMETRY_DIM,
    NEVER,
    EdgeParameters,
    GeometryMap,
    edge_matches,
    edge_matches_of,
    image_edges,
    pair_geometry,
)
from hgan.model.packed import similarity_to_all
from hgan.model.similarity import SimilarityParameters, pair_terms, score_table, similarity
from hgan.types import LEVELS, OBJECT, ImageGraph, TextEdges, TextGraph, concatenate

DIM, GEOMETRY, WORDS = 8, 6, 3
EDGES = WORDS * (WORDS - 1) // 2


def unit(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(*shape, DIM, generator=generator), dim=-1)


def some_mask(generator: torch.Generator, counts: list[int], padding: int) -> torch.Tensor:
    """Real nodes at any places."""
    nodes = max(max(counts) + padding, 1)
    mask = torch.arange(nodes) < torch.tensor(counts)[:, None]
    return torch.stack([row[torch.randperm(nodes, generator=generator)] for row in mask])


def pictures(counts: list[int], seed: int, padding: int = 1) -> ImageGraph:
    """Pictures of so many regions, things and cells mixed; masked nodes hold rubbish, as nobody promises zeros there."""
    g = torch.Generator().manual_seed(seed)
    mask = some_mask(g, counts, padding)
    batch, nodes = mask.shape
    corners = torch.rand(batch, nodes, 2, 2, generator=g).sort(2).values
    kinds = torch.randint(2, (batch, nodes), generator=g)
    weights = torch.rand(batch, nodes, generator=g) * mask
    return ImageGraph(
        global_node=unit(g, batch),
        nodes=unit(g, batch, nodes),
        mask=mask,
        weights=weights / weights.sum(1, keepdim=True).clamp(min=1e-6),
        edges=torch.zeros(batch, nodes + 1, nodes + 1),
        concepts=torch.zeros(batch, 2, nodes + 1),
        boxes=corners.flatten(2)[..., [0, 1, 2, 3]],
        kinds=kinds,
        labels=kinds,
        scores=torch.rand(batch, nodes, generator=g),
    )


def sentences(counts: list[int], seed: int, padding: int = 1, null: float = 0.3) -> TextGraph:
    """Sentences of so many words, each with the edges that its real nodes allow."""
    g = torch.Generator().manual_seed(seed)
    mask = some_mask(g, counts, padding)
    batch, nodes = mask.shape
    weights = torch.rand(batch, nodes, generator=g) * mask
    weights = weights / weights.sum(1, keepdim=True).clamp(min=1e-6)
    pairs = torch.randint(nodes, (2, batch, EDGES), generator=g)
    real = mask.gather(1, pairs[0]) & mask.gather(1, pairs[1])
    shares = torch.rand(batch, EDGES, generator=g) * real
    predicate = torch.randn(batch, EDGES, GEOMETRY, generator=g)
    own = shares / shares.sum(1, keepdim=True).clamp(min=1e-6) * (1 - null)
    relations = TextEdges(
        first=pairs[0] * real,
        second=pairs[1] * real,
        predicate=0.5 * torch.nn.functional.normalize(predicate, dim=-1) * real[..., None],
        weight=own,
        null_weight=1 - own.sum(1),
        mask=real,
        read_words=torch.zeros(batch, EDGES, 2, dtype=torch.long),
        read_shares=torch.zeros(batch, EDGES, 2),
    )
    return TextGraph(
        global_node=unit(g, batch),
        nodes=unit(g, batch, nodes),
        mask=mask,
        weights=weights,
        edges=torch.zeros(batch, nodes + 1, nodes + 1),
        concepts=torch.zeros(batch, 2, nodes + 1),
        relations=relations,
        cross_weights=weights.flip(1) * mask,
    )


def parameters(temperature: float = 0.1, things: int = 3, share: float = 0.4, apart: bool = False):
    torch.manual_seed(7)
    geometry = GeometryMap(GEOMETRY).requires_grad_(False)
    edges = EdgeParameters(torch.tensor(max(0.03, temperature)), share, things, geometry)
    weights = torch.tensor([0.3, 0.5, 0.2])
    return SimilarityParameters(torch.tensor(temperature), weights, edges, apart)


counts = st.lists(st.integers(0, 6), min_size=1, max_size=4)
asked = given(
    images=counts,
    texts=counts,
    temperature=st.sampled_from([0.02, 0.1, 1.0]),
    things=st.integers(2, 8),
    apart=st.booleans(),
    seed=st.integers(0, 99),
)


@settings(deadline=None)
@asked
def test_terms_of_nodes_and_edges_add_up_to_the_score(images, texts, temperature, things, apart, seed):
    image, text, p = pictures(images, seed), sentences(texts, seed + 1), parameters(temperature, things, apart=apart)
    table = similarity(image, text, p)
    assert table.score.isfinite().all()
    for row in range(len(images)):
        for column in range(len(texts)):
            terms = pair_terms(image[row], text[column], p)
            assert terms.total.item() == pytest.approx(table.score[row, column].item(), abs=1e-5)
            local = terms.local_words.sum() + terms.local_regions.sum() + terms.edges.total.sum()
            expected = p.level_weights[1] * table.levels["local"][row, column]
            assert local.item() == pytest.approx(expected.item(), abs=1e-5)


@settings(deadline=None)
@asked
def test_a_table_in_blocks_equals_the_whole_at_once(images, texts, temperature, things, apart, seed):
    image, text, p = pictures(images, seed), sentences(texts, seed + 1), parameters(temperature, things, apart=apart)
    whole, table = similarity(image, text, p), score_table(image, text, p, 2, 3)
    for name in LEVELS:
        torch.testing.assert_close(table.levels[name], whole.levels[name], atol=1e-5, rtol=1e-5)


@settings(deadline=None)
@asked
def test_padding_and_neighbours_in_the_batch_change_nothing(images, texts, temperature, things, apart, seed):
    image, text, p = pictures(images, seed), sentences(texts, seed + 1), parameters(temperature, things, apart=apart)
    whole = similarity(image, text, p).score
    wider = similarity(concatenate([image, pictures([9], 5)]), concatenate([text, sentences([8], 6)]), p).score
    torch.testing.assert_close(wider[:-1, :-1], whole, atol=1e-5, rtol=1e-5)
    alone = torch.stack([torch.cat([similarity(i, t, p).score[0] for t in each(text)]) for i in each(image)])
    torch.testing.assert_close(alone, whole, atol=1e-5, rtol=1e-5)


def each(graph):
    return [graph[row] for row in range(len(graph))]


@settings(deadline=None)
@given(count=st.integers(0, 6), seed=st.integers(0, 99))
def test_the_order_of_regions_changes_nothing(count, seed):
    image, text, p = pictures([count], seed), sentences([4, 2], seed + 1), parameters()
    order = torch.randperm(image.mask.shape[1], generator=torch.Generator().manual_seed(seed))
    per_node = ("nodes", "mask", "weights", "boxes", "kinds", "labels", "scores")
    turned = replace(image, **{name: getattr(image, name)[:, order] for name in per_node})
    torch.testing.assert_close(similarity(turned, text, p).score, similarity(image, text, p).score)


def test_the_null_edge_alone_leaves_the_nodes_alone():
    image, text, p = pictures([4, 3], 0), sentences([4, 3], 1, null=1.0), parameters()
    without = similarity(image, replace(text, relations=None), p)
    torch.testing.assert_close(similarity(image, text, p).score, without.score)
    with_edges = similarity(image, sentences([4, 3], 1, null=0.0), p)
    assert (with_edges.levels["local"] - without.levels["local"]).abs().min() > 1e-3


def test_the_local_level_equals_the_loop_that_the_definition_describes():
    image, text, p = pictures([5], 3), sentences([4], 4), parameters(things=9)
    edges, words, regions = text.relations, text.nodes[0], image.nodes[0]
    things = [n for n in range(len(regions)) if image.mask[0, n] and image.kinds[0, n] == OBJECT]
    phi = p.edges.geometry(image.boxes)[0]
    assert len(things) > 1
    brought = 0.0
    for e in range(EDGES):
        if not edges.mask[0, e]:
            continue
        i, j = words[edges.first[0, e]], words[edges.second[0, e]]
        c = torch.stack(
            [
                (i @ regions[a] + j @ regions[b]) / 2 + edges.predicate[0, e] @ phi[a, b]
                for a in things
                for b in things
                if a != b
            ]
        )
        brought += edges.weight[0, e] * ((c / p.edges.temperature).softmax(0) * c).sum()
    nodes = similarity(image, replace(text, relations=None), p).levels["local"]
    r = 0.4 * (1 - edges.null_weight[0])
    expected = (1 - r) * nodes + 0.4 * brought
    torch.testing.assert_close(similarity(image, text, p).levels["local"], expected)


@settings(deadline=None)
@given(images=counts, texts=counts, seed=st.integers(0, 99))
def test_matches_of_chosen_pairs_are_those_of_the_block(images, texts, seed):
    image, text, p = pictures(images, seed), sentences(texts, seed + 1), parameters().edges
    block = edge_matches(image, text, p)
    rows = torch.arange(len(images)).repeat_interleave(len(texts))
    columns = torch.arange(len(texts)).repeat(len(images))
    chosen = edge_matches_of(image, text, rows, columns, p)
    torch.testing.assert_close(chosen, block[rows, columns])
    pairs = image_edges(image, p)
    assert chosen.shape[2] == pairs.first.shape[1] == pairs.second.shape[1]
    real = image.mask & (image.kinds == OBJECT)
    first, second = (real.gather(1, nodes) for nodes in (pairs.first, pairs.second))
    true = first & second & (pairs.first != pairs.second)
    assert torch.equal(block > NEVER / 2, true[:, None, None] & text.relations.mask[None, :, :, None])


def test_a_graph_without_edges_has_no_matches():
    image, text = pictures([2], 0), replace(sentences([2], 1), relations=None)
    with pytest.raises(ValueError, match="got a text graph without edges, but expected one of a model with edge_words"):
        edge_matches(image, text, parameters().edges)


def test_the_things_with_the_highest_scores_make_the_pairs():
    image = pictures([6], 0)
    image = replace(image, kinds=torch.zeros_like(image.kinds))
    pairs = image_edges(image, parameters(things=2).edges)
    best = image.scores.masked_fill(~image.mask, -1)[0].topk(2).indices
    assert pairs.things[0].tolist() == best.tolist()
    assert pairs.mask[0].tolist() == [[False, True], [True, False]]


def test_geometry_turns_over_when_the_two_things_change_places():
    boxes = torch.tensor([[[0.1, 0.2, 0.3, 0.6], [0.5, 0.5, 0.9, 0.8]]])
    geometry = pair_geometry(boxes)[0]
    assert geometry.shape == (2, 2, GEOMETRY_DIM)
    there, back = geometry[0, 1], geometry[1, 0]
    torch.testing.assert_close(there[:13], -back[:13])
    torch.testing.assert_close(there[[14, 13, 15]], back[13:])
    assert there[0] > 0  # the second one lies to the right
    assert there[10] > 0  # and its lower edge further down


def test_an_empty_box_has_finite_geometry_and_gradients():
    geometry = GeometryMap(GEOMETRY)
    phi = geometry(torch.zeros(1, 3, 4))
    phi.sum().backward()
    assert phi.isfinite().all()
    assert all(weight.grad.isfinite().all() for weight in geometry.parameters())


def test_gradients_reach_predicates_weights_and_geometry():
    image, text, p = pictures([5, 4], 0), sentences([4, 5], 1), parameters()
    p.edges.geometry.requires_grad_(True)
    leaves = {name: getattr(text.relations, name).clone().requires_grad_() for name in ("predicate", "weight")}
    similarity(image, replace(text, relations=replace(text.relations, **leaves)), p).score[0, 0].backward()
    assert all(leaf.grad.isfinite().all() and leaf.grad.abs().sum() > 0 for leaf in leaves.values())
    assert all(weight.grad.abs().sum() > 0 for weight in p.edges.geometry.parameters())


def test_edges_stay_with_their_sentence_when_graphs_are_joined_and_picked():
    parts = [sentences([2, 4], 0), sentences([5], 1)]
    joined = concatenate(parts)
    for field in fields(TextEdges):
        own = [getattr(part.relations, field.name) for part in parts]
        torch.testing.assert_close(getattr(joined.relations, field.name), torch.cat(own))
        torch.testing.assert_close(getattr(joined[2].relations, field.name), own[1])


@settings(deadline=None)
@given(
    images=st.lists(st.integers(0, 7), min_size=1, max_size=7),
    texts=st.lists(st.integers(0, 6), min_size=1, max_size=7),
    temperature=st.sampled_from([0.02, 0.1, 1.0]),
    things=st.integers(2, 8),
    apart=st.booleans(),
    stored=st.booleans(),
    seed=st.integers(0, 99),
)
def test_one_graph_against_many_without_padding_equals_the_table(
    images, texts, temperature, things, apart, stored, seed
):
    image, text, p = pictures(images, seed), sentences(texts, seed + 1), parameters(temperature, things, apart=apart)
    if stored:  # a gallery stores half precision
        image = replace(image, **{n: getattr(image, n).half().float() for n in ("global_node", "nodes", "scores")})
        text = replace(text, **{n: getattr(text, n).half().float() for n in ("global_node", "nodes")})
        predicate = text.relations.predicate.half().float()
        text = replace(text, relations=replace(text.relations, predicate=predicate))
    whole = similarity(image, text, p)
    flat_images, flat_texts = (
        RaggedGraphs(flatten(image), ImageGraph).flat(),
        RaggedGraphs(flatten(text), TextGraph).flat(),
    )
    if not stored:
        flat_images = flat_of(image, flat_images)
        flat_texts = flat_of(text, flat_texts)
    for name in LEVELS:
        columns = torch.cat([similarity_to_all(t, flat_images, p).levels[name] for t in each(text)], 1)
        torch.testing.assert_close(columns, whole.levels[name], atol=1e-5, rtol=1e-5)
        rows = torch.cat([similarity_to_all(i, flat_texts, p).levels[name] for i in each(image)])
        torch.testing.assert_close(rows, whole.levels[name], atol=1e-5, rtol=1e-5)


def test_a_picture_without_any_region_is_compared_with_many_sentences():
    image, text, p = pictures([0], 0), sentences([1, 1], 1), parameters(0.02, 2, apart=True)
    flat = flat_of(text, RaggedGraphs(flatten(text), TextGraph).flat())
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)  # torch.embedding_bag fails on values without columns only then
        found = similarity_to_all(image, flat, p).levels["local"]
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(found, similarity(image, text, p).levels["local"], atol=1e-5, rtol=1e-5)


def test_of_things_with_equal_scores_the_same_make_pairs_alone_and_packed():
    image, text, p = pictures([7, 3], 5), sentences([4], 6), parameters(0.1, 3)
    image = replace(image, scores=torch.full_like(image.scores, 0.5))
    flat = flat_of(image, RaggedGraphs(flatten(image), ImageGraph).flat())
    columns = similarity_to_all(text, flat, p).levels["local"]
    torch.testing.assert_close(columns, similarity(image, text, p).levels["local"], atol=1e-5, rtol=1e-5)


def flat_of(graph, flat):
    """The flat graphs in full precision."""
    changed = {"global_node": graph.global_node, "nodes": graph.nodes[graph.mask]}
    if isinstance(graph, TextGraph):
        first, second = (flat.relations.first, flat.relations.second)
        changed["relations"] = replace(graph.relations, first=first, second=second)
    else:
        changed["regions"] = replace(flat.regions, scores=graph.scores[graph.mask])
    return replace(flat, **changed)


@settings(deadline=None)
@given(texts=st.lists(st.integers(0, 6), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_stored_sentences_come_back_with_their_edges(texts, seed):
    text = sentences(texts, seed)
    rows = list(range(len(texts)))[::-1]
    found = RaggedGraphs(flatten(text), TextGraph).rows(rows)
    assert found.cross_weights.shape == found.mask.shape
    for field in fields(TextEdges):
        stored, own = getattr(found.relations, field.name), getattr(text.relations, field.name)[rows]
        if field.name in ("first", "second"):  # which node of the real ones
            own = ((text.mask[rows].cumsum(1) - 1).clamp(min=0)).gather(1, own)
        torch.testing.assert_close(stored, own, atol=1e-3, rtol=0)
