"""Half a checkpoint is no checkpoint, and what is written twice is written alike."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoProcessor

from hgan import HGANModel, HGANProcessor
from hgan.checkpoint import fingerprint, load, save_checkpoint, soup
from hgan.cli.main import main
from hgan.encoding import encode_images
from hgan.training.initialise import build_model

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def checkpoint(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint, tmp_path / "ck")


def change(checkpoint: Path, edit) -> None:
    file = checkpoint / "model.safetensors"
    weights = load_file(file)
    edit(weights)
    save_file(weights, file, {"format": "pt"})


def missing(weights):
    del weights["text_nodes.local.weight"]


def renamed(weights):
    weights["text_nodes.lokal.weight"] = weights.pop("text_nodes.local.weight")


def added(weights):
    weights["a_head.weight"] = torch.zeros(3)


def reshaped(weights):
    weights["text_nodes.local.weight"] = torch.zeros(7, 3, dtype=torch.half)


def not_finite(weights):
    weights["text_nodes.local.weight"][0, 0] = float("nan")


def infinite(weights):
    next(v for k, v in weights.items() if k.endswith("running_var"))[0] = float("inf")


DAMAGE = [
    (missing, r"missing weights \(text_nodes\.local\.weight\)"),
    (
        renamed,
        r"missing weights \(text_nodes\.local\.weight\); weights that the model does not have \(text_nodes\.lokal",
    ),
    (added, r"weights that the model does not have \(a_head\.weight\)"),
    (reshaped, r"weights of another shape: text_nodes\.local\.weight of shape \(7, 3\) where \(32, 32\) is expected"),
    (not_finite, r"weights that are not finite numbers \(text_nodes\.local\.weight\)"),
    (infinite, r"weights that are not finite numbers \(regions\..*running_var\)"),
]


@pytest.mark.parametrize(("edit", "words"), DAMAGE)
def test_weights_that_are_not_right_are_refused_by_name(checkpoint, edit, words, train_config):
    change(checkpoint, edit)
    doors = (
        lambda: load(checkpoint, "cpu"),
        lambda: AutoModel.from_pretrained(checkpoint),
        lambda: HGANModel.from_pretrained(checkpoint),
        lambda: soup({str(checkpoint): 1.0}),
        lambda: build_model(train_config(start=str(checkpoint), model={}, backbone="", text_encoder="")),
    )
    for door in doors:
        with pytest.raises(ValueError, match=words):
            door()


def test_a_second_checkpoint_of_a_mean_is_looked_at_too(checkpoint, tiny_checkpoint):
    change(checkpoint, missing)
    with pytest.raises(ValueError, match="missing weights"):
        soup({str(tiny_checkpoint): 0.5, str(checkpoint): 0.5})


def test_every_command_ends_with_status_2(checkpoint, tiny_dataset, tiny_gallery, tmp_path, capsys):
    change(checkpoint, missing)
    place = ["--checkpoint", str(checkpoint)]
    for command in (
        ["evaluate", *place, "--dataset", str(tiny_dataset)],
        ["search", *place, "--gallery", str(tiny_gallery), "--text", "a dog"],
        ["gallery", "build", str(tiny_dataset), *place, "--out", str(tmp_path / "g")],
        ["average", f"{checkpoint}=0.5", f"{checkpoint}=0.5", "--out", str(tmp_path / "m")],
    ):
        try:
            status = main(command)
        except SystemExit as end:
            status = end.code
        assert (command[0], status) == (command[0], 2)
        error = capsys.readouterr().err
        assert "text_nodes.local.weight" in error
        assert "LOAD REPORT" not in error


def test_a_pickled_checkpoint_is_read_and_looked_at_like_any_other(checkpoint, tiny_model):
    weights = load_file(checkpoint / "model.safetensors")
    (checkpoint / "model.safetensors").unlink()
    torch.save(weights, checkpoint / "pytorch_model.bin")
    assert fingerprint(load(checkpoint, "cpu")[0]) == fingerprint(tiny_model)
    missing(weights)
    torch.save(weights, checkpoint / "pytorch_model.bin")
    with pytest.raises(ValueError, match="missing weights"):
        load(checkpoint, "cpu")


class Harm:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def test_a_pickled_checkpoint_runs_no_code(checkpoint, tmp_path):
    weights = load_file(checkpoint / "model.safetensors")
    (checkpoint / "model.safetensors").unlink()
    torch.save({**weights, "a": Harm(tmp_path / "harm")}, checkpoint / "pytorch_model.bin")
    with pytest.raises(ValueError, match="cannot be loaded"):
        load(checkpoint, "cpu")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "file", ["config.json", "model.safetensors", "processor_config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_a_folder_without_one_of_its_files_is_refused_by_the_file(checkpoint, file):
    (checkpoint / file).unlink()
    with pytest.raises(ValueError, match=rf"without .*{file.split('.')[0]}"):
        load(checkpoint, "cpu")


def edit_json(file: Path, **changes: object) -> None:
    found = json.loads(file.read_text())
    file.write_text(json.dumps({**found, **changes}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_size", "64"), ("image_size", 0), ("image_std", 0), ("image_mean", float("nan")), ("labels", "ball"),
        ("labels", []), ("heads", True), ("max_words", -1), ("score_threshold", 7), ("edge_bias", 1),
        ("backbone_taps", [1, "b", -1]), ("max_text_tokens", 4000),
    ],
)  # fmt: skip
def test_a_damaged_setting_is_refused_by_name(checkpoint, name, value):
    edit_json(checkpoint / "config.json", **{name: value})
    with pytest.raises(ValueError, match=rf"got {name}="):
        load(checkpoint, "cpu")


@pytest.mark.parametrize("name", ["image_size", "labels", "heads", "image_mean"])
def test_a_setting_that_is_missing_is_not_made_up(checkpoint, name):
    found = json.loads((checkpoint / "config.json").read_text())
    del found[name]
    (checkpoint / "config.json").write_text(json.dumps(found))
    for door in (lambda: load(checkpoint, "cpu"), lambda: AutoModel.from_pretrained(checkpoint)):
        with pytest.raises(ValueError, match=rf"settings without {name}, but expected all of them"):
            door()


def test_a_setting_that_nothing_reads_is_named(checkpoint, caplog):
    edit_json(checkpoint / "config.json", image_sise=32)
    logging.getLogger("transformers").propagate = True
    load(checkpoint, "cpu")
    assert "got image_sise, which no HGAN model has" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"model_type": "bert"}', "null"])
def test_a_config_that_is_none_is_refused(checkpoint, text):
    (checkpoint / "config.json").write_text(text)
    with pytest.raises(ValueError, match="cannot be loaded"):
        load(checkpoint, "cpu")


def test_the_tokenizer_of_another_model_is_refused(checkpoint):
    file = checkpoint / "tokenizer.json"
    found = json.loads(file.read_text())
    found["model"]["vocab"] = dict(list(found["model"]["vocab"].items())[:20])
    file.write_text(json.dumps(found))
    for door in (lambda: load(checkpoint, "cpu"), lambda: AutoProcessor.from_pretrained(checkpoint)):
        with pytest.raises(
            ValueError, match=r"got a tokenizer of \d+ word pieces, but the model's text encoder expects 1"
        ):
            door()


def edit_processor(checkpoint: Path, **changes: object) -> None:
    file = checkpoint / "processor_config.json"
    found = json.loads(file.read_text())
    for name, value in changes.items():
        (found if name in found else found["image_processor"])[name] = value
    file.write_text(json.dumps(found))


@pytest.mark.parametrize(
    "changes",
    [
        {"size": {"height": 32, "width": 32}}, {"size": {"shortest_edge": 32}}, {"image_mean": [0.4, 0.5, 0.6]},
        {"image_std": [1, 1, 1]}, {"resample": 3}, {"do_resize": False}, {"rescale_factor": 1.0}, {"max_words": 2},
        {"max_tokens": 5},
    ],
)  # fmt: skip
def test_a_processor_with_other_settings_than_the_model_is_set_right_with_a_word(
    checkpoint, changes, caplog, picture, tiny_model, tiny_processor
):
    edit_processor(checkpoint, **changes)
    logging.getLogger("transformers").propagate = True
    processor = AutoProcessor.from_pretrained(checkpoint)
    assert "other settings than the model's" in caplog.text
    assert processor.disagreements(tiny_model.config) == []
    given = {"images": picture(0), "text": "a big red circle on the left"}
    for name, value in tiny_processor(**given).items():
        assert torch.equal(processor(**given)[name], value)


def test_a_processor_that_disagrees_cannot_be_saved(checkpoint, tiny_model, tiny_processor, tmp_path):
    edit_processor(checkpoint, size={"height": 32, "width": 32})
    (checkpoint / "config.json").rename(tmp_path / "config.json")
    wrong = HGANProcessor.from_pretrained(checkpoint)
    with pytest.raises(ValueError, match=r"image size \(32, 32\), but \(64, 64\) in the config"):
        save_checkpoint(tiny_model, wrong, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match=r"image size \(32, 32\)"):
        wrong.save_pretrained(tmp_path)
    assert [file.name for file in tmp_path.glob("*.json")] == ["config.json"]


def test_weights_that_are_not_finite_are_not_saved_over_good_ones(checkpoint, tiny_processor):
    model = HGANModel.from_pretrained(checkpoint)
    with torch.no_grad():
        model.text_nodes.local.weight[0, 0] = 1e6  # beyond half precision
    before = (checkpoint / "model.safetensors").read_bytes()
    with pytest.raises(ValueError, match=r"not finite numbers \(text_nodes\.local\.weight\)"):
        save_checkpoint(model, tiny_processor, checkpoint)
    assert (checkpoint / "model.safetensors").read_bytes() == before


def test_changes_of_the_model_are_the_processor_s_too(checkpoint, picture, tmp_path):
    model, processor = load(checkpoint, "cpu", {"image_size": 96, "max_words": 3})
    assert processor(images=picture(0))["pixel_values"].shape == (1, 3, 96, 96)
    assert len(processor.read("a b c d e").words) == 3
    save_checkpoint(model, processor, tmp_path / "new")
    assert load(tmp_path / "new", "cpu")[1].disagreements(model.config) == []


def test_changes_that_no_model_can_have_are_refused(checkpoint):
    with pytest.raises(ValueError, match="got image_size=-1"):
        load(checkpoint, "cpu", {"image_size": -1})


def test_pixels_of_another_size_than_the_model_s_are_told(tiny_checkpoint, caplog):
    model = AutoModel.from_pretrained(tiny_checkpoint).eval()
    logging.getLogger("transformers").propagate = True
    with torch.no_grad():
        model.encode_image(torch.zeros(1, 3, 72, 72))
    assert "got pixel_values of 72 x 72, but config.image_size is 64" in caplog.text


def test_the_hugging_face_way_gives_the_retriever_s_score(tiny_checkpoint, tiny_retriever, tiny_dataset):
    model, processor = AutoModel.from_pretrained(tiny_checkpoint), AutoProcessor.from_pretrained(tiny_checkpoint)
    text = "a red circle on the left"
    hit = tiny_retriever.search(text=text, k=1).hits[0]
    picture = tiny_dataset / hit.image
    with torch.no_grad():
        score = model(**processor(images=[picture], text=[text])).similarity.score.item()
        again = model.similarity(
            encode_images(model, [picture]), model.encode_text(**processor(text=[text]))
        ).score.item()
    assert score == pytest.approx(hit.score, abs=5e-3)  # the checkpoint is in half precision
    assert score == pytest.approx(again, abs=1e-6)


def test_the_shipped_processor_is_the_shipped_model_s():
    folder = ROOT / "checkpoints" / "hgan-mini"
    config = json.loads((folder / "config.json").read_text())
    own = json.loads((folder / "processor_config.json").read_text())
    size = {"height": config["image_size"], "width": config["image_size"]}
    assert own["image_processor"]["size"] == size
    assert (own["max_words"], own["max_tokens"]) == (config["max_words"], config["max_text_tokens"])


@pytest.mark.parametrize("share", [1e308, 5e-324, 1.0])
def test_shares_of_any_size_are_scaled_to_sum_to_one(checkpoint, tiny_checkpoint, share):
    mixed, _ = soup({str(tiny_checkpoint): share, str(checkpoint): share})
    assert fingerprint(mixed) == fingerprint(load(tiny_checkpoint, "cpu")[0])


@pytest.mark.parametrize("share", [0.0, -1.0, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused(tiny_checkpoint, share):
    with pytest.raises(ValueError, match="expected checkpoints, each with a share above 0"):
        soup({str(tiny_checkpoint): share})


def test_the_shares_of_a_checkpoint_that_is_named_twice_are_added(checkpoint, tiny_checkpoint, tmp_path, capsys):
    change(checkpoint, lambda weights: weights["text_nodes.local.weight"].fill_(1.0))
    spellings = [checkpoint, f"{checkpoint}/", checkpoint.parent / "." / checkpoint.name]
    shares = [f"{name}={share}" for name, share in zip(spellings, (1, 1, 2), strict=True)]
    assert main(["average", f"{tiny_checkpoint}=4", *shares, "--out", str(tmp_path / "mean")]) == 0
    assert capsys.readouterr().err.count("is named twice: its shares are added up") == 2
    expected, _ = soup({str(tiny_checkpoint): 0.5, str(checkpoint): 0.5})
    assert fingerprint(load(tmp_path / "mean", "cpu")[0]) == fingerprint(expected)


@pytest.mark.parametrize("file", ["config.json", "processor_config.json", "tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize("text", [b"null", b"[1]", b"{", b"", b"\xff", b"9" * 5000])
def test_settings_that_are_no_object_are_named_by_their_file(checkpoint, file, text):
    (checkpoint / file).write_bytes(text)
    with pytest.raises(
        ValueError, match=rf"cannot be loaded \({file} is damaged: .*expected an HGAN folder with a JSON object"
    ):
        load(checkpoint, "cpu")


def test_a_tokenizer_without_its_pieces_is_called_damaged(checkpoint):
    (checkpoint / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="one of its files is damaged"):
        load(checkpoint, "cpu")


def test_a_saved_checkpoint_can_be_read_by_others(tiny_model, tiny_processor, tmp_path):
    save_checkpoint(tiny_model, tiny_processor, tmp_path / "ck")
    assert {
        p.name: oct(p.stat().st_mode & 0o777) for p in (tmp_path / "ck").iterdir() if p.stat().st_mode & 0o044 != 0o044
    } == {}


def test_a_device_without_numbers_is_none(tiny_checkpoint):
    with pytest.raises(ValueError, match="got device 'meta', which is not available"):
        load(tiny_checkpoint, "meta")


@pytest.mark.parametrize("name", ["nosuch", "./nosuch", "/no/such", "here/nosuch", "a/b/c", "~/nosuch"])
def test_a_model_folder_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    with pytest.raises(ValueError, match="which is not there, but expected an HGAN folder"):
        load(name, "cpu")
