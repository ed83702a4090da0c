"""What people expect of a transformers model: a loss, one vector a picture, half precision, torch.compile, its Trainer."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

from hgan.encoding import to_pixels
from hgan.model.contrastive import contrastive_loss

CAPTIONS = ["a red circle on the left", "a big blue square", "a dog runs on a white field", "green!"]


@pytest.fixture(scope="module")
def batch(tiny_model, tiny_processor, picture) -> dict[str, torch.Tensor]:
    pixels = to_pixels([picture(seed) for seed in range(len(CAPTIONS))], tiny_model)
    return {"pixel_values": pixels, **tiny_processor(text=CAPTIONS)}


def test_the_loss_by_hand():
    logits = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    rows = [math.log(1 + math.exp(0 - 2)), math.log(1 + math.exp(1 - 3))]
    columns = [math.log(1 + math.exp(1 - 2)), math.log(1 + math.exp(0 - 3))]
    assert contrastive_loss(logits).item() == pytest.approx((sum(rows) / 2 + sum(columns) / 2) / 2)
    assert contrastive_loss(logits.T).item() == pytest.approx(contrastive_loss(logits).item())


@pytest.mark.parametrize("logits", [None, torch.zeros(2, 3), torch.zeros(4)])
def test_a_loss_wants_one_text_a_picture(logits):
    with pytest.raises(ValueError, match=r"^got .*, but expected"):
        contrastive_loss(logits)


def test_forward_gives_a_loss_when_asked_and_it_reaches_every_part(tiny_model, batch):
    assert tiny_model(**batch).loss is None
    model = copy.deepcopy(tiny_model).train()
    output = model(**batch, return_loss=True)
    torch.testing.assert_close(output[0], contrastive_loss(output.logits_per_image))
    output.loss.backward()
    # The proposal head has a loss of its own: boxes are chosen, not differentiated through. Level logits start without a gradient
    # only where all levels agree.
    still = [
        name
        for name, value in model.named_parameters()
        if value.grad is None and not name.startswith(("regions.head", "log_temperature"))
    ]
    assert still == []


def test_features_are_the_global_nodes(tiny_model, batch):
    words = {name: value for name, value in batch.items() if name != "pixel_values"}
    with torch.no_grad():
        output = tiny_model(**batch)
        images, texts = tiny_model.get_image_features(batch["pixel_values"]), tiny_model.get_text_features(**words)
        regions, _ = tiny_model.encode_regions(batch["pixel_values"])
        torch.testing.assert_close(tiny_model.get_image_features(regions=regions), images)
    assert images.shape == texts.shape == (len(CAPTIONS), tiny_model.config.dim)
    torch.testing.assert_close(images @ texts.T, output.similarity.levels["global"])
    torch.testing.assert_close(images.norm(dim=-1), torch.ones(len(CAPTIONS)))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_in_half_precision(tiny_model, batch, dtype, tolerance):
    half = copy.deepcopy(tiny_model)
    half = half.half() if dtype is torch.float16 else half.to(dtype)
    with torch.no_grad():
        regions, _ = tiny_model.encode_regions(batch["pixel_values"])
        expected = tiny_model(**batch).similarity.score
        got = half(**{**batch, "pixel_values": batch["pixel_values"].to(dtype)})
        # The same regions, as a detection at the threshold may come or go.
        same = regions.map(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)
        words = {name: value for name, value in batch.items() if name != "pixel_values"}
        score = half(regions=same, **words).similarity.score
    assert got.similarity.score.dtype == torch.float32
    assert got.similarity.score.isfinite().all()
    torch.testing.assert_close(score, expected, atol=tolerance, rtol=0)


def test_compiled_it_answers_the_same(tiny_model, batch):
    torch.compiler.reset()
    compiled = torch.compile(tiny_model, backend="eager")  # traced as by any backend, without a compiler
    words = {name: value for name, value in batch.items() if name != "pixel_values"}
    with torch.no_grad():
        regions, _ = tiny_model.encode_regions(batch["pixel_values"])
        expected, got = tiny_model(regions=regions, **words), compiled(regions=regions, **words)
    torch.testing.assert_close(got.similarity.score, expected.similarity.score, atol=1e-5, rtol=1e-4)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    torch.compiler.reset()


def test_transformers_trainer_trains_it(tiny_model, batch, tmp_path):
    class Pairs(Dataset):
        def __len__(self) -> int:
            return len(CAPTIONS)

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            return {name: value[index] for name, value in batch.items()}

    def collate(rows: list[dict[str, torch.Tensor]]) -> dict[str, object]:
        return {"return_loss": True, **{name: torch.stack([row[name] for row in rows]) for name in rows[0]}}

    settings = TrainingArguments(
        output_dir=str(tmp_path), max_steps=12, per_device_train_batch_size=4, per_device_eval_batch_size=4, learning_rate=3e-3,
        logging_steps=1, report_to=[], remove_unused_columns=False, use_cpu=True, save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(
        model=copy.deepcopy(tiny_model),
        args=settings,
        train_dataset=Pairs(),
        eval_dataset=Pairs(),
        data_collator=collate,
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < 0.7 * before
    predicted = trainer.predict(Pairs()).predictions
    assert [logits.shape for logits in predicted] == [(len(CAPTIONS), len(CAPTIONS))] * 2
    trainer.save_model()
    assert (tmp_path / "model.safetensors").is_file()
