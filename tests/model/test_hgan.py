from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoProcessor, BertConfig, EfficientNetConfig

from hgan import HGANConfig, HGANModel, HGANProcessor, Regions
from hgan.checkpoint import load, save_checkpoint
from hgan.encoding import encode_images, encode_texts, to_pixels
from hgan.model.boxes import pairwise_iou
from hgan.training.initialise import build_model
from hgan.types import CONTEXT, OBJECT

TINY_TEXT = {
    "model_type": "bert",
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
TINY_CORE = {"text_config": TINY_TEXT, "dim": 32, "initializer_range": 0.2}


def close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module")
def pixels(tiny_model, picture) -> torch.Tensor:
    return to_pixels([picture(seed) for seed in range(6)], tiny_model)


@pytest.fixture(scope="module")
def graphs(tiny_model, tiny_processor, pixels, sentences):
    with torch.no_grad():
        return tiny_model.encode_image(pixels), tiny_model.encode_text(**tiny_processor(text=sentences))


@pytest.fixture(scope="module")
def precomputed_model() -> HGANModel:
    torch.manual_seed(0)
    return HGANModel(HGANConfig(precomputed_dim=2048, **TINY_CORE)).eval()


@pytest.fixture(scope="module")
def precomputed() -> Regions:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 36, 2048, generator=generator).clamp(min=0)
    boxes = torch.rand(3, 36, 2, 2, generator=generator).sort(2).values.flatten(2)
    return Regions.from_precomputed(features, boxes)


def test_the_tiny_model_tells_pictures_and_sentences_apart(tiny_model, graphs):
    image, text = graphs
    scores = tiny_model.similarity(image, text).score
    assert scores.std(0).min() > 1e-3
    assert scores.std(1).min() > 1e-3
    assert len(set(image.mask.sum(1).tolist())) > 1


def test_a_picture_in_a_batch_has_the_graph_it_has_alone(tiny_model, pixels, graphs):
    image, text = graphs
    scores = tiny_model.similarity(image, text).score
    for row in range(len(pixels)):
        alone = tiny_model.encode_image(pixels[row : row + 1])
        real = alone.mask[0]
        assert image.mask[row].sum() == real.sum()
        close(image.nodes[row][image.mask[row]], alone.nodes[0][real])
        close(image.weights[row][image.mask[row]], alone.weights[0][real])
        close(image.boxes[row][image.mask[row]], alone.boxes[0][real])
        close(scores[row], tiny_model.similarity(alone, text).score[0])


def test_a_sentence_in_a_batch_has_the_graph_it_has_alone(tiny_model, tiny_processor, graphs, sentences):
    image, text = graphs
    scores = tiny_model.similarity(image, text).score
    for row, sentence in enumerate(sentences):
        alone = tiny_model.encode_text(**tiny_processor(text=sentence))
        words = alone.nodes.shape[1]
        assert text.mask[row].sum() == words
        close(text.nodes[row, :words], alone.nodes[0])
        close(text.edges[row, : words + 1, : words + 1], alone.edges[0])
        close(scores[:, row], tiny_model.similarity(image, alone).score[:, 0])


def test_more_padding_of_tokens_changes_no_score(tiny_model, tiny_processor, graphs, sentences):
    image, text = graphs
    batch = dict(tiny_processor(text=sentences))
    for name, value in (("input_ids", 7), ("attention_mask", 0), ("word_index", -1)):
        batch[name] = torch.nn.functional.pad(batch[name], (0, 9), value=value)
    close(tiny_model.similarity(image, tiny_model.encode_text(**batch)).score, tiny_model.similarity(image, text).score)


def test_more_padding_of_regions_changes_no_score(tiny_model, pixels, graphs):
    image, text = graphs
    regions, _ = tiny_model.encode_regions(pixels)
    rubbish = regions.features.new_full((len(pixels), 4, regions.features.shape[-1]), 9.0)
    padded = Regions(
        torch.cat([regions.features, rubbish], 1),
        torch.nn.functional.pad(regions.boxes, (0, 0, 0, 4), value=0.5),
        torch.nn.functional.pad(regions.mask, (0, 4)),
        regions.image_feature,
        *(torch.nn.functional.pad(t, (0, 4)) for t in (regions.kinds, regions.labels, regions.scores)),
    )
    after = tiny_model.similarity(tiny_model.encode_image(regions=padded), text).score
    close(after, tiny_model.similarity(image, text).score)


def test_the_order_of_precomputed_regions_changes_no_score(precomputed_model, precomputed):
    words = torch.tensor([[2, 5, 6, 7, 3]]), torch.ones(1, 5, dtype=torch.long), torch.tensor([[-1, 0, 1, 1, -1]])
    text = precomputed_model.encode_text(*words)
    order = torch.randperm(36, generator=torch.Generator().manual_seed(1))
    shuffled = replace(
        precomputed,
        features=precomputed.features[:, order],
        boxes=precomputed.boxes[:, order],
    )
    scores = [
        precomputed_model.similarity(precomputed_model.encode_image(regions=regions), text).score
        for regions in (precomputed, shuffled)
    ]
    assert scores[0].std() > 1e-3
    close(scores[1], scores[0])


def test_boxes_of_precomputed_regions_matter(precomputed_model, precomputed):
    elsewhere = replace(precomputed, boxes=precomputed.boxes.roll(1, 1))
    before = precomputed_model.encode_image(regions=precomputed).global_node
    assert (precomputed_model.encode_image(regions=elsewhere).global_node - before).abs().max() > 1e-3


def test_the_order_of_words_matters(tiny_model, tiny_processor):
    text = tiny_model.encode_text(**tiny_processor(text=["a red dog on a cat", "a cat on a red dog"]))
    assert (text.global_node[0] - text.global_node[1]).abs().max() > 1e-3


def test_regions_of_a_picture_are_context_cells_and_then_detections(tiny_model, graphs):
    image, _ = graphs
    settings = tiny_model.config
    cells = settings.context_grid**2
    for row in range(len(image)):
        found = image.mask[row] & (image.kinds[row] == OBJECT)
        assert (image.kinds[row, :cells] == CONTEXT).all()
        assert image.mask[row, :cells].all()
        assert (image.labels[row, :cells] == -1).all()
        assert found.sum() <= settings.max_regions
        assert (image.scores[row][found] >= settings.score_threshold).all()
        assert (image.labels[row][found] >= 0).all()
        boxes = image.boxes[row][found]
        overlap = pairwise_iou(boxes, boxes) - torch.eye(len(boxes))
        assert len(boxes) < 2 or overlap.max() <= settings.nms_threshold


def test_a_new_model_expects_few_objects(tiny_config, pixels):
    torch.manual_seed(0)
    model = HGANModel(HGANConfig(**{**tiny_config.to_dict(), "initializer_range": 0.02})).eval()
    _, proposals = model.encode_regions(pixels)
    assert proposals.objectness.sigmoid().mean().item() == pytest.approx(0.02, abs=0.01)


def test_node_weights_and_edge_rows_sum_to_one(graphs):
    for graph in graphs:
        close(graph.weights.sum(1), torch.ones(len(graph)))
        close(graph.edges.sum(-1), torch.ones(graph.edges.shape[:2]))
        assert graph.weights[~graph.mask].sum() == 0


def test_regions_that_are_all_masked_give_finite_scores(precomputed_model, precomputed):
    nothing = replace(precomputed, mask=torch.zeros_like(precomputed.mask))
    graph = precomputed_model.encode_image(regions=nothing)
    words = torch.tensor([[2, 5, 3]]), torch.ones(1, 3, dtype=torch.long), torch.tensor([[-1, 0, -1]])
    assert precomputed_model.similarity(graph, precomputed_model.encode_text(*words)).score.isfinite().all()


def test_forward_gives_scaled_scores_in_both_orientations(tiny_model, tiny_processor, pixels, sentences):
    out = tiny_model(pixel_values=pixels, **tiny_processor(text=sentences))
    assert out.logits_per_image.shape == (len(pixels), len(sentences))
    close(out.logits_per_image, out.similarity.score * tiny_model.logit_scale.exp())
    assert torch.equal(out.logits_per_text, out.logits_per_image.T)


def test_each_tower_can_be_called_alone(tiny_model, tiny_processor, pixels, sentences, graphs):
    image_only, text_only = tiny_model(pixel_values=pixels), tiny_model(**tiny_processor(text=sentences))
    assert image_only.text_graph is None
    assert image_only.logits_per_image is None
    assert text_only.image_graph is None
    close(image_only.image_graph.global_node, graphs[0].global_node)
    close(text_only.text_graph.global_node, graphs[1].global_node)


def test_sentences_come_back_in_the_order_given_whatever_the_batches(tiny_model, tiny_processor, sentences, graphs):
    text = encode_texts(tiny_model, tiny_processor, sentences, batch_size=2)
    close(text.global_node, graphs[1].global_node)
    assert torch.equal(text.mask.sum(1), graphs[1].mask.sum(1))


def test_a_saved_model_comes_back_through_the_auto_classes_with_the_same_scores(
    tiny_model, tiny_processor, picture, sentences, tmp_path
):
    tiny_model.save_pretrained(tmp_path)
    tiny_processor.save_pretrained(tmp_path)
    model, processor = AutoModel.from_pretrained(tmp_path).eval(), AutoProcessor.from_pretrained(tmp_path)
    assert isinstance(model, HGANModel)
    assert isinstance(processor, HGANProcessor)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), HGANConfig)
    pictures = [picture(seed) for seed in range(3)]
    before = tiny_model(**tiny_processor(images=pictures, text=sentences)).similarity
    after = model(**processor(images=pictures, text=sentences)).similarity
    close(after.score, before.score)
    assert after.weights == before.weights


def test_a_configuration_comes_back_with_every_setting(tiny_config, tmp_path):
    tiny_config.save_pretrained(tmp_path)
    assert HGANConfig.from_pretrained(tmp_path).to_dict() == tiny_config.to_dict()


def test_a_checkpoint_in_half_precision_gives_nearly_the_same_scores(tiny_model, tiny_checkpoint, picture, graphs):
    model, _ = load(tiny_checkpoint, "cpu")
    assert next(model.parameters()).dtype == torch.float32
    images = encode_images(model, [picture(seed) for seed in range(6)])
    with torch.no_grad():
        before, after = tiny_model.similarity(*graphs).score, model.similarity(images, graphs[1]).score
    assert (after - before).abs().max() < 0.02


def test_a_checkpoint_holds_weights_in_half_precision(tiny_model, tiny_checkpoint):
    stored = load_file(tiny_checkpoint / "model.safetensors")
    assert {name: tensor.dtype for name, tensor in stored.items() if tensor.is_floating_point()} == {
        name: torch.half for name, tensor in tiny_model.state_dict().items() if tensor.is_floating_point()
    }


@pytest.mark.parametrize("broken", ["empty", "cut"])
def test_a_folder_that_is_no_checkpoint_is_refused_by_name(broken, tiny_checkpoint, tmp_path):
    if broken == "cut":
        for file in tiny_checkpoint.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes()[:200])
    with pytest.raises(ValueError, match=rf"got checkpoint {tmp_path}.*expected an HGAN folder"):
        load(tmp_path, "cpu")


def test_a_precomputed_model_has_no_backbone_and_comes_back_from_disk(precomputed_model, precomputed, tmp_path):
    precomputed_model.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path).eval()
    assert again.regions is None
    graph, expected = again.encode_image(regions=precomputed), precomputed_model.encode_image(regions=precomputed)
    assert torch.equal(graph.nodes, expected.nodes)


def test_precomputed_features_alone_get_whole_picture_boxes_and_their_mean():
    mask = torch.tensor([[True, True, False]])
    regions = Regions.from_precomputed(torch.tensor([[[1.0], [3.0], [50.0]]]), mask=mask)
    assert regions.boxes[0].tolist() == [[0.0, 0.0, 1.0, 1.0]] * 3
    assert regions.image_feature.tolist() == [[2.0]]


@pytest.mark.parametrize(
    ("features", "boxes", "message"),
    [
        (
            torch.zeros(36, 8),
            None,
            r"got region features of shape \(36, 8\), but expected \(batch, regions, features\)",
        ),
        (torch.zeros(1, 2, 8), torch.zeros(1, 3, 4), r"got boxes of shape \(1, 3, 4\).*expected.*\(1, 2, 4\)"),
        (torch.zeros(1, 2, 8), torch.full((1, 2, 4), 640.0), "values from 640 to 640, but expected normalised XYXY"),
    ],
)
def test_precomputed_regions_of_the_wrong_form_are_refused_with_both_sides(features, boxes, message):
    with pytest.raises(ValueError, match=message):
        Regions.from_precomputed(features, boxes)


def test_features_of_another_width_are_refused_with_both_widths(tiny_model):
    with pytest.raises(ValueError, match="width 2048, but this model expects 48"):
        tiny_model.encode_image(regions=Regions.from_precomputed(torch.zeros(1, 3, 2048)))


def test_pixels_for_a_model_of_precomputed_features_are_refused_with_the_width_it_wants(precomputed_model):
    with pytest.raises(ValueError, match=r"got pixel_values.*features of width 2048"):
        precomputed_model.encode_image(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 1, 64, 64)])
def test_pixels_of_another_shape_are_refused_with_the_shape_that_came(tiny_model, shape):
    with pytest.raises(ValueError, match=rf"got pixel_values of shape \({shape[0]}, .*expected \(batch, 3"):
        tiny_model.encode_image(torch.zeros(shape))


def test_a_picture_tower_given_nothing_or_both_inputs_says_which(tiny_model):
    with pytest.raises(ValueError, match="got neither"):
        tiny_model.encode_image()
    with pytest.raises(ValueError, match="got both"):
        tiny_model.encode_image(torch.zeros(1, 3, 64, 64), Regions.from_precomputed(torch.zeros(1, 3, 48)))


def test_tokens_without_their_words_are_refused(tiny_model):
    with pytest.raises(ValueError, match="got input_ids alone, but expected attention_mask and word_index"):
        tiny_model(input_ids=torch.tensor([[2, 5, 3]]))


RESNET = {
    "model_type": "resnet",
    "embedding_size": 8,
    "hidden_sizes": [8, 16],
    "depths": [1, 1],
    "layer_type": "basic",
    "out_features": ["stage1", "stage2"],
}
CONVNEXT = {
    "model_type": "convnextv2",
    "hidden_sizes": [8, 16],
    "depths": [1, 1],
    "num_stages": 2,
    "out_features": ["stage1", "stage2"],
}


@pytest.mark.parametrize("backbone", [RESNET, CONVNEXT], ids=lambda b: b["model_type"])
def test_another_backbone_is_a_matter_of_configuration(backbone, tmp_path):
    config = HGANConfig(
        backbone_config=backbone,
        backbone_taps=[0, 1],
        backbone_channels=[8, 16],
        image_size=64,
        pyramid_dim=16,
        region_dim=48,
        **TINY_CORE,
    )
    torch.manual_seed(0)
    model = HGANModel(config).eval()
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    graph = model.encode_image(pixels)
    assert (graph.global_node[0] - graph.global_node[1]).abs().max() > 1e-3
    model.save_pretrained(tmp_path)
    close(AutoModel.from_pretrained(tmp_path).eval().encode_image(pixels).global_node, graph.global_node)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone_config": RESNET, "precomputed_dim": 2048}, "got a backbone_config and precomputed_dim=2048"),
        ({"backbone_taps": [1, 2]}, "got 2 backbone_taps and 3 backbone_channels"),
        ({"dim": 30}, "got dim=30, heads=4, groups=4"),
        ({"backbone_config": {"depth": 3}}, r"got a sub-config with keys \['depth'\]"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_in_words(settings, message):
    with pytest.raises(ValueError, match=message):
        HGANConfig(
            **{"text_config": BertConfig(**{k: v for k, v in TINY_TEXT.items() if k != "model_type"}), **settings}
        )


def efficientnet(tmp_path, idle: bool) -> Path:
    """A folder of a small EfficientNet with squeeze-and-excite that multiplies by 1, or by something else."""
    torch.manual_seed(0)
    config = EfficientNetConfig(
        width_coefficient=0.25, depth_coefficient=0.3, hidden_dim=320, image_size=64, hidden_act="relu6"
    )
    model = AutoModel.from_config(config)
    for block in model.encoder.blocks if idle else ():
        torch.nn.init.zeros_(block.squeeze_excite.expand.weight)
        torch.nn.init.constant_(block.squeeze_excite.expand.bias, 30.0)
    model.save_pretrained(tmp_path / "efficientnet")
    return tmp_path / "efficientnet"


@pytest.mark.parametrize("idle", [True, False])
def test_squeeze_and_excite_that_does_nothing_is_left_out_and_stays_out(idle, tmp_path, train_config):
    folder = efficientnet(tmp_path, idle)
    settings = {**train_config().model, "backbone_taps": [2, 5, -1], "backbone_channels": [8, 24, 320]}
    model, processor = build_model(train_config(backbone=str(folder), model=settings))
    backbone = model.regions.backbone.eval()
    assert any("squeeze" in name for name in model.state_dict()) != idle
    assert len(backbone.blocks()) == 1 + len(backbone.model.encoder.blocks)
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps = backbone(pixels)
        torch.testing.assert_close(
            maps[-1], AutoModel.from_pretrained(folder).eval()(pixels).last_hidden_state, rtol=0, atol=0
        )
        save_checkpoint(model.float(), processor, tmp_path / "saved")
        again = load(tmp_path / "saved", "cpu")[0].regions.backbone
        halved = model.half().float().regions.backbone
        torch.testing.assert_close(again(pixels)[-1], halved(pixels)[-1], rtol=0, atol=1e-6)
