"""Parts that a configuration leaves out, and the ablation that trains without them."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from benchmarks import ablation, training
from benchmarks.ablation import VARIANTS
from benchmarks.features import extract
from benchmarks.heads import head_of, phrases_of
from hgan import HGANConfig, HGANModel
from hgan.checkpoint import load, save_checkpoint
from hgan.data.folder import Box, read_dataset
from hgan.data.readable import encode_records
from hgan.data.truth import Mention, SceneTruth
from hgan.encoding import encode_images, encode_texts
from hgan.model.similarity import pair_terms
from hgan.types import CONTEXT
from scripts import figures

WITHOUT = [{"graph_layers": 0}, {"edge_bias": False}, {"concepts": 0}, {"rearrange": False}, {"context_grid": 0}]


def without(config: HGANConfig, **settings) -> HGANModel:
    torch.manual_seed(0)
    return HGANModel(HGANConfig(**{**copy.deepcopy(config).to_dict(), **settings})).eval()


@pytest.mark.parametrize("settings", WITHOUT, ids=lambda s: next(iter(s)))
def test_a_model_without_a_part_scores_differently_and_its_terms_still_add_up(
    tiny_config, tiny_processor, picture, sentences, settings
):
    scores = []
    for model in (without(tiny_config), without(tiny_config, **settings)):
        shapes = {name: value.shape for name, value in model.state_dict().items()}
        same = {n: v for n, v in without(tiny_config).state_dict().items() if shapes.get(n) == v.shape}
        model.load_state_dict(same, strict=False)
        image, text = encode_images(model, [picture(3)]), encode_texts(model, tiny_processor, sentences[1:2])
        with torch.no_grad():
            score = model.similarity(image, text).score.item()
            terms = pair_terms(image, text, model.similarity_parameters)
        parts = (terms.global_level, terms.local_words, terms.local_regions, terms.cross_regions, terms.cross_words)
        assert sum(part.sum().item() for part in parts) == pytest.approx(score, abs=1e-5)
        scores.append(score)
    assert abs(scores[0] - scores[1]) > 1e-5


def test_the_default_configuration_has_every_part(tiny_config):
    names = set(without(tiny_config).state_dict())
    assert {"image_graph.0.bias.0.weight", "mfar.rearrangement.weight", "mfar.aggregation.concepts"} <= names
    assert not any(".bias.0" in name for name in without(tiny_config, edge_bias=False).state_dict())
    assert not any("rearrangement" in name for name in without(tiny_config, rearrange=False).state_dict())


def test_edges_without_a_bias_say_nothing_about_geometry(tiny_config):
    model = without(tiny_config, edge_bias=False)
    regions, _ = model.encode_regions(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    with torch.no_grad():
        model.box_embedding.weight.zero_()  # the other way in
        here = model.graph_of_regions(regions).nodes
        there = model.graph_of_regions(replace(regions, boxes=regions.boxes.flip(1))).nodes
    torch.testing.assert_close(here, there)


def test_a_picture_without_context_cells_and_without_detections_has_a_score(tiny_config, tiny_processor, picture):
    model = without(tiny_config, context_grid=0, score_threshold=1.0)
    image = encode_images(model, [picture(0)])
    assert image.nodes.shape[1] == 0
    with torch.no_grad():
        assert model.similarity(image, encode_texts(model, tiny_processor, ["a dog"])).score.isfinite().all()


def test_without_context_cells_only_detections_are_regions(tiny_config, picture):
    model = without(tiny_config, context_grid=0)
    model.regions.head.objectness.bias.data.zero_()
    image = encode_images(model, [picture(0)])
    assert len(image.nodes[0]) > 0
    assert not (image.kinds[image.mask] == CONTEXT).any()


def test_a_model_without_parts_survives_saving(tiny_config, tiny_processor, tmp_path, picture):
    model = without(tiny_config, concepts=0, edge_bias=False, rearrange=False)
    save_checkpoint(model, tiny_processor, tmp_path / "bare")
    again, _ = load(tmp_path / "bare", "cpu")
    assert (again.config.concepts, again.config.edge_bias, again.config.rearrange) == (0, False, False)
    torch.testing.assert_close(
        encode_images(again, [picture(1)]).nodes, encode_images(model, [picture(1)]).nodes, atol=5e-3, rtol=0
    )


def test_features_from_the_cache_make_the_same_graphs(tiny_model, tiny_processor, tiny_dataset, tmp_path, monkeypatch):
    records = read_dataset(tiny_dataset, "dev")
    features = extract(tiny_model, tiny_processor, "x" * 64, records, tmp_path)
    with torch.no_grad():
        images = tiny_model.graph_of_regions(features.regions(torch.tensor([2, 0])))
        texts = tiny_model.graph_of_words(features.words(torch.tensor([5, 0])))
    expected = encode_records(tiny_model, [records[2], records[0]])
    captions = [caption for record in records for caption in record.captions]
    sentences = encode_texts(tiny_model, tiny_processor, [captions[5], captions[0]])
    assert torch.equal(images.mask, expected.mask)
    torch.testing.assert_close(images.nodes, expected.nodes, atol=5e-3, rtol=0)  # half precision
    torch.testing.assert_close(texts.nodes, sentences.nodes, atol=5e-3, rtol=0)

    monkeypatch.setattr("benchmarks.features._of_chunk", None)  # nothing is extracted a second time
    again = extract(tiny_model, tiny_processor, "x" * 64, records, tmp_path)
    assert torch.equal(again.region_features, features.region_features)


def test_features_without_cells_are_detections_alone(tiny_model, tiny_processor, tiny_dataset, tmp_path):
    records = read_dataset(tiny_dataset)
    features = extract(tiny_model, tiny_processor, "x" * 64, records, tmp_path)
    bare = features.without_cells()
    cells = tiny_model.config.context_grid**2
    assert (features.region_counts - bare.region_counts).tolist() == [cells] * len(records)
    row = int(bare.region_counts.argmax())
    both, alone = features.regions(torch.tensor([row])), bare.regions(torch.tensor([row]))
    torch.testing.assert_close(alone.features[0], both.features[0, cells:])


@pytest.mark.parametrize("level", ["global", "local", "cross"])
def test_a_level_alone_is_the_score(tiny_config, tiny_model, tiny_processor, tiny_dataset, tmp_path, level):
    features = extract(tiny_model, tiny_processor, "x" * 64, read_dataset(tiny_dataset, "dev"), tmp_path)
    head = head_of(tiny_config, {}, level).eval()
    with torch.no_grad():
        images = head.graph_of_regions(features.regions(torch.arange(4)))
        table = head.similarity(images, head.graph_of_words(features.words(torch.arange(8))))
    torch.testing.assert_close(table.score, table.levels[level])


@pytest.fixture
def config_file(train_config, monkeypatch):
    config = train_config()
    for module in (ablation, training):
        monkeypatch.setattr(module, "load_train_config", lambda path: config)
    return config


def test_an_ablation_goes_on_where_it_was(config_file, tiny_checkpoint, tmp_path, capsys, monkeypatch):
    out = tmp_path / "lines.jsonl"
    arguments = ["--checkpoint", str(tiny_checkpoint), "--cache", str(tmp_path / "cache"), "--out", str(out)]
    arguments += ["--epochs", "1", "--seeds", "2", "--variants", "full model", "no context cells", "with hinge"]
    assert ablation.main(arguments) == 0
    assert f"6 finished runs; as a table: python -m scripts.figures ablation {out}" in capsys.readouterr().out
    rows = [line.split(" | ")[:2] for line in figures.ablation(figures.lines_of(out)).splitlines()[2:]]
    assert rows == [["| full model", "2"], ["| no context cells", "2"], ["| with hinge", "2"]]
    lines = out.read_text().splitlines()
    assert len(lines) == 6
    out.write_text("".join(line + "\n" for line in lines[:-1]))  # the last run was interrupted
    assert ablation.main(arguments) == 0
    assert out.read_text().splitlines()[:5] == lines[:5]
    assert len(out.read_text().splitlines()) == 6
    monkeypatch.setattr(ablation, "train", None)  # all runs are there
    assert ablation.main(arguments) == 0


def test_every_variant_differs_from_the_full_model():
    assert [name for name, variant in VARIANTS.items() if variant == VARIANTS["full model"]] == ["full model"]


def test_the_parts_of_a_training_step_add_up(config_file):
    report = training.measure(config_file, steps=2)
    assert sum(report["parts_ms"].values()) == pytest.approx(report["step_ms"])
    assert {"crop and mirror", "backbone", "text encoder", "backward", "optimiser", "losses"} <= set(report["parts_ms"])
    assert min(report["parts_ms"].values()) >= 0
    assert report["pictures_per_s"] == pytest.approx(1000 * report["batch_size"] / report["step_ms"])
    assert set(report["ratio"]) == {"towers", "pretrained"}


def test_a_run_too_short_to_time_is_refused(config_file):
    with pytest.raises(ValueError, match="expected more than 9 steps"):
        training.measure(config_file, steps=9)


def test_words_of_captions_are_named_by_truth_and_else_by_known_boxes(tiny_dataset, tiny_processor):
    record = read_dataset(tiny_dataset, "dev")[0]
    box = Box((0.0, 0.0, 0.5, 0.5), "dog")
    photo = replace(record, id="photo", captions=("a dog", "a cat"), regions=(box,))
    scene = replace(record, id="scene", captions=("a cat",), regions=(box,))
    truth = {"scene": SceneTruth({"t0": Box((0.5, 0.5, 1.0, 1.0), "cat")}, ((Mention((0, 2), ("t0",)),),), None)}
    named = phrases_of([photo, scene], truth, tiny_processor)
    assert [[(n.words, n.kind, n.boxes.tolist()) for n in own] for own in named] == [
        [((1,), "dog", [[0.0, 0.0, 0.5, 0.5]])],
        [],
        [((0, 1), "cat", [[0.5, 0.5, 1.0, 1.0]])],
    ]
