"""Grounding of edges: on graphs small enough for paper and pencil, and of captions as a batch holds them."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from pathlib import Path

import pytest
import torch

from hgan.data.batch import NONE, NamedPairs
from hgan.data.collate import Collate, pack, same_words
from hgan.data.phrases import GroundedPhrase
from hgan.data.record import Box
from hgan.data.samples import FalseCaption, Sample
from hgan.model.edges import EdgeParameters
from hgan.training.alignment import edge_contrast_loss, edge_grounding_loss, edges_at
from hgan.types import ImageGraph, TextEdges, TextGraph

LEFT, RIGHT = [0.0, 0.0, 0.4, 1.0], [0.6, 0.0, 1.0, 1.0]
OWNER, COLUMN, ROW = torch.tensor([0, 0]), torch.tensor([0]), torch.tensor([0])


class Direction(torch.nn.Module):
    """phi = (1) where the second thing is further right, else (-1)."""

    def forward(self, boxes: torch.Tensor) -> torch.Tensor:
        middle = boxes[..., 0] + boxes[..., 2]
        return (middle[:, None] - middle[:, :, None]).sign()[..., None]


EDGES = EdgeParameters(torch.tensor(0.5), 0.5, 2, Direction())


def graphs(predicate: float) -> tuple[ImageGraph, TextGraph]:
    """A picture with a ball left of a box, and its mirror image; "ball left of box" and a false version, with an edge between
    ball and box that says `predicate` of the step to the right, and the contrary in the false version."""
    nodes = torch.eye(2).repeat(2, 1, 1)
    none, one, real = torch.zeros(2, 2), torch.ones(2, 1), torch.ones(2, 2, dtype=torch.bool)
    boxes = torch.tensor([[LEFT, RIGHT], [RIGHT, LEFT]])
    image = ImageGraph(one, nodes, real, none, one, one, boxes, none.long(), none.long(), none + 1)
    zero = torch.zeros(2, 1, dtype=torch.long)
    says = torch.tensor([[[predicate]], [[-predicate]]])
    edges = TextEdges(zero, zero + 1, says, one / 2, one[:, 0] / 2, one.bool(), zero, one)
    return image, TextGraph(one, nodes, real, none, one, one, relations=edges)


def pairs(mirror: int = NONE, false: int = NONE) -> NamedPairs:
    ends = (torch.tensor([[0]]), torch.tensor([[1]])) if false != NONE else (torch.tensor([[NONE]]),) * 2
    return NamedPairs(torch.tensor([0]), torch.tensor([1]), torch.tensor([mirror]), torch.tensor([false]), *ends)


NAMED, _ = pack(
    [[GroundedPhrase((0,), torch.tensor([LEFT]), "ball"), GroundedPhrase((1,), torch.tensor([RIGHT]), "box")], []]
)


def grounding(predicate: float, mirror: int) -> float:
    image, text = graphs(predicate)
    told = pairs(mirror)
    known = edges_at(image, text, OWNER, NAMED, told, EDGES)
    return edge_grounding_loss(image, text, known, COLUMN, told.mirror, EDGES.temperature, EDGES).item()


def test_the_right_pair_is_set_against_the_other_pairs_of_its_picture_and_of_the_mirror_image():
    # matches: 1 + 0.4 on (ball, box), 0 - 0.4 on (box, ball); in the mirror image 1 - 0.4 and 0 + 0.4
    right, wrong, mirrored = 1.4 / 0.5, -0.4 / 0.5, (0.6 / 0.5, 0.4 / 0.5)
    own = exp(right) + exp(wrong)
    assert grounding(0.4, NONE) == pytest.approx(log(own) - right, abs=1e-5)
    assert grounding(0.4, 1) == pytest.approx(log(own + sum(map(exp, mirrored))) - right, abs=1e-5)
    assert grounding(0.4, 1) < grounding(0.0, 1) < grounding(-0.4, 1)


def test_at_the_right_pair_the_true_edge_should_lie_above_the_false_one():
    image, text = graphs(0.4)
    told = pairs(false=1)
    known = edges_at(image, text, OWNER, NAMED, told, EDGES)
    loss = edge_contrast_loss(image, text, known, ROW, told, EDGES.temperature, EDGES)
    assert loss.item() == pytest.approx(log(1 + exp((0.6 - 1.4) / 0.5)), abs=1e-5)
    assert edge_contrast_loss(image, text, known, ROW, pairs(), EDGES.temperature, EDGES) == 0


def test_things_that_no_region_lies_on_teach_no_edge():
    image, text = graphs(0.4)
    image = replace(image, boxes=image.boxes * 0.01)
    text.nodes.requires_grad_()
    known = edges_at(image, text, OWNER, NAMED, pairs(1), EDGES)
    loss = edge_grounding_loss(image, text, known, COLUMN, torch.tensor([1]), EDGES.temperature, EDGES)
    assert loss == 0
    loss.backward()
    assert text.nodes.grad.isfinite().all()


def test_a_region_that_lies_on_both_things_makes_no_pair_with_itself():
    image, text = graphs(0.4)
    everywhere = torch.tensor([[LEFT, RIGHT]])
    named = replace(NAMED, boxes=everywhere.expand(2, 2, 4), mask=torch.ones(2, 2, dtype=torch.bool))
    known = edges_at(image, text, OWNER, named, pairs(), EDGES)
    assert known.right.tolist() == [[False, True, True, False]]
    loss = edge_grounding_loss(image, text, known, COLUMN, torch.tensor([NONE]), EDGES.temperature, EDGES)
    assert loss.item() == pytest.approx(0, abs=1e-5)


def scene(caption: str, twin: bool = False, false: str | None = None) -> Sample:
    """A dog and a cat, one left of the other, whose boxes are known."""
    dog, cat = Box(tuple(LEFT), "dog"), Box(tuple(RIGHT), "cat")
    versions = () if false is None else (FalseCaption(false, 0),)
    look = (Path("a.png"), twin)
    return Sample("a", [caption], [dog, cat], [frozenset("a")], look, grounded=True, false=versions, group="a")


@pytest.fixture
def collate(tiny_processor) -> Collate:
    return Collate(tiny_processor, ["dog", "cat"])


def test_a_batch_says_which_pair_is_where_and_what_is_false_of_it(collate):
    plain = scene("a dog on the left of a cat", false="a dog on the right of a cat")
    batch = collate([plain, scene("a dog on the right of a cat", twin=True)])
    told, text = batch.pairs, batch.named.text
    order = {"true": 0, "false": batch.false_of.tolist().index(0), "twin": batch.image_index.tolist().index(1)}
    assert text.tolist() == [order["true"]] * 2 + [order["twin"]] * 2
    assert batch.named.words[:2].tolist() == [[1], [7]]
    assert told.mirror.tolist() == [1, 0]
    assert told.false.tolist() == [order["false"], NONE]
    assert (told.false_first[0].tolist(), told.false_second[0].tolist()) == ([1], [7])
    assert batch.group.tolist() == [0, 0]


def test_without_a_side_the_pairs_of_the_mirror_image_are_not_wrong(collate):
    batch = collate([scene("a dog and a cat"), scene("a dog and a cat", twin=True)])
    assert batch.pairs.mirror.tolist() == [NONE, NONE]


def test_words_are_found_again_by_their_turn():
    said, now = (
        ["the", "red", "car", "left", "of", "the", "blue", "car"],
        ["the", "red", "car", "in", "front", "of", "the", "blue", "Car"],
    )
    assert same_words(said, now, [1, 2]) == [1, 2]
    assert same_words(said, now, [6, 7]) == [7, 8]
    assert same_words(said, now[:6], [7]) == []
