"""Detections: which proposals stand for a box, what they learn from it, and which of them become nodes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hgan.model.boxes import pairwise_iou
from hgan.model.proposals import ProposalHead, Proposals
from hgan.model.selection import Selection
from hgan.training.assignment import assign
from hgan.training.proposal_loss import proposal_loss

BOX, OTHER = (0.1, 0.1, 0.5, 0.5), (0.5, 0.5, 0.9, 0.9)


def proposals(boxes: list, scores: list[float], labels: list[list[float]] | None = None) -> Proposals:
    """One picture's proposals, each standing in the middle of its box."""
    told = torch.tensor(boxes)
    points = (told[:, :2] + told[:, 2:]) / 2
    logits = torch.tensor([scores]).logit()
    kinds = torch.tensor([labels or [[0.0, 0.0]] * len(boxes)])
    return Proposals(logits, told[None], kinds, points, torch.full((len(boxes),), 0.3))


def assigned(found: Proposals, boxes: list, k: int = 2):
    known = torch.tensor([boxes])
    overlaps = pairwise_iou(known, found.boxes)
    real = torch.ones(1, len(boxes), dtype=torch.bool)
    return assign(found.objectness.sigmoid(), overlaps, found.points, found.reach, known, real, k)


def test_a_box_gets_the_proposals_that_fit_it_and_the_best_of_them_its_own_iou():
    slightly_off = (0.1, 0.1, 0.5, 0.46)  # IoU 0.9
    found = assigned(proposals([slightly_off, BOX, OTHER], [0.5, 0.5, 0.5]), [BOX])
    chosen = {
        int(p): round(float(q), 3)
        for p, q, m in zip(found.points[0, 0], found.quality[0, 0], found.mask[0, 0], strict=True)
        if m
    }
    assert chosen == {1: 1.0, 0: round(0.9**4, 3)}


def test_of_two_that_fit_alike_the_one_with_the_higher_score_is_to_stand_out():
    found = assigned(proposals([BOX, BOX], [0.25, 0.81]), [BOX])
    quality = dict(zip(found.points[0, 0].tolist(), found.quality[0, 0].tolist(), strict=True))
    assert quality[1] == pytest.approx(1.0)
    assert quality[0] == pytest.approx(0.5 / 0.9)


def test_a_proposal_that_two_boxes_want_stands_for_the_one_it_fits():
    inside = (0.15, 0.15, 0.5, 0.5)
    found = assigned(proposals([BOX], [0.5]), [inside, BOX])
    assert found.mask[0, :, 0].tolist() == [False, True]


def test_a_point_outside_a_box_does_not_stand_for_it():
    found = proposals([BOX], [0.5])
    beside = Proposals(found.objectness, found.boxes, found.labels, torch.tensor([[0.7, 0.3]]), found.reach)
    assert not assigned(beside, [BOX]).mask.any()


def random_proposals(seed: int, points: int = 12) -> Proposals:
    generator = torch.Generator().manual_seed(seed)
    boxes = torch.rand(2, points, 2, 2, generator=generator).sort(-2).values.flatten(-2)
    rest = [torch.randn(2, points, generator=generator), torch.randn(2, points, 3, generator=generator)]
    where = torch.rand(points, 2, generator=generator)
    return Proposals(
        rest[0].requires_grad_(), boxes.requires_grad_(), rest[1].requires_grad_(), where, torch.full((points,), 0.3)
    )


def targets(seed: int, count: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed + 1)
    return {
        "boxes": torch.rand(2, count, 2, 2, generator=generator).sort(-2).values.flatten(-2),
        "labels": torch.randint(-1, 3, (2, count), generator=generator),
        "scores": torch.rand(2, count, generator=generator),
        "mask": torch.rand(2, count, generator=generator) < 0.7,
        "has_boxes": torch.ones(2, dtype=torch.bool),
    }


@given(seed=st.integers(0, 500), count=st.integers(1, 5), padding=st.integers(1, 4))
def test_padding_of_the_known_boxes_changes_no_loss(seed, count, padding):
    found, known = random_proposals(seed), targets(seed, count)
    padded = {
        name: value if name == "has_boxes" else torch.cat([value, value.new_zeros(2, padding, *value.shape[2:])], 1)
        for name, value in known.items()
    }
    torch.testing.assert_close(proposal_loss(found, **padded), proposal_loss(found, **known))


@given(seed=st.integers(0, 500), count=st.integers(1, 5))
def test_every_proposal_stands_for_one_box_at_most(seed, count):
    found, known = random_proposals(seed), targets(seed, count)
    overlaps = pairwise_iou(known["boxes"], found.boxes.detach())
    result = assign(
        found.objectness.detach().sigmoid(), overlaps, found.points, found.reach, known["boxes"], known["mask"], 4
    )
    for row in range(2):
        used = result.points[row][result.mask[row]].tolist()
        assert len(used) == len(set(used))
    assert not result.mask[~known["mask"]].any()
    assert ((result.quality > 0) <= result.mask).all()
    assert (result.quality <= overlaps.amax(-1, keepdim=True) + 1e-6).all()


@given(seed=st.integers(0, 500), count=st.integers(1, 5))
def test_the_loss_and_its_gradients_are_finite(seed, count):
    found, known = random_proposals(seed), targets(seed, count)
    loss = proposal_loss(found, **known)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(
        torch.isfinite(t.grad).all() for t in (found.objectness, found.boxes, found.labels) if t.grad is not None
    )


def loss_of(score: float, teacher: float, box: tuple = BOX) -> float:
    known = torch.tensor([[BOX]])
    one = torch.ones(1, 1)
    found = proposals([box, OTHER], [score, 0.01])
    return proposal_loss(
        found, known, one.long() * -1, one * teacher, one.bool(), torch.ones(1, dtype=torch.bool)
    ).item()


def test_a_score_is_to_say_how_well_the_box_fits():
    off = (0.1, 0.1, 0.5, 0.38)  # IoU 0.7
    losses = {score: loss_of(score, 1.0, off) for score in (0.5, 0.7, 0.9)}
    assert min(losses, key=losses.__getitem__) == 0.7


def test_a_doubtful_box_is_neither_a_thing_nor_background():
    assert loss_of(0.9, 0.3) == pytest.approx(loss_of(0.1, 0.3))
    assert (
        loss_of(0.9, 0.3, (0.6, 0.1, 0.9, 0.4)) > loss_of(0.1, 0.3, (0.6, 0.1, 0.9, 0.4)) + 0.1
    )  # but elsewhere it is


# selection

CAT, DOG, UNSURE = [9.0, 0.0], [0.0, 9.0], [0.1, 0.0]
NEAR = (0.1, 0.1, 0.5, 0.44)  # IoU 0.85 with BOX
ABOVE = (0.1, 0.1, 0.5, 0.4)  # IoU 0.75 with BOX


def select(boxes: list, scores: list[float], labels: list[list[float]], **settings: float):
    return Selection(**{"most": 5, "score": 0.3, "overlap": 0.5, **settings})(proposals(boxes, scores, labels))


def test_two_sure_kinds_in_one_place_are_two_things_unless_nearly_the_same_box():
    apart = {"overlap_between_labels": 0.8, "label": 0.5}
    assert len(select([BOX, ABOVE], [0.9, 0.8], [CAT, DOG], **apart).boxes[0]) == 2
    assert len(select([BOX, ABOVE], [0.9, 0.8], [CAT, CAT], **apart).boxes[0]) == 1
    assert len(select([BOX, ABOVE], [0.9, 0.8], [CAT, UNSURE], **apart).boxes[0]) == 1
    assert len(select([BOX, NEAR], [0.9, 0.8], [CAT, DOG], **apart).boxes[0]) == 1
    assert len(select([BOX, ABOVE], [0.9, 0.8], [CAT, DOG]).boxes[0]) == 1


def test_padding_to_the_most_allowed_changes_no_detection():
    given = proposals([BOX, OTHER], [0.9, 0.8], [CAT, DOG])
    cut, padded = (Selection(most=5, score=0.3, overlap=0.5)(given, padded=value) for value in (False, True))
    assert (cut.mask.shape[1], padded.mask.sum().item()) == (2, 2)
    assert padded.mask.shape[1] >= cut.mask.shape[1]
    torch.testing.assert_close(padded.boxes[:, :2], cut.boxes)
    torch.testing.assert_close(padded.scores[:, :2], cut.scores)


def test_a_label_is_kept_only_where_thing_and_kind_are_sure():
    found = select([BOX, OTHER], [0.9, 0.8], [CAT, UNSURE], label=0.6)
    assert found.labels.tolist() == [[0, -1]]
    assert select([BOX], [0.55], [CAT], label=0.6).labels.tolist() == [[-1]]
    assert select([BOX, OTHER], [0.9, 0.8], [CAT, UNSURE]).labels.tolist() == [[0, 0]]


def test_a_proposal_below_the_score_is_no_detection():
    found = select([BOX, OTHER], [0.9, 0.29], [CAT, CAT])
    assert found.mask.tolist() == [[True]]
    torch.testing.assert_close(found.scores, torch.tensor([[0.9]]))


@pytest.mark.parametrize("side_tower", [False, True])
def test_a_head_gives_a_proposal_for_every_cell_of_every_level(side_tower):
    head = ProposalHead(16, 3, kernel=5, side_tower=side_tower)
    found = head([torch.randn(2, 16, 4, 6), torch.randn(2, 16, 2, 3)])
    assert (found.boxes.shape, found.labels.shape, found.points.shape) == ((2, 30, 4), (2, 30, 3), (30, 2))
    assert (head.side_tower is not None) == side_tower
    found.boxes.sum().backward()
    assert (head.tower[0].weight.grad is None) == side_tower
