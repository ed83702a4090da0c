"""No tensor stays behind on another device, from the regions on: graph, MFAR, similarity and losses (see tests/elsewhere.py)."""

from __future__ import annotations

import copy
from dataclasses import fields, replace

import pytest
import torch

from hgan import HGANConfig, HGANModel, HGANProcessor
from hgan.data.collate import Named
from hgan.encoding import to_pixels
from hgan.model.contrastive import contrastive_loss
from hgan.model.edges import edge_matches_of
from hgan.model.similarity import score_table, similarity
from hgan.training.alignment import grounding_loss, side_loss
from hgan.training.losses import objective
from hgan.training.proposal_loss import proposal_loss
from hgan.types import Batched
from tests.elsewhere import ELSEWHERE, Away, back, second_device, send

SWITCHED = {
    "edge_words": 4, "edge_things": 4, "edge_values": True, "counts": True, "content_words": True, "levels_apart": True,
}  # fmt: skip
CAPTIONS = ["a red circle on the left", "a blue square", "the dog runs on a white field", "green!"]


@pytest.fixture(scope="module")
def home(tiny_model, tiny_processor, picture):
    """Everything on the CPU: the model, regions and words, and what is computed from them."""
    model = copy.deepcopy(tiny_model)
    with torch.no_grad():
        regions, proposals = model.encode_regions(to_pixels([picture(seed) for seed in range(4)], model))
        words = model.encode_words(**tiny_processor(text=CAPTIONS))
    return model, regions, words, proposals


def away(record):
    return replace(
        record, **{f.name: Away(v) for f in fields(record) if isinstance(v := getattr(record, f.name), torch.Tensor)}
    )


@pytest.fixture
def sent(home):
    model, regions, words, proposals = home
    return send(copy.deepcopy(model)), away(regions), away(words), away(proposals)


def close(got, expected) -> None:
    assert got.device == ELSEWHERE
    torch.testing.assert_close(back(got).detach(), expected.detach())


def test_the_second_device_refuses_what_cuda_refuses():
    with second_device():
        there, here = Away(torch.ones(3)), torch.ones(3)
        for mixed in (lambda: there + here, lambda: torch.cat([there, here]), lambda: there @ here):
            with pytest.raises(RuntimeError, match="one device"):
                mixed()
        assert (there + torch.tensor(1.0)).device == ELSEWHERE
        assert there[torch.tensor([0])].device == there.new_zeros(2).device == here.to(ELSEWHERE).device == ELSEWHERE
        assert there.cpu().tolist() == [1, 1, 1]


@pytest.mark.parametrize("switched", [False, True])
def test_both_graphs(home, sent, switched):
    model, regions, words, _ = home
    with torch.no_grad(), second_device():
        nodes = regions.mask.shape[1] + 1
        edges = torch.ones(4, nodes, nodes, dtype=torch.bool)
        edges[:, 0, 1] = False
        image = model.graph_of_regions(regions, edges if switched else None)
        got = sent[0].graph_of_regions(sent[1], edges.to(ELSEWHERE) if switched else None)
        text, said = model.graph_of_words(words), sent[0].graph_of_words(sent[2])
    for expected, graph in ((image, got), (text, said)):
        every_tensor_close(graph, expected)


def every_tensor_close(got, expected) -> None:
    for field in fields(expected):
        value = getattr(expected, field.name)
        if isinstance(value, Batched):
            every_tensor_close(getattr(got, field.name), value)
        elif value is not None:
            close(getattr(got, field.name), value)


@pytest.mark.parametrize("grad", [False, True])
def test_graphs_and_levels_with_every_part(home, tiny_config, tiny_tokenizer, grad):
    config = HGANConfig.from_dict({**tiny_config.to_dict(), **SWITCHED})
    torch.manual_seed(0)
    model = HGANModel(config).eval()
    words = model.encode_words(**HGANProcessor.from_config(config, tiny_tokenizer)(text=CAPTIONS)).map(torch.detach)
    regions, there = home[1], send(copy.deepcopy(model))
    with torch.set_grad_enabled(grad), second_device():
        image, text = model.graph_of_regions(regions), model.graph_of_words(words)
        got, said = there.graph_of_regions(away(regions)), there.graph_of_words(away(words))
        every_tensor_close(got, image)
        every_tensor_close(said, text)
        close(
            similarity(got, said, there.similarity_parameters).score,
            similarity(image, text, model.similarity_parameters).score,
        )
        rows = torch.tensor([0, 1, 3])
        matches = edge_matches_of(image, text, rows, rows, model.similarity_parameters.edges)
        away_rows = rows.to(ELSEWHERE)
        close(edge_matches_of(got, said, away_rows, away_rows, there.similarity_parameters.edges), matches)


def test_levels_score_and_table(home, sent):
    tables = []
    for model, regions, words, _ in (home, sent):
        with torch.no_grad(), second_device():
            image, text = model.graph_of_regions(regions), model.graph_of_words(words)
            tables.append([
                similarity(image, text, model.similarity_parameters),
                score_table(image, text, model.similarity_parameters, images_per_block=2, texts_per_block=3),
            ])  # fmt: skip
    for expected, got in zip(*tables, strict=True):
        close(got.score, expected.score)
        for name, level in expected.levels.items():
            close(got.levels[name], level)


def losses_of(model, regions, words, proposals, place) -> torch.Tensor:
    """The sum of every loss there is, on the device of its inputs."""
    image, text = model.graph_of_regions(regions), model.graph_of_words(words)
    parameters = model.similarity_parameters
    table = similarity(image, text, parameters)
    image_index = torch.arange(4, device=place)
    negatives = image_index[:, None] != image_index[None, :]
    teacher = torch.eye(4).to(place)
    scale = model.logit_scale.exp()
    matching, _ = objective(
        table, image_index, scale, negatives, teacher, hinge_weight=1.0, level_weight=0.2,
        teacher_weight=0.5, teacher_temperature=0.1, margin=0.2,
    )  # fmt: skip
    boxes = torch.tensor([[[0.1, 0.1, 0.6, 0.7], [0.4, 0.4, 0.9, 0.9]]] * 4)
    detection = proposal_loss(
        proposals, boxes.to(place), torch.tensor([[0, -1]] * 4).to(place), torch.ones(4, 2).to(place),
        torch.ones(4, 2, dtype=torch.bool).to(place), torch.ones(4, dtype=torch.bool).to(place),
    )  # fmt: skip
    named = Named(torch.tensor([0, 0, 2]), torch.tensor([[0], [1], [0]]), boxes[:3], torch.ones(3, 2, dtype=torch.bool))
    named = named.map(lambda tensor: tensor.to(place))
    grounding = grounding_loss(image, text, image_index, named, parameters.temperature)
    sides = side_loss(image, text, image_index, named, torch.tensor([[0, 0, 1]]).to(place))
    return matching + detection + grounding + sides + contrastive_loss(table.score * scale)


def test_every_loss_and_its_gradients(home, sent):
    expected = losses_of(*home, torch.device("cpu"))
    expected.backward()
    with second_device():
        got = losses_of(*sent, ELSEWHERE)
        got.backward()
    close(got, expected)
    there = dict(sent[0].named_parameters())
    compared = 0
    for name, value in home[0].named_parameters():
        if value.grad is not None:
            torch.testing.assert_close(back(there[name].grad), value.grad, atol=1e-5, rtol=1e-4)
            compared += 1
    assert compared > 30
