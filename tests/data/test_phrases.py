from __future__ import annotations

from math import exp, log

import pytest
import torch

from hgan.data.collate import pack
from hgan.data.folder import Box
from hgan.data.phrases import GroundedPhrase, phrases_of_truth
from hgan.data.spatial import ACROSS, DEEP, Side, sides_of
from hgan.data.truth import Mention, SceneTruth
from hgan.training.alignment import SHARPNESS, grounding_loss, side_loss
from hgan.types import ImageGraph, TextGraph

LEFT, RIGHT, ALL = [0.0, 0.0, 0.4, 1.0], [0.6, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]


def graphs() -> tuple[ImageGraph, TextGraph]:
    """Two pictures of a left and a right region (the second has a masked third one), a sentence of two words for each."""
    nodes = torch.tensor([[[1.0, 0], [0, 1], [0, 0]], [[0, 1.0], [1, 0], [1, 0]]])
    mask = torch.tensor([[True, True, False]] * 2)
    none, one = torch.zeros(2, 3), torch.zeros(2, 1)
    image = ImageGraph(
        one, nodes, mask, none, one, one, torch.tensor([[LEFT, RIGHT, ALL]] * 2), none.long(), none.long(), none
    )
    words = torch.tensor([[[1.0, 0], [0, 1]], [[1, 0], [0, 1]]])
    return image, TextGraph(one, words, torch.ones(2, 2).bool(), none, one, one)


def named(word: int, *boxes: list[float]) -> GroundedPhrase:
    return GroundedPhrase((word,), torch.tensor(boxes), "ball")


def grounded(image, text, image_index, grounded_phrases, temperature) -> torch.Tensor:
    return grounding_loss(image, text, image_index, pack(grounded_phrases)[0], temperature)


def test_the_loss_is_the_share_that_a_word_gives_to_the_regions_on_its_thing():
    image, text = graphs()
    good, bad = -log(exp(2) / (exp(2) + 1)), -log(1 / (exp(2) + 1))  # cosines 1 and 0 at temperature 0.5
    image_index, t = torch.tensor([1, 0]), torch.tensor(0.5)
    # the first sentence belongs to the second picture, where its first word is like the right region
    loss = grounded(image, text, image_index, [[named(0, RIGHT)], []], t)
    assert loss.item() == pytest.approx(good, abs=1e-6)
    loss = grounded(image, text, image_index, [[named(0, RIGHT), named(1, RIGHT)], [named(0, LEFT)]], t)
    assert loss.item() == pytest.approx((good + bad + good) / 3, abs=1e-6)
    both = grounded(image, text, image_index, [[named(0, LEFT, RIGHT)], []], t)  # of two things, either will do
    assert both.item() == pytest.approx(0, abs=1e-6)


def test_a_thing_that_no_region_lies_on_teaches_nothing():
    image, text = graphs()
    nowhere = named(0, [0.45, 0.0, 0.48, 0.1])
    assert grounded(image, text, torch.tensor([0, 1]), [[nowhere], []], torch.tensor(0.5)) == 0


def test_following_the_gradient_moves_a_word_to_its_thing():
    image, text = graphs()
    text.nodes.requires_grad_()
    grounded(image, text, torch.tensor([0, 1]), [[named(0, RIGHT)], []], torch.tensor(0.5)).backward()
    assert text.nodes.grad[0, 0, 1] < 0 < text.nodes.grad[0, 0, 0]
    assert text.nodes.grad[0, 1].abs().sum() == 0


def test_mentions_become_words_and_things_cut_away_are_not_named(tiny_processor):
    truth = SceneTruth(
        {"t0": Box((0, 0, 0.5, 1), "ball"), "t1": Box((0.5, 0, 1, 1), "box")},
        ((Mention((0, 3), ("t0",)), Mention((4, 6), ("t1",)), Mention((4, 6), ("t0", "t1"))),),
        None,
    )
    sentence = tiny_processor.read("A big ball, a box.")
    truth = SceneTruth(truth.things, (tuple(truth.mentions[0][:1]), (Mention((3, 5), ("t1",)),)), None)
    (ball,) = phrases_of_truth(sentence, 0, truth)
    assert ball.words == (0, 1, 2)
    assert ball.kind == "ball"
    assert ball.boxes.tolist() == [[0, 0, 0.5, 1]]
    (box,) = phrases_of_truth(sentence, 1, truth, {"t1": Box((0.2, 0, 0.4, 1), "box")})
    assert (box.words, box.boxes.tolist()) == ((3, 4), [[pytest.approx(0.2), 0, pytest.approx(0.4), 1]])
    assert phrases_of_truth(sentence, 1, truth, {}) == []


# sides


def test_sides_are_those_of_two_things_in_a_caption_that_has_sides():
    left, right = named(0, LEFT), named(1, RIGHT)
    assert sides_of("a ball right of a ball", (right, left)) == (Side(ACROSS, 1, 0),)
    assert sides_of("a ball and a ball", (right, left)) == ()
    assert sides_of("a ball right beside a ball", (right, left)) == ()
    assert sides_of("a ball left of a ball and a ball", (left, right, right)) == ()
    near, far = named(0, [0.0, 0.5, 0.4, 0.9]), named(1, [0.0, 0.3, 0.4, 0.6])
    assert sides_of("Behind the ball is a ball", (near, far)) == (Side(DEEP, 1, 0),)


def test_the_loss_of_sides_is_that_of_telling_things_apart_by_words_and_by_regions():
    image, text = graphs()
    image_index = torch.tensor([1, 0])
    phrases, _ = pack([[named(0, LEFT), named(1, RIGHT)], []])
    # in channel 0 the words of the first sentence say 1 (left) and 0 (right), the regions of its picture 0 and 1
    wrong, unsure, right = log(1 + exp(SHARPNESS)), log(2), log(1 + exp(-SHARPNESS))
    loss = side_loss(image, text, image_index, phrases, torch.tensor([[ACROSS, 0, 1]]))
    assert loss.item() == pytest.approx((wrong + unsure) / 2 + (unsure + right) / 2, rel=1e-5)
    assert side_loss(image, text, image_index, phrases, torch.zeros(0, 3, dtype=torch.long)) == 0


def test_following_the_gradient_of_sides_parts_words_and_regions():
    image, text = graphs()
    image.nodes.requires_grad_()
    text.nodes.requires_grad_()
    phrases, _ = pack([[named(1, RIGHT), named(0, LEFT)], []])
    side_loss(image, text, torch.tensor([0, 1]), phrases, torch.tensor([[DEEP, 0, 1]])).backward()
    for nodes in (image.nodes.grad, text.nodes.grad):
        assert nodes[0, 1, DEEP] > 0 > nodes[0, 0, DEEP]
        assert nodes[1].abs().sum() == nodes[0, :, ACROSS].abs().sum() == 0
