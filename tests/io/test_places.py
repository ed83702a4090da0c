"""Where commands may write, and that nothing a person owns is lost."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from hgan.checkpoint import CHECKPOINT, save_checkpoint
from hgan.cli.main import main
from hgan.io.files import atomic
from hgan.io.places import file_place, folder_place, json_with


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def photos(tmp_path, picture) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for n in range(3):
        picture(n).save(folder / f"{n}.png")
    return folder


@pytest.fixture
def build(tiny_checkpoint):
    def command(source: Path, out: Path, *more: str) -> int:
        where = ["--out", str(out), "--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
        return main(["gallery", "build", str(source), *where, *more])

    return command


@pytest.mark.parametrize("manifest", ['{"name": "web app", "start_url": "/"}', "{", "[]", '{"format": 1, "name": "x"}'])
def test_a_folder_with_another_manifest_is_not_replaced(build, photos, tmp_path, manifest):
    app = tmp_path / "app"
    (app / "src").mkdir(parents=True)
    (app / "manifest.json").write_text(manifest)
    (app / "src" / "app.js").write_text("code")
    before = contents(app)
    assert build(photos, app) == 2
    assert contents(app) == before


def test_the_source_is_never_the_place_nor_around_or_inside_it(build, photos, tmp_path, capsys):
    (photos / "manifest.json").write_text('{"name": "web app"}')
    before = contents(photos)
    (tmp_path / "link").symlink_to(photos)
    for out in (photos, photos / "gallery", tmp_path, tmp_path / "link", photos / ".." / "photos"):
        assert build(photos, out) == 2
        assert "choose " in capsys.readouterr().err
    assert contents(photos) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "photos"]


def test_the_thumbnails_of_a_gallery_cannot_be_built_over_that_gallery(build, photos, tmp_path):
    out = tmp_path / "g"
    assert build(photos, out) == 0
    before = contents(out)
    assert build(out / "thumbnails", out) == 2
    assert contents(out) == before


def test_a_gallery_is_replaced_and_what_others_put_there_stays(build, photos, tmp_path):
    out = tmp_path / "g"
    assert build(photos, out) == 0
    (out / "README.md").write_text("my card")
    (out / "notes").mkdir()
    (out / "notes" / "a.txt").write_text("mine")
    (out / "notes" / "link").symlink_to("a.txt")
    (photos / "2.png").unlink()
    assert build(photos, out) == 0
    assert len((out / "items.jsonl").read_text().splitlines()) == 2
    assert (out / "README.md").read_text() == "my card"
    assert (out / "notes" / "a.txt").read_text() == "mine"
    assert os.readlink(out / "notes" / "link") == "a.txt"
    assert main(["gallery", "verify", str(out)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g", "photos"]


def test_a_link_to_a_gallery_is_followed(build, photos, tmp_path):
    assert build(photos, tmp_path / "real") == 0
    (tmp_path / "link").symlink_to("real")
    (photos / "2.png").unlink()
    assert build(photos, tmp_path / "link") == 0
    assert (tmp_path / "link").is_symlink()
    assert len((tmp_path / "real" / "items.jsonl").read_text().splitlines()) == 2


def test_a_link_that_leads_in_a_circle_and_a_file_are_refused_before_the_work(build, photos, tmp_path, capsys):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    for name in ("a", "file", "pipe", "file/below", "/dev/null", ""):
        assert build(photos, tmp_path / name if name else Path(" ")) == 2
        assert "picture/s" not in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_only_happens_to_be_called_building_is_left_alone(build, photos, tmp_path):
    (tmp_path / "g.building").mkdir()
    (tmp_path / "g.building" / "house.txt").write_text("plans of a house")
    assert build(photos, tmp_path / "g") == 2
    assert contents(tmp_path / "g.building") == {"house.txt": b"plans of a house"}


@pytest.mark.parametrize(
    "there", [{"thesis.txt": "years"}, {"config.json": '{"model_type": "bert"}'}, {"config.json": "{"}]
)
def test_average_and_weigh_refuse_a_folder_that_is_no_checkpoint(tiny_checkpoint, tiny_dataset, tmp_path, there):
    out = tmp_path / "thesis"
    out.mkdir()
    for name, text in there.items():
        (out / name).write_text(text)
    before = contents(out)
    assert main(["average", f"{tiny_checkpoint}=1", "--out", str(out)]) == 2
    assert main(["weigh", "--checkpoint", str(tiny_checkpoint), "--dataset", str(tiny_dataset), "--out", str(out)]) == 2
    assert contents(out) == before


def test_a_checkpoint_is_not_written_over_one_that_is_read(tiny_checkpoint, tiny_dataset, tmp_path):
    own = shutil.copytree(tiny_checkpoint, tmp_path / "own")
    before = contents(own)
    assert main(["average", f"{own}=1", "--out", str(own)]) == 2
    assert main(["weigh", "--checkpoint", str(own), "--dataset", str(tiny_dataset), "--out", str(own)]) == 2
    assert contents(own) == before


def test_a_checkpoint_is_replaced_and_its_card_stays(tiny_model, tiny_processor, tmp_path):
    save_checkpoint(tiny_model, tiny_processor, tmp_path / "ck")
    (tmp_path / "ck" / "README.md").write_text("my card")
    weights = (tmp_path / "ck" / "model.safetensors").stat().st_ino
    save_checkpoint(tiny_model, tiny_processor, tmp_path / "ck")
    assert (tmp_path / "ck" / "README.md").read_text() == "my card"
    assert (tmp_path / "ck" / "model.safetensors").stat().st_ino != weights
    assert [p.name for p in tmp_path.iterdir()] == ["ck"]


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one_whole(
    tiny_model, tiny_processor, tmp_path, monkeypatch
):
    save_checkpoint(tiny_model, tiny_processor, tmp_path / "ck")
    before = contents(tmp_path / "ck")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tiny_processor), "save_pretrained", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(tiny_model, tiny_processor, tmp_path / "ck")
    assert contents(tmp_path / "ck") == before
    assert [p.name for p in tmp_path.iterdir()] == ["ck"]


@pytest.mark.parametrize("there", ["my essay", '{"my": "data"}', "[1, 2]"])
def test_reports_replace_reports_and_nothing_else(tiny_checkpoint, tiny_dataset, tmp_path, there):
    command = ["evaluate", "--dataset", str(tiny_dataset), "--split", "dev", "--checkpoint", str(tiny_checkpoint)]
    mine, own = tmp_path / "mine.json", tmp_path / "own.json"
    mine.write_text(there)
    assert main([*command, "--out", str(mine)]) == 2
    assert mine.read_text() == there
    assert main([*command, "--out", str(own)]) == 0
    first = json.loads(own.read_text())
    assert main([*command, "--out", str(own)]) == 0
    assert json.loads(own.read_text()) == first


def test_a_report_is_no_audit_and_never_lands_in_the_dataset_or_a_device(tiny_checkpoint, tiny_dataset, tmp_path):
    out, where = tmp_path / "own.json", ["--dataset", str(tiny_dataset), "--split", "dev", "--device", "cpu"]
    assert main(["evaluate", *where, "--checkpoint", str(tiny_checkpoint), "--out", str(out)]) == 0
    before, data = out.read_bytes(), contents(tiny_dataset)
    audit = ["audit", *where, "--checkpoint", str(tiny_checkpoint)]
    assert main([*audit, "--out", str(out)]) == 2
    for place in (tiny_dataset / "captions.jsonl", tiny_dataset / "new.json", tiny_dataset, "/dev/null", "/dev/full"):
        assert main(["evaluate", *where, "--checkpoint", str(tiny_checkpoint), "--out", str(place)]) == 2
        assert main([*audit, "--out", str(place)]) == 2
    assert out.read_bytes() == before
    assert contents(tiny_dataset) == data


def test_a_plot_replaces_a_plot_and_no_other_picture(tmp_path, picture):
    from hgan.visualize.audit_plot import is_audit_figure, write_audit_figure

    levels = {"share": 50.0, "largest": 1.0, "random": 1.0, "ceiling": 1.0}
    report = {"deletion": {}, "pointing": {"mentions": 1, "regions": {"all": levels, "objects": levels}}}
    for suffix in ("png", "svg", "webp"):
        write_audit_figure(report, tmp_path / f"a.{suffix}")
        assert file_place(tmp_path / f"a.{suffix}", "hgan audit", is_audit_figure) == tmp_path / f"a.{suffix}"
    picture(1).save(tmp_path / "holiday.png")
    with pytest.raises(ValueError, match=r"holiday.png.*was not made by"):
        file_place(tmp_path / "holiday.png", "hgan audit", is_audit_figure)


def test_training_refuses_a_folder_that_is_no_run_and_its_own_data(train_config_at, tiny_dataset, tmp_path):
    from hgan.training.trainer import Trainer

    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "metrics.jsonl").write_text("mine")
    data = contents(tiny_dataset)
    for out in (tmp_path / "thesis", tiny_dataset, tiny_dataset / "run"):
        with pytest.raises(ValueError, match=r"expected a new folder|command reads"):
            Trainer(train_config_at(out), progress=False)
    assert contents(tmp_path / "thesis") == {"metrics.jsonl": b"mine"}
    assert contents(tiny_dataset) == data


def test_a_place_without_permission_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # as for anybody but root
    with pytest.raises(ValueError, match=r"may not write in"):
        folder_place(tmp_path / "new" / "ck", CHECKPOINT)
    with pytest.raises(ValueError, match=r"may not write in"):
        file_place(tmp_path / "new.json", "hgan evaluate", json_with(("rsum",)))


def test_atomic_follows_a_link_and_replaces_no_folder(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with atomic(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="not a regular file"), atomic(tmp_path / "folder"):
        pass


def test_a_manifest_that_lists_what_no_build_makes_gives_nothing_away(build, photos, tmp_path):
    out = tmp_path / "g"
    assert build(photos, out) == 0
    (out / "thesis.txt").write_text("years of work")
    (out / "images" / "me.png").write_bytes(b"a portrait")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["files"] |= {name: {"sha256": "0" * 64, "bytes": 1} for name in ("thesis.txt", "images/me.png")}
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert build(photos, out) == 0
    assert (out / "thesis.txt").read_text() == "years of work"
    assert (out / "images" / "me.png").read_bytes() == b"a portrait"


def test_a_manifest_without_items_is_no_gallery_s(build, photos, tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    manifest = {
        "format": 1, "name": "x", "count": 2, "captions": 0, "regions": 0, "skipped": [],
        "model": {"name": "x", "sha256": "0", "dim": 1}, "files": {"a.js": {"sha256": "0", "bytes": 1}},
    }  # fmt: skip
    (app / "manifest.json").write_text(json.dumps(manifest))
    before = contents(app)
    assert build(photos, app) == 2
    assert contents(app) == before


def test_an_empty_name_is_not_the_working_directory(
    build, photos, tiny_checkpoint, tiny_dataset, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(photos)
    before = contents(photos)
    model = ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    for command in (
        ["gallery", "build", "", "--out", "inside", *model],
        ["gallery", "build", " ", "--out", "inside", *model],
        ["evaluate", "--dataset", "", *model],
        ["evaluate", "--dataset", str(tiny_dataset), "--out", "", *model],
        ["audit", "--dataset", str(tiny_dataset), "--out", "", *model],
        ["audit", "--dataset", str(tiny_dataset), "--plot", "", *model],
    ):
        assert main(command) == 2, command
        assert "expected" in capsys.readouterr().err
    assert contents(photos) == before
