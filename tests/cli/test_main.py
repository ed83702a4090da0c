from __future__ import annotations

import json

import pytest

from hgan.cli.main import main
from hgan.retrieval.retriever import Retriever


@pytest.fixture(scope="module")
def built(tiny_checkpoint, tiny_dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("galleries") / "shapes"
    arguments = ["gallery", "build", str(tiny_dataset), "--out", str(out), "--checkpoint", str(tiny_checkpoint)]
    assert main([*arguments, "--split", "dev", "--device", "cpu"]) == 0
    return ["--gallery", str(out), "--checkpoint", str(tiny_checkpoint)]


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_search_prints_the_retrievers_numbers(capsys, built):
    status, out, _ = run(capsys, "search", *built, "--text", "a red circle", "-k", "2", "--json")
    printed = json.loads(out)
    expected = Retriever.open(built[3], built[1]).search(text="a red circle", k=2).to_json()
    assert status == 0
    assert printed["hits"] == expected["hits"]
    assert set(printed["timing_ms"]) == {"encode", "search"}
    assert (printed["query"], printed["gallery"]) == ({"text": "a red circle"}, "shapes")


def test_explain_prints_terms_graphs_and_the_check(capsys, built):
    id_ = json.loads(run(capsys, "search", *built, "--text", "a red circle", "--json")[1])["hits"][0]["id"]
    status, out, _ = run(capsys, "explain", *built, "--text", "a red circle", "--id", id_, "--json")
    printed = json.loads(out)
    assert status == 0
    assert printed["check"]["sum_error"] <= 1e-5
    assert len(printed["alignment"]) == len(printed["words"]) == 3
    assert len(printed["alignment"][0]) == len(printed["regions"])
    assert set(printed["graphs"]) == {"image", "text"}
    assert all(0 <= v <= 1 for region in printed["regions"] for v in region["box"])


def test_a_picture_query_prints_captions(capsys, built, tiny_dataset):
    file = next((tiny_dataset / "images").iterdir())
    status, out, _ = run(capsys, "search", *built, "--image", str(file))
    assert status == 0
    assert "white field" in out


def test_people_read_the_same_numbers_as_programs(capsys, built):
    hit = json.loads(run(capsys, "search", *built, "--text", "a dog", "--json")[1])["hits"][0]
    out = run(capsys, "search", *built, "--text", "a dog")[1]
    assert f"{hit['score']:.3f}" in out.splitlines()[1]
    assert f"{hit['contributions']['local']:.3f}" in out.splitlines()[1]


def test_evaluate_reports_both_directions_and_each_level(capsys, tiny_checkpoint, tiny_dataset):
    arguments = ("evaluate", "--dataset", str(tiny_dataset), "--split", "dev", "--checkpoint", str(tiny_checkpoint))
    report = json.loads(run(capsys, *arguments, "--json")[1])
    assert (report["pictures"], report["captions"]) == (4, 8)
    six = [report[d][r] for d in ("image_to_text", "text_to_image") for r in ("r1", "r5", "r10")]
    assert report["rsum"] == pytest.approx(sum(six))
    assert set(report["levels"]) == {"global", "local", "cross"}
    assert report["image_to_text"]["r10"] == 100  # eight captions in all
    assert "R@10" in run(capsys, *arguments)[1]


def test_gallery_info_and_verify(capsys, built):
    info = json.loads(run(capsys, "gallery", "info", built[1], "--json")[1])
    assert (info["count"], info["captions"], info["skipped"]) == (4, 8, [])
    assert run(capsys, "gallery", "verify", built[1])[0] == 0


def test_verify_fails_on_a_changed_file(capsys, built, tmp_path):
    import shutil

    copy = shutil.copytree(built[1], tmp_path / "copy")
    (copy / "items.jsonl").write_text("")
    status, out, _ = run(capsys, "gallery", "verify", str(copy))
    assert status == 1
    assert "items.jsonl" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("search", "--text", ""), "empty sentence"),
        (("search", "--text", "a dog", "-k", "0"), "k=0"),
        (("search", "--image", "nowhere.png"), "no such file"),
        (("search", "--image", __file__), "expected a picture"),
        (("explain", "--text", "a dog", "--id", "nobody"), "'nobody'"),
        (("search", "--text", "a dog", "--device", "abacus"), "'abacus'"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(capsys, built, arguments, message):
    status, out, err = run(capsys, arguments[0], *built, *arguments[1:])
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gallery", "info", "nowhere"), "expected an existing folder"),
        (("gallery", "build", "nowhere", "--out", "x"), "nowhere"),
        (("evaluate", "--dataset", "nowhere"), "nowhere"),
        (("train", "nowhere.py"), "nowhere.py"),
        (("search", "--text", "a", "--checkpoint", "/nowhere/model"), "/nowhere/model"),
    ],
)
def test_what_is_missing_is_named_with_status_2(capsys, arguments, message):
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_an_interrupted_training_says_how_to_go_on(capsys, monkeypatch, train_config, tmp_path):
    import hgan.training.config
    import hgan.training.trainer

    def stop_after_a_step(self, *_):
        self.stop_requested = True

    config = train_config(epochs=2)
    monkeypatch.setattr(hgan.training.config, "load_train_config", lambda path: config)
    monkeypatch.setattr(hgan.training.trainer.Trainer, "_update_average", stop_after_a_step)
    status, out, err = run(capsys, "train", "any.py")
    assert (status, out) == (130, "")
    assert "run the same command again" in err


def test_a_checkpoint_that_did_not_build_the_gallery_is_refused(capsys, built, tiny_checkpoint, tmp_path):
    import torch

    from hgan.checkpoint import load, save_checkpoint

    model, processor = load(tiny_checkpoint)
    with torch.no_grad():
        model.level_logits.add_(torch.tensor([1.0, 0.0, 0.0]))
    save_checkpoint(model, processor, tmp_path / "other")
    status, _, err = run(
        capsys, "search", "--gallery", built[1], "--checkpoint", str(tmp_path / "other"), "--text", "a"
    )
    assert status == 2
    assert "built with model tiny" in err
