from __future__ import annotations

import pytest
import torch

from hgan.model.mfar import MFAR, Rearrangement


@pytest.fixture
def mfar() -> MFAR:
    torch.manual_seed(0)
    mfar = MFAR(dim=16, concepts=3, groups=4)
    for parameter in mfar.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return mfar


@pytest.fixture
def nodes() -> torch.Tensor:
    return torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(1))


def all_real(nodes: torch.Tensor) -> torch.Tensor:
    return torch.ones(nodes.shape[:2], dtype=torch.bool)


def test_global_and_local_nodes_lie_on_the_unit_sphere(mfar, nodes):
    whole, local, _ = mfar(nodes, all_real(nodes))
    torch.testing.assert_close(whole.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(local.norm(dim=-1), torch.ones(2, 5))


def test_each_concept_spreads_an_attention_of_one_over_real_nodes(mfar, nodes):
    mask = all_real(nodes)
    mask[0, 4:] = False
    _, _, attention = mfar(nodes, mask)
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 3))
    assert attention[0, :, 4:].max() == 0


def test_masked_locals_are_zero_and_change_nothing_else(mfar, nodes):
    mask = all_real(nodes)
    mask[:, 4:] = False
    whole, local, _ = mfar(nodes, mask)
    nodes[:, 4:] = 30.0
    whole_after, local_after, _ = mfar(nodes, mask)
    assert local[:, 3:].abs().max() == 0
    torch.testing.assert_close(whole_after, whole)
    torch.testing.assert_close(local_after, local)


def test_a_graph_of_the_global_node_alone_is_finite(mfar, nodes):
    mask = all_real(nodes)
    mask[:, 1:] = False
    whole, local, attention = mfar(nodes, mask)
    assert whole.isfinite().all()
    assert local.abs().max() == 0
    assert attention.isfinite().all()


def test_reordered_locals_give_the_same_global_node_and_reordered_locals(mfar, nodes):
    order = torch.tensor([4, 2, 0, 1, 3])
    whole, local, _ = mfar(nodes, all_real(nodes))
    moved = torch.cat([nodes[:, :1], nodes[:, 1:][:, order]], 1)
    whole_moved, local_moved, _ = mfar(moved, all_real(nodes))
    torch.testing.assert_close(whole_moved, whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(local_moved, local[:, order], atol=1e-5, rtol=1e-5)


def test_a_local_node_carries_its_context(mfar, nodes):
    _, before, _ = mfar(nodes, all_real(nodes))
    nodes[:, 5] += 3
    _, after, _ = mfar(nodes, all_real(nodes))
    assert (after[:, 0] - before[:, 0]).abs().max() > 1e-3


def test_the_global_node_carries_detail(mfar, nodes):
    before, _, _ = mfar(nodes, all_real(nodes))
    nodes[:, 5] += 3
    after, _, _ = mfar(nodes, all_real(nodes))
    assert (after - before).abs().max() > 1e-3


def test_every_group_of_the_rearrangement_sees_every_granularity():
    torch.manual_seed(0)
    rearrangement = Rearrangement(dim=16, groups=4)
    rearrangement.norm = torch.nn.Identity()  # a norm would mix all channels by itself
    granular = torch.randn(1, 1, 3, 16, requires_grad=True)
    out = rearrangement(granular)
    for group in range(4):
        (seen,) = torch.autograd.grad(out[..., group * 4 : group * 4 + 4].sum(), granular, retain_graph=True)
        for granularity in (1, 2):  # 0 also reaches the output past the map
            assert (seen[0, 0, granularity] != 0).any()
