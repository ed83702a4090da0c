from __future__ import annotations

import copy
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import hgan.gallery.build
import hgan.gallery.captions
from hgan.checkpoint import fingerprint
from hgan.cli.main import main
from hgan.data.folder import CaptionFact, read_dataset
from hgan.data.readable import encode_records
from hgan.gallery.build import build_gallery
from hgan.gallery.calibration import Calibration
from hgan.gallery.packed import RaggedGraphs, flatten
from hgan.gallery.store import Gallery, verify
from hgan.retrieval.retriever import Retriever
from hgan.types import ImageGraph

EXIF = Image.Exif()
EXIF[0x010E] = "place"  # the description


@pytest.fixture(scope="module")
def gallery(tiny_model, tiny_processor, tiny_dataset, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("galleries") / "shapes"
    build_gallery(tiny_model, tiny_processor, read_dataset(tiny_dataset), out, "tiny", thumbnail_size=48)
    return out


def test_a_built_gallery_verifies_and_counts_what_it_holds(gallery):
    assert verify(gallery) == []
    opened = Gallery(gallery)
    assert (len(opened.items), len(opened.caption_keys)) == (12, 24)
    assert opened.manifest["regions"] == int(opened.images.arrays["counts"].sum())
    assert opened.thumbnail(0).is_file()


def test_stored_graphs_are_those_of_the_model(gallery, tiny_model, tiny_dataset):
    stored = Gallery(gallery).images.rows(range(12))
    fresh = encode_records(tiny_model, read_dataset(tiny_dataset))
    assert torch.equal(stored.mask, fresh.mask)
    assert torch.allclose(stored.nodes, fresh.nodes, atol=1e-3)
    real = torch.nn.functional.pad(fresh.mask, (1, 0), value=True)
    assert torch.allclose(stored.edges, fresh.edges * (real[:, :, None] & real[:, None]), atol=1e-3)
    assert torch.equal(stored.labels[stored.mask], fresh.labels[fresh.mask])


def test_rows_come_back_in_the_order_asked_for(gallery):
    opened = Gallery(gallery)
    every, some = opened.images.rows(range(12)), opened.images.rows([7, 2])
    assert torch.equal(some.global_node, every.global_node[[7, 2]])
    n = int(some.mask[1].sum())
    assert torch.equal(some.nodes[1, :n], every.nodes[2, :n])


def test_arrays_are_memory_mapped(gallery):
    assert isinstance(Gallery(gallery).images.arrays["nodes"], np.memmap)


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_verify_names_the_file_that_is_not_as_it_was_built(gallery, tmp_path, damage):
    copy = shutil.copytree(gallery, tmp_path / "copy")
    file = copy / "images" / "nodes.npy"
    if damage == "changed":
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    elif damage == "missing":
        file.unlink()
    else:
        (copy / "images" / "nodes.npy.bak").write_text("x")
    assert [line.split(":")[0] for line in verify(copy)] == ["images/nodes.npy" + (".bak" if damage == "added" else "")]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("manifest.json", b"{", "damaged manifest"),
        ("manifest.json", b"\xff\xfe", "damaged manifest"),
        ("items.jsonl", b"{}\n", "damaged item"),
        ("items.jsonl", b"", "the manifest says 12"),
        ("images/nodes.npy", b"", "nodes.npy that cannot be read"),
        ("images/nodes.npy", b"\x93NUMPY rubbish", "nodes.npy that cannot be read"),
    ],
)
def test_a_damaged_gallery_is_refused_with_the_file_named(gallery, tmp_path, file, content, message):
    copy = shutil.copytree(gallery, tmp_path / "copy")
    (copy / file).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Gallery(copy)


def test_a_thumbnail_outside_the_gallery_is_refused(gallery, tmp_path):
    copy = shutil.copytree(gallery, tmp_path / "copy")
    lines = [json.loads(line) for line in (copy / "items.jsonl").read_text().splitlines()]
    lines[0]["thumbnail"] = "../../secret.webp"
    (copy / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ValueError, match="inside the gallery"):
        Gallery(copy)


def test_a_gallery_of_another_model_is_refused_by_name(gallery, tiny_model):
    with pytest.raises(ValueError, match=r"built with model tiny .*build the gallery again"):
        Gallery(gallery).require_model("0" * 64)
    Gallery(gallery).require_model(fingerprint(tiny_model))


def test_the_same_weights_under_other_settings_are_another_model(tiny_model):
    other = copy.deepcopy(tiny_model)
    assert fingerprint(other) == fingerprint(tiny_model)
    other.config.score_threshold = 0.25
    assert fingerprint(other) != fingerprint(tiny_model)


def test_pictures_that_cannot_be_read_are_skipped_named_and_counted(tiny_model, tiny_processor, tmp_path, picture):
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture(1).save(folder / "good.png")
    (folder / "text.jpg").write_text("not a picture")
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "good.png").read_bytes()[:200])
    built = build_gallery(tiny_model, tiny_processor, read_dataset(folder), tmp_path / "g", "tiny")
    assert [item.id for item in built.items] == ["good"]
    assert sorted(s["image"] for s in built.manifest["skipped"]) == ["cut.png", "empty.png", "text.jpg"]


def test_a_folder_without_a_readable_picture_leaves_no_gallery(tiny_model, tiny_processor, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "text.jpg").write_text("not a picture")
    with pytest.raises(ValueError, match="none of which can be read"):
        build_gallery(tiny_model, tiny_processor, read_dataset(folder), tmp_path / "g", "tiny")
    assert not (tmp_path / "g").exists()


def test_an_interrupted_build_goes_on_and_ends_the_same(
    tiny_model, tiny_processor, tiny_dataset, gallery, tmp_path, monkeypatch
):
    monkeypatch.setattr(hgan.gallery.build, "CHUNK", 5)
    records, out = read_dataset(tiny_dataset), tmp_path / "shapes"

    def stop(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_gallery(tiny_model, tiny_processor, records, out, "tiny", thumbnail_size=48, report=stop)
    assert not out.exists()
    calls = []
    build_gallery(
        tiny_model,
        tiny_processor,
        records,
        out,
        "tiny",
        thumbnail_size=48,
        report=lambda done, total: calls.append(done),
    )
    assert calls == [12]
    assert Gallery(out).row_of == Gallery(gallery).row_of
    ours, theirs = Gallery(out).images.rows(range(12)), Gallery(gallery).images.rows(range(12))
    assert torch.allclose(ours.nodes, theirs.nodes, atol=2e-3)


def test_a_folder_that_is_no_gallery_is_never_replaced(tiny_model, tiny_processor, tiny_dataset, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(ValueError, match=r"did not make \(diary.txt\)"):
        build_gallery(tiny_model, tiny_processor, read_dataset(tiny_dataset), tmp_path / "mine", "tiny")
    assert (tmp_path / "mine" / "diary.txt").read_text() == "dear diary"


def test_flat_arrays_drop_padding_and_give_the_batch_back(tiny_model, tiny_dataset):
    graph = encode_records(tiny_model, read_dataset(tiny_dataset))
    flat = flatten(graph)
    assert len(flat["nodes"]) == int(graph.mask.sum())
    back = RaggedGraphs(flat, ImageGraph).rows(range(len(graph)))
    real = torch.nn.functional.pad(graph.mask, (1, 0), value=True)
    assert torch.allclose(
        back.edges[:, : real.shape[1], : real.shape[1]], graph.edges * (real[:, :, None] & real[:, None]), atol=1e-3
    )
    assert torch.allclose(back.boxes[graph.mask], graph.boxes[graph.mask])


@pytest.fixture
def lean(tiny_model, tiny_processor, tiny_dataset, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HGAN_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "shapes"
    build_gallery(tiny_model, tiny_processor, read_dataset(tiny_dataset), out, "tiny", lean=True)
    return out


def test_a_lean_gallery_keeps_no_caption_graphs_and_gives_the_same_scores(lean, tiny_retriever, picture):
    assert verify(lean) == []
    assert not (lean / "captions").exists()
    retriever = Retriever(tiny_retriever.model, tiny_retriever.processor, Gallery(lean))
    calls: list[tuple[int, int]] = []
    retriever.warm(progress=lambda done, total: calls.append((done, total)))
    assert calls == [(24, 24)]
    ours, theirs = (r.search(image=picture(3), k=24).hits for r in (retriever, tiny_retriever))
    scores = {hit.id: hit.score for hit in theirs}
    assert [hit.score for hit in ours] == pytest.approx([scores[hit.id] for hit in ours], abs=1e-3)
    assert retriever.analyse().captions == 24


def test_captions_of_a_lean_gallery_are_encoded_once(lean, tiny_model, tiny_processor, picture, monkeypatch):
    first = Retriever(tiny_model, tiny_processor, Gallery(lean)).search(image=picture(3)).hits
    monkeypatch.setattr(hgan.gallery.captions, "encode_captions", None)
    assert Retriever(tiny_model, tiny_processor, Gallery(lean)).search(image=picture(3)).hits == first


@pytest.mark.parametrize("damage", ["cut", "no place"])
def test_a_cache_that_cannot_be_used_is_done_without(
    lean, tiny_model, tiny_processor, tmp_path, picture, damage, monkeypatch
):
    first = Retriever(tiny_model, tiny_processor, Gallery(lean)).search(image=picture(3)).hits
    if damage == "cut":
        for file in (tmp_path / "cache").rglob("nodes.npy"):
            file.write_bytes(file.read_bytes()[:100])
    else:
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("HGAN_CACHE", str(tmp_path / "file"))
    assert Retriever(tiny_model, tiny_processor, Gallery(lean)).search(image=picture(3)).hits == first


def test_a_sentence_needs_no_captions_of_a_lean_gallery(lean, tiny_model, tiny_processor, monkeypatch):
    monkeypatch.setattr(hgan.gallery.captions, "encode_captions", None)
    assert Retriever(tiny_model, tiny_processor, Gallery(lean)).search(text="a red circle").verdict.z != 0


def test_facts_about_captions_come_back(tiny_model, tiny_processor, tiny_dataset, tmp_path):
    records = read_dataset(tiny_dataset)[:2]
    facts = (CaptionFact("full", frozenset({records[0].id})), CaptionFact("place", frozenset(r.id for r in records)))
    known = [dataclasses.replace(records[0], facts=facts), records[1]]
    built = build_gallery(tiny_model, tiny_processor, known, tmp_path / "g", "tiny")
    assert [item.facts for item in built.items] == [facts, None]
    lines = (tmp_path / "g" / "items.jsonl").read_text().splitlines()
    (tmp_path / "g" / "items.jsonl").write_text(lines[0].replace('"true_of"', '"of"') + "\n" + lines[1] + "\n")
    with pytest.raises(ValueError, match="damaged item"):
        Gallery(tmp_path / "g")


@pytest.mark.parametrize(("options", "same"), [({}, True), ({"exif": EXIF}, False)], ids=["plain", "metadata"])
def test_a_small_webp_without_metadata_is_its_own_thumbnail(
    tiny_model, tiny_processor, tmp_path, picture, options, same
):
    (tmp_path / "p").mkdir()
    picture(1).save(tmp_path / "p" / "small.webp", **options)
    picture(2, (400, 300)).save(tmp_path / "p" / "large.webp")
    built = build_gallery(tiny_model, tiny_processor, read_dataset(tmp_path / "p"), tmp_path / "g", "tiny")
    kept = {item.id: built.thumbnail(row).read_bytes() for row, item in enumerate(built.items)}
    assert (kept["small"] == (tmp_path / "p" / "small.webp").read_bytes()) == same
    assert kept["large"] != (tmp_path / "p" / "large.webp").read_bytes()
    assert b"place" not in kept["small"]


DAMAGED_MANIFESTS = {
    "captions missing": lambda m: m.pop("captions"),
    "captions a word": lambda m: m.update(captions="many"),
    "count true": lambda m: m.update(count=True),
    "format true": lambda m: m.update(format=True),
    "regions null": lambda m: m.update(regions=None),
    "skipped a word": lambda m: m.update(skipped="none"),
    "skipped a number": lambda m: m.update(skipped=[1]),
    "skipped without reason": lambda m: m.update(skipped=[{"image": "a.png"}]),
    "model without name": lambda m: m["model"].pop("name"),
    "model without dim": lambda m: m["model"].pop("dim"),
    "file without bytes": lambda m: m["files"]["items.jsonl"].pop("bytes"),
    "file with bytes as a word": lambda m: m["files"]["items.jsonl"].update(bytes="9"),
    "file with a number for a hash": lambda m: m["files"]["items.jsonl"].update(sha256=5),
}


@pytest.mark.parametrize("damage", DAMAGED_MANIFESTS.values(), ids=DAMAGED_MANIFESTS)
def test_a_damaged_manifest_is_told_in_one_line_by_every_command(
    tiny_gallery, tiny_checkpoint, tmp_path, capsys, damage
):
    folder = shutil.copytree(tiny_gallery, tmp_path / "g")
    manifest = json.loads((folder / "manifest.json").read_text())
    damage(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    search = [
        "search",
        "--gallery",
        str(folder),
        "--text",
        "a ball",
        "--checkpoint",
        str(tiny_checkpoint),
        "--device",
        "cpu",
    ]
    for command in (["gallery", "info", str(folder)], ["gallery", "verify", str(folder)], search):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert "damaged manifest.json" in error
        assert error.count("\n") == 1


def test_verify_counts_what_the_manifest_counts(tiny_gallery, tmp_path):
    folder = shutil.copytree(tiny_gallery, tmp_path / "g")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["captions"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert verify(folder) == ["manifest.json: got 25 captions, but the gallery has 24"]


@pytest.mark.parametrize(("name", "value"), [("kinds", 2), ("kinds", -1), ("labels", -2)])
def test_whole_numbers_that_stand_for_nothing_are_refused(tiny_gallery, tmp_path, name, value):
    folder = shutil.copytree(tiny_gallery, tmp_path / "g")
    array = np.load(folder / "images" / f"{name}.npy")
    array[0] = value
    np.save(folder / "images" / f"{name}.npy", array)
    with pytest.raises(ValueError, match=f"images/{name}.npy that cannot be read .got {value} where the"):
        Gallery(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, True])
def test_a_measure_that_is_no_number_is_measured_again(value):
    assert Calibration.read({"matched": [0.1], "nothing": [0.1, value]}) is None
