"""The tiny model on a CUDA GPU. Deselected where there is none; `make gpu-check` runs them and compares the real model too."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from hgan.checkpoint import load
from hgan.data.folder import read_dataset
from hgan.encoding import encode_images, encode_texts, to_pixels
from hgan.gallery.build import build_gallery
from hgan.retrieval.retriever import Retriever
from hgan.training.trainer import Trainer

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def exact():
    """No TF32: differences are then those of the order of sums."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.fixture(scope="module")
def on_gpu(tiny_model):
    return copy.deepcopy(tiny_model).to("cuda", memory_format=torch.channels_last)


def test_graphs_and_scores_are_those_of_the_cpu(tiny_model, on_gpu, tiny_processor, picture, sentences):
    pictures = [picture(seed) for seed in range(6)]
    scores = []
    for model in (tiny_model, on_gpu):
        image, text = encode_images(model, pictures), encode_texts(model, tiny_processor, sentences)
        assert image.nodes.device.type == text.nodes.device.type == "cpu"
        parameters = tiny_model.similarity_parameters
        scores.append(tiny_model.similarity(image, text).score.detach())
        assert parameters.temperature.device.type == "cpu"
    torch.testing.assert_close(scores[1], scores[0], atol=1e-4, rtol=0)


def test_forward_and_its_loss_stay_on_the_gpu(on_gpu, tiny_processor, picture):
    model = copy.deepcopy(on_gpu).train()
    pixels = to_pixels([picture(seed) for seed in range(3)], model).to("cuda")
    words = tiny_processor(text=["a dog", "a red circle", "green!"]).to("cuda")
    output = model(pixels, **words, return_loss=True)
    output.loss.backward()
    assert output.loss.device.type == output.logits_per_text.device.type == "cuda"
    assert all(value.grad.isfinite().all() for value in model.parameters() if value.grad is not None)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision(on_gpu, tiny_processor, picture, dtype):
    half = copy.deepcopy(on_gpu).to(dtype)
    pixels = to_pixels([picture(seed) for seed in range(3)], half).to("cuda", dtype)
    with torch.no_grad():
        score = half(pixels, **tiny_processor(text=["a dog", "green!"]).to("cuda")).similarity.score
    assert score.isfinite().all()
    assert score.dtype == torch.float32


def test_a_gallery_built_on_the_gpu_answers_as_the_one_of_the_cpu(
    tiny_checkpoint, tiny_gallery, tiny_dataset, tmp_path
):
    build_gallery(*load(tiny_checkpoint, "cuda"), read_dataset(tiny_dataset), tmp_path / "own", "tiny")
    here = Retriever.open(str(tiny_checkpoint), tiny_gallery, "cpu").search(text="a red circle", k=12)
    there = Retriever.open(str(tiny_checkpoint), tmp_path / "own", "cuda").search(text="a red circle", k=12)
    scores = {hit.id: hit.score for hit in there.hits}
    assert scores == pytest.approx({hit.id: hit.score for hit in here.hits}, abs=1e-3)  # stored in half precision


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_trains_is_saved_and_resumes(train_config, precision):
    config = train_config(precision=precision, grounding_weight=0.2, hinge_weight=0.5, epochs=2)
    trainer = Trainer(config, progress=False)
    assert trainer.device.type == "cuda"
    assert trainer.run_epoch()
    assert all(math.isfinite(total) for total in trainer.sums.values())
    trainer.finish_epoch()
    again = Trainer(config, progress=False)
    assert again.run()["finished"]
    assert again.step == 2 * again.per_epoch
