from __future__ import annotations

import copy
import json
import os
import re
import shutil
import signal
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from hgan.checkpoint import fingerprint, load, save_checkpoint
from hgan.cli.main import main
from hgan.data.folder import read_dataset
from hgan.encoding import to_pixels
from hgan.evaluation.evaluate import evaluate
from hgan.io.images import open_image
from hgan.model.proposals import Proposals
from hgan.training import region_cache as known_regions
from hgan.training.batches import loader
from hgan.training.config import load_train_config
from hgan.training.optimizer import schedule
from hgan.training.proposal_loss import proposal_loss
from hgan.training.trainer import Trainer, TrainingError
from hgan.visualize.curve import draw_in


def trainer(config) -> Trainer:
    return Trainer(config, progress=False)


def metrics(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def stop_after(run: Trainer, step: int) -> None:
    """The run gets the signal that Ctrl-C or a scheduler sends, once `step` steps are done."""
    train_step = run.train_step

    def wrapped(batch):
        values = train_step(batch)
        if run.step == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return values

    run.train_step = wrapped


@pytest.fixture(scope="module")
def unbroken(train_config_at, tmp_path_factory):
    """A run of two epochs of four steps, never interrupted: its config, trainer and result."""
    out = tmp_path_factory.mktemp("unbroken") / "run"
    config = train_config_at(out, hinge_from=1, hinge_weight=1.0)
    run = Trainer(config, progress=False, after_epoch=draw_in)
    return config, run, run.run()


def test_a_run_writes_metrics_of_each_epoch_a_curve_and_its_config(unbroken):
    config, run, result = unbroken
    out = Path(config.out)
    lines = metrics(out)
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 4), (2, 8)]
    assert result == {"rsum": max(line["rsum"] for line in lines), "epoch": run.best_epoch, "finished": True}
    assert (out / "curve.png").stat().st_size > 1000
    assert json.loads((out / "train_config.json").read_text())["epochs"] == 2
    assert not list(out.glob(".*"))  # no temporary files left


def test_training_changes_every_part_of_the_model(unbroken, train_config):
    _, run, _ = unbroken
    fresh = trainer(train_config()).model.state_dict()
    trained = run.model.state_dict()
    parts = ("regions.backbone", "regions.head", "text_encoder", "image_graph", "text_graph", "mfar", "level_logits")
    for part in parts:
        assert any(not torch.equal(trained[n], fresh[n]) for n in fresh if n.startswith(part)), part


@pytest.mark.parametrize("step", [4, 6, 8], ids=["end of an epoch", "within an epoch", "last step"])
def test_a_run_interrupted_and_resumed_ends_exactly_as_the_unbroken_one(unbroken, tmp_path, step):
    whole, expected, result = unbroken
    config = replace(whole, out=str(tmp_path / "run"))
    first = trainer(config)
    stop_after(first, step)
    assert first.run()["finished"] is False
    assert first.step == step
    second = trainer(config)
    assert second.run() == result
    assert metrics(tmp_path / "run") == metrics(Path(whole.out))
    for one, other in ((second.model, expected.model), (second.average, expected.average)):
        other = other.state_dict()
        assert all(torch.equal(value, other[name]) for name, value in one.state_dict().items())


def test_a_finished_run_started_again_does_nothing(unbroken, tmp_path):
    whole, _, result = unbroken
    shutil.copytree(whole.out, tmp_path / "run")
    again = trainer(replace(whole, out=str(tmp_path / "run")))
    assert again.run() == result
    assert again.step == 8
    assert metrics(tmp_path / "run") == metrics(Path(whole.out))


def test_the_checkpoint_stands_alone(unbroken, tmp_path, tiny_dataset, picture, sentences):
    config, _, result = unbroken
    shutil.copytree(Path(config.out) / "best", tmp_path / "moved")
    model, processor = load(tmp_path / "moved", "cpu")
    dev = evaluate(model, processor, read_dataset(tiny_dataset, "dev"))
    assert dev["score"].rsum == pytest.approx(result["rsum"], abs=25)  # half precision may turn one of 8 sentences
    assert model(**processor(images=[picture(0)], text=sentences)).similarity.score.isfinite().all()


def test_a_run_may_go_on_from_a_checkpoint_with_other_settings(unbroken, train_config):
    start = Path(unbroken[0].out) / "best"
    run = trainer(train_config(start=str(start), model={"score_threshold": 0.33}))
    expected = load(start, "cpu")[0].state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in run.model.state_dict().items())
    assert run.model.config.score_threshold == run.average.regions.selection.score == 0.33
    assert run.model.config.name_or_path == ""
    assert run.model.training


def test_a_run_may_start_from_the_mean_of_checkpoints(unbroken, train_config, tmp_path):
    config, run, _ = unbroken
    first, second = Path(config.out) / "best", tmp_path / "second"
    other = copy.deepcopy(run.model)
    with torch.no_grad():
        other.level_logits += 1
    save_checkpoint(other, run.processor, second)
    mixed = trainer(train_config(start={str(first): 3, str(second): 1})).model.state_dict()
    weights = [load(folder, "cpu")[0].state_dict() for folder in (first, second)]
    for name, value in mixed.items():
        expected = 0.75 * weights[0][name] + 0.25 * weights[1][name] if value.is_floating_point() else weights[0][name]
        torch.testing.assert_close(value, expected)
    odd, processor = load(first, "cpu", {"concepts": 0, "ignore_mismatched_sizes": True})
    save_checkpoint(odd, processor, tmp_path / "odd")
    with pytest.raises(
        ValueError, match=r"odd, which has other weights than .*best, but expected checkpoints of one model"
    ):
        trainer(train_config(start={str(first): 1, str(tmp_path / "odd"): 1}))


def test_a_run_may_train_on_smaller_pictures_than_its_model_looks_at(train_config):
    run = trainer(train_config(image_size=32))
    assert (run.pictures.pixels.shape[-1], run.model.config.image_size) == (32, 64)
    run.train_step(run.collate([run.data[0], run.data[1]]))


def test_an_epoch_passes_through_each_dataset_as_often_as_asked_and_is_judged_on_each(
    train_config, tiny_dataset, tmp_path
):
    exact = shutil.copytree(tiny_dataset, tmp_path / "exact")
    records = {split: read_dataset(exact, split) for split in ("train", "dev")}
    (exact / "caption_facts.jsonl").write_text(
        "".join(
            json.dumps({"id": r.id, "captions": [{"tag": "full", "true_of": [n]}] * len(r.captions)}) + "\n"
            for own in records.values()
            for n, r in enumerate(own)
        )
    )
    config = train_config(
        data={str(tiny_dataset): 1, str(exact): 3}, dev=(str(tiny_dataset), str(exact)), teacher_weight=0.5, epochs=1
    )
    run = trainer(config)
    size = len(records["train"])
    assert run.per_epoch == size // 2 + 3 * size // 2
    softened = [batch.teacher is not None for batch in loader(run.data, run.collate, 2, 0, 0)]
    assert softened.count(True) == size // 2  # exact truth is not softened
    run.run()
    (line,) = metrics(Path(config.out))
    assert list(line["dev"]) == ["shapes", "exact"]
    assert line["rsum"] == pytest.approx(sum(d["score"]["rsum"] for d in line["dev"].values()) / 2)


def test_a_run_of_another_kind_in_the_same_folder_is_refused(unbroken, tmp_path):
    whole, _, _ = unbroken
    shutil.copytree(whole.out, tmp_path / "run")
    config = replace(whole, out=str(tmp_path / "run"), seed=5)
    with pytest.raises(ValueError, match=r"state\.pt: got a run with seed=0, but expected 5; name another `out`"):
        trainer(config).run()


def test_a_loss_that_is_not_finite_stops_the_run_and_names_step_and_pictures(train_config):
    run = trainer(train_config())
    train_step = run.train_step

    def poisoned(batch):
        if run.step == 5:
            with torch.no_grad():
                run.model.logit_scale.fill_(float("nan"))
        return train_step(batch)

    run.train_step = poisoned
    run.data.epoch = 1
    order = run.data.batches(2)[1]  # of the second epoch
    names = ", ".join(run.data.records[i].id for i in order)
    with pytest.raises(TrainingError, match=rf"the loss is nan at step 5 \(epoch 2\); the batch holds {names}"):
        run.run()


def test_collapsed_embeddings_stop_the_run(train_config):
    run = trainer(train_config(hinge_weight=1.0, lr=0.0, backbone_lr=0.0, text_lr=0.0, epochs=20, patience=20))
    run.ledger.collapse.steps = 3
    with torch.no_grad():  # every node of either side at one point
        for layer in (run.model.mfar.rearrangement.norm, *(n.norm_ff for n in run.model.image_graph)):
            layer.weight.zero_()
        for projection in (run.model.image_nodes, run.model.text_nodes):
            for norm in (projection.norm_local, projection.norm_whole):
                norm.weight.zero_()
                norm.bias.fill_(1.0)
        for layer in (*run.model.image_graph, *run.model.text_graph):
            layer.out.weight.zero_()
            layer.ff[-1].weight.zero_()
    with pytest.raises(TrainingError, match="the embeddings have collapsed to one point"):
        run.run()


def test_a_run_stops_early_when_dev_stands_still_for_so_many_epochs(train_config):
    config = train_config(lr=0.0, backbone_lr=0.0, text_lr=0.0, weight_decay=0.0, epochs=9, patience=2, batch_size=8)
    result = trainer(config).run()
    assert result["epoch"] == 1
    assert result["finished"] is True
    assert len(metrics(Path(config.out))) == 3


def test_a_small_set_is_learnt_by_heart(train_config):
    model = {**train_config().model, "dropout": 0.0}
    config = train_config(
        model=model, batch_size=8, crop=1.0, lr=1e-3, backbone_lr=5e-4, text_lr=5e-4, epochs=1000, warmup=0.005
    )
    run = trainer(config)
    run.model.eval()  # no dropout
    (batch,) = loader(run.data, run.collate, 8, start=0, workers=0)
    losses = [run.train_step(batch)["matching"].item() for _ in range(50)]
    assert losses[-1] < losses[0] / 20
    learnt = evaluate(run.model, run.processor, run.data.records)
    assert learnt["score"].rsum == 600


def test_the_moving_average_is_what_is_saved(train_config):
    config = train_config(epochs=1, lr=2e-2)
    run = trainer(config)
    run.run()
    saved, _ = load(Path(config.out) / "best", "cpu")
    for name, value in run.average.state_dict().items():
        torch.testing.assert_close(saved.state_dict()[name], value, atol=1e-3, rtol=1e-3)
    assert not torch.allclose(run.model.mfar.aggregation.concepts, run.average.mfar.aggregation.concepts, atol=2e-3)


def test_frozen_blocks_rest_for_their_epochs_and_then_learn(train_config):
    run = trainer(train_config(frozen_blocks=3, frozen_epochs=1, batch_size=8))
    stem = run.model.regions.backbone.model.conv_stem.first_conv.convolution.weight
    start = stem.detach().clone()
    run.run_epoch()
    assert torch.equal(stem, start)
    run.finish_epoch()
    run.run_epoch()
    assert not torch.equal(stem, start)


def test_with_known_regions_the_region_encoder_rests_and_a_resumed_run_computes_none_again(train_config, monkeypatch):
    config = train_config(frozen_regions=True, patience=9, level_weights=(0.1, 0.7, 0.2))
    run = trainer(config)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    assert run.model.similarity_parameters.level_weights.tolist() == pytest.approx([0.1, 0.7, 0.2])
    look = run.data.looks[0]
    known = run.known([look])
    fresh = run.average.encode_regions(to_pixels([open_image(look[0])], run.average))[0]
    torch.testing.assert_close(known.boxes, fresh.boxes)
    torch.testing.assert_close(known.features, fresh.features, atol=2e-3, rtol=2e-3)  # half precision
    stop_after(run, 3)
    assert not run.run()["finished"]
    monkeypatch.setattr(known_regions, "_regions", None)
    again = trainer(config)
    assert again.run()["finished"]
    changed = {name for name, value in again.model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert not any(name.startswith("regions.") for name in changed)


def test_the_moving_average_leaves_what_rests_alone_to_the_bit(train_config):
    run = trainer(train_config(frozen_regions=True))
    stop_after(run, 1)
    run.run()
    for model in (run.model, run.average):
        next(model.regions.parameters()).data[0] = -0.0  # a lerp from it to itself gives 0.0
    before = fingerprint(run.average, "regions.")
    run.step = 1000
    run._update_average()
    assert fingerprint(run.average, "regions.") == before


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"side_weight": 1.0}, "got side_weight=1.0 without grounding_weight"),
        ({"edge_weight": 1.0}, "got edge_weight=1.0 without grounding_weight, but expected both"),
        ({"false_weight": 1.0}, "got false_weight=1.0 without false_captions, but expected both"),
        ({"mirrored_pairs": True, "batch_size": 3}, "got mirrored_pairs with batch_size=3, but expected an even one"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(train_config, changes, told):
    with pytest.raises(ValueError, match=told):
        train_config(**changes)


def test_statistics_of_batch_norm_stay_as_they_came(unbroken, tiny_towers):
    _, run, _ = unbroken
    start = AutoModel.from_pretrained(tiny_towers["backbone"]).state_dict()
    trained = run.model.regions.backbone.model.state_dict()
    statistics = [name for name in start if "running_" in name]
    assert statistics
    assert all(torch.equal(trained[name], start[name]) for name in statistics)


def test_a_checkpoint_does_not_say_where_its_towers_came_from(train_config, tiny_towers):
    config = train_config(epochs=1)
    trainer(config).run()
    texts = [path.read_text() for path in (Path(config.out) / "best").glob("*.json")]
    assert texts
    assert not any(str(folder) in text for text in texts for folder in tiny_towers.values())


def test_fewer_pictures_than_a_batch_are_refused_with_both_numbers(train_config):
    with pytest.raises(ValueError, match="got 3 records, but expected at least one batch of 5"):
        trainer(train_config(limit=3, batch_size=5))


def test_the_learning_rate_warms_up_and_then_falls_to_zero():
    factors = [schedule(step, 100, warmup=0.1) for step in range(101)]
    assert factors[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert factors[10] == 1
    assert all(a > b for a, b in pairwise(factors[10:]))
    assert factors[100] == pytest.approx(0, abs=1e-9)


def test_a_config_file_gives_its_run_and_anything_else_is_refused(tmp_path):
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(
        "from hgan.training.config import TrainConfig\nconfig = TrainConfig({'a': 1}, ('b',), 'c', epochs=3)\n"
    )
    bad.write_text("config = 3\n")
    assert load_train_config(good).epochs == 3
    with pytest.raises(ValueError, match=r"bad\.py: got config of type int, but expected a TrainConfig"):
        load_train_config(bad)
    with pytest.raises(ValueError, match=r"none\.py, but expected a Python file"):
        load_train_config(tmp_path / "none.py")


# detection loss


def perfect(boxes: torch.Tensor, objectness: float) -> Proposals:
    """Four points, the first at the middle of the only target; every point proposes that target."""
    points = torch.tensor([[0.3, 0.3], [0.8, 0.2], [0.2, 0.8], [0.8, 0.8]])
    logits = torch.tensor([[objectness, -9.0, -9.0, -9.0]])
    labels = torch.tensor([[[9.0, 0.0]] * 4])
    return Proposals(logits, boxes.expand(1, 4, 4), labels, points, torch.full((4,), 0.3))


def detection_loss(proposals: Proposals, score: float = 1.0, known: bool = True) -> float:
    target = torch.tensor([[[0.15, 0.15, 0.45, 0.45]]])
    one = torch.ones(1, 1)
    return proposal_loss(proposals, target, one.long() * 0, one * score, one.bool(), torch.tensor([known])).item()


def test_a_proposal_that_hits_costs_nothing_and_one_that_misses_does():
    target = torch.tensor([0.15, 0.15, 0.45, 0.45])
    assert detection_loss(perfect(target, 9.0)) < 0.01
    assert detection_loss(perfect(target, -9.0)) > 1
    assert detection_loss(perfect(target + 0.3, 9.0)) > 1


def test_a_picture_without_known_boxes_teaches_the_detector_nothing():
    assert detection_loss(perfect(torch.tensor([0.0, 0.0, 0.1, 0.1]), 5.0), known=False) == 0


def test_a_teacher_without_any_confidence_leaves_the_loss_finite():
    assert detection_loss(perfect(torch.tensor([0.0, 0.0, 0.1, 0.1]), 5.0), score=0.0) < 100


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0}, {"epochs": 1.5}, {"batch_size": 0}, {"captions": 0}, {"seed": -1}, {"workers": -1}, {"limit": -1},
        {"image_size": -5}, {"lr": float("nan")}, {"margin": float("inf")}, {"crop": 5.0}, {"ema": 2.0}, {"precision": "half"},
        {"data": {}}, {"data": {"x": 0}}, {"data": "x"}, {"dev": ()}, {"dev": "x"}, {"start": {}}, {"start": ""},
    ],
)  # fmt: skip
def test_a_setting_with_which_no_run_ends_well_is_refused_by_name(train_config, changes):
    (name,) = changes
    with pytest.raises(ValueError, match=f"got {name}=.*, but expected"):
        train_config(**changes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_package", r"run.py line 1: got ModuleNotFoundError"),
        ("x = (", "got SyntaxError"),
        ("\n1 / 0", r"run.py line 2: got ZeroDivisionError"),
        (
            "from hgan.training.config import TrainConfig\nconfig = TrainConfig(speed=3)",
            r"run.py line 2: got TypeError .*speed",
        ),
    ],
)
def test_a_config_file_that_cannot_be_run_is_told_in_one_line(tmp_path, capsys, text, words):
    (tmp_path / "run.py").write_text(text)
    assert main(["train", str(tmp_path / "run.py")]) == 2
    error = capsys.readouterr().err
    assert re.search(words, error)
    assert error.count("\n") == 1


def test_a_run_never_lands_in_or_around_the_checkpoint_it_starts_from(train_config_at, tiny_checkpoint, tmp_path):
    start = shutil.copytree(tiny_checkpoint, tmp_path / "runs" / "one")
    before = sorted(p.name for p in start.iterdir())
    for out in (start / "next", tmp_path / "runs"):
        for named in (str(start), {str(start): 1.0}):
            with pytest.raises(ValueError, match=r"as the place to write|which holds something"):
                Trainer(train_config_at(out, start=named))
    assert sorted(p.name for p in start.iterdir()) == before
