from __future__ import annotations

import math

import pytest
import torch

from hgan.model.graph import REGION_EDGE_DIM, WORD_EDGE_DIM, GraphLayer, region_edges, word_edges

LEFT, RIGHT = [0.0, 0.4, 0.2, 0.6], [0.6, 0.4, 0.8, 0.6]


@pytest.fixture
def layer() -> GraphLayer:
    torch.manual_seed(0)
    layer = GraphLayer(16, 4, REGION_EDGE_DIM, dropout=0.5).eval()
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return layer


def inputs(nodes: int = 5, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    mask = torch.ones(batch, nodes, dtype=torch.bool)
    return (
        torch.randn(batch, nodes, 16, generator=generator),
        torch.randn(batch, nodes, nodes, REGION_EDGE_DIM, generator=generator),
        mask,
    )


def test_an_edge_to_a_region_on_the_right_says_so():
    edge = region_edges(torch.tensor([[LEFT, RIGHT]]))[0, 1, 2]
    expected = [math.log1p(3.0), 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    torch.testing.assert_close(edge, torch.tensor(expected))


def test_an_edge_to_a_region_twice_as_wide_around_the_same_centre_has_log_two_and_half_the_overlap():
    edge = region_edges(torch.tensor([[[0.4, 0.4, 0.6, 0.6], [0.3, 0.4, 0.7, 0.6]]]))[0, 1, 2]
    expected = [0.0, 0.0, math.log(2), 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]
    torch.testing.assert_close(edge, torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_edges_of_empty_boxes_are_finite():
    assert region_edges(torch.zeros(1, 3, 4)).isfinite().all()


@pytest.mark.parametrize(
    "edges", [region_edges(torch.rand(1, 3, 4).sort(-1).values), word_edges(torch.arange(3)[None])]
)
def test_only_the_global_node_has_the_marks_of_the_global_node(edges):
    from_global, to_global = edges[0, ..., -2], edges[0, ..., -1]
    first = torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert torch.equal(from_global, first[:, None].expand(4, 4))
    assert torch.equal(to_global, first.expand(4, 4))


def test_word_edges_tell_before_from_after_and_near_from_far():
    edges = word_edges(torch.arange(6)[None])
    assert edges.shape == (1, 7, 7, WORD_EDGE_DIM)
    nxt, previous, far = edges[0, 1, 2], edges[0, 2, 1], edges[0, 1, 6]
    torch.testing.assert_close(nxt[:4], torch.tensor([math.log(2), 1.0, 0.0, 1.0]))
    torch.testing.assert_close(previous[:4], torch.tensor([-math.log(2), 0.0, 1.0, 1.0]))
    torch.testing.assert_close(far[:4], torch.tensor([math.log(6), 0.0, 0.0, 0.0]))


def test_attention_of_each_node_sums_to_one_and_leaves_masked_nodes_out(layer):
    nodes, edges, mask = inputs()
    mask[0, 3:] = False
    _, attention = layer(nodes, edges, mask)
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 5))
    assert attention[0, :, 3:].max() == 0


def test_what_stands_in_masked_nodes_changes_no_real_node(layer):
    nodes, edges, mask = inputs()
    mask[:, 3:] = False
    before, _ = layer(nodes, edges, mask)
    nodes[:, 3:], edges[:, :, 3:] = 100.0, -50.0
    after, _ = layer(nodes, edges, mask)
    torch.testing.assert_close(after[:, :3], before[:, :3])


def test_a_graph_without_any_real_node_stays_finite(layer):
    nodes, edges, mask = inputs()
    out, attention = layer(nodes, edges, torch.zeros_like(mask))
    assert out.isfinite().all()
    assert attention.isfinite().all()


def test_reordered_nodes_give_reordered_results(layer):
    nodes, edges, mask = inputs()
    order = torch.tensor([3, 0, 4, 1, 2])
    out, attention = layer(nodes, edges, mask)
    moved, moved_attention = layer(nodes[:, order], edges[:, order][:, :, order], mask)
    torch.testing.assert_close(moved, out[:, order], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(moved_attention, attention[:, order][:, :, order], atol=1e-5, rtol=1e-5)


def test_edges_change_what_a_node_attends_to(layer):
    nodes, edges, mask = inputs()
    _, attention = layer(nodes, edges, mask)
    _, other = layer(nodes, -edges, mask)
    assert (attention - other).abs().max() > 0.01


def test_each_row_of_a_batch_is_as_if_alone(layer):
    nodes, edges, mask = inputs()
    together, _ = layer(nodes, edges, mask)
    for row in range(2):
        alone, _ = layer(nodes[row : row + 1], edges[row : row + 1], mask[row : row + 1])
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=1e-5)
