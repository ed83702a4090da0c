"""One bad record among thousands, and what else lies in a folder: named, counted, left out, and the rest goes on."""

from __future__ import annotations

import json
import logging
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hgan.cli.main import main
from hgan.data.folder import CaptionFact, LeftOut, read_dataset
from hgan.data.pictures import Pictures
from hgan.data.readable import encode_records
from hgan.data.truth import hard_groups, read_truth
from hgan.evaluation.evaluate import score_records
from hgan.evaluation.faithfulness import audit
from hgan.gallery.build import build_gallery
from hgan.gallery.store import Gallery
from hgan.io.left_out import count, has_word, told
from hgan.io.names import unique_ids
from hgan.training.batches import TrainingSet
from hgan.training.region_cache import KnownRegions


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., Any]) -> Path:
    """Three pictures a.png, b.png, c.png."""
    here = tmp_path / "d"
    here.mkdir()
    for seed, name in enumerate("abc"):
        picture(seed).save(here / f"{name}.png")
    return here


def write(folder: Path, lines: list[Any], name: str = "captions.jsonl") -> Path:
    """JSON lines; bytes are a line as it stands."""
    data = b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    (folder / name).write_bytes(data)
    return folder


def read(folder: Path, split: str | None = None) -> tuple[list[Any], dict[str, str]]:
    left_out: list[LeftOut] = []
    records = read_dataset(folder, split, left_out)
    return records, {one.where: one.reason for one in left_out if one.counts}


# --- one bad record ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "got a damaged line"),
        (b'{"image": "a\xe9.png"}', "not UTF-8"),
        (b'["a.png"]', "got list"),
        (b"[" * 100_000, "lists or objects nested too deeply"),
        (b'{"image": "b.png", "n": ' + b"9" * 5000 + b"}", "a number with too many digits"),
        ({"image": "../b.png"}, "a path inside the folder"),
        ({"image": "b\0.png"}, "a path inside the folder"),
        ({"image": "."}, "a path inside the folder"),
        ({"image": 7}, "got image 7"),
        ({"image": "b\ud800.png"}, "without half characters"),
        ({"image": "b.png", "split": ["train"]}, "got split ['train']"),
        ({"image": "b.png", "split": 1}, "got split 1"),
        ({"image": "b.png", "group": ["g"]}, "got group ['g']"),
        ({"image": "b.png", "captions": None}, "got captions None"),
        ({"image": "b.png", "captions": "a dog"}, "got captions 'a dog'"),
    ],
)
def test_a_bad_record_is_named_by_its_line_and_the_others_stay(folder, line, reason):
    write(folder, [{"image": "a.png", "captions": ["a dog"]}, line, {"image": "c.png", "captions": ["a cat"]}])
    records, left_out = read(folder)
    assert [record.id for record in records] == ["a", "c"]
    assert list(left_out) == ["captions.jsonl line 2"]
    assert reason in left_out["captions.jsonl line 2"]


@pytest.mark.parametrize("bad", ["", "  ", "\u200b", "\u0301", "\ufeff\u200d", "\x00", "\ud83d", 3, None, ["a dog"]])
def test_of_a_bad_caption_the_caption_alone_is_left_out(folder, bad, tiny_processor):
    write(folder, [{"image": "a.png", "captions": ["a dog"]}, {"image": "b.png", "captions": [bad, "a cat"]}])
    records, left_out = read(folder)
    assert [record.captions for record in records] == [("a dog",), ("a cat",)]
    assert left_out["captions.jsonl line 2"].startswith("caption 1 of b.png: got ")
    if isinstance(bad, str):
        with pytest.raises(ValueError, match="got a"):
            tiny_processor.read(bad)


@pytest.mark.parametrize("good", ["a", "7", "!", "🙂", "犬", "é", "e\u0301", "\u200ba", "नमस्ते"])
def test_whatever_has_a_look_is_a_caption(good, tiny_processor):
    assert has_word(good)
    assert tiny_processor.read(good).words


def test_facts_stay_with_their_captions_and_their_numbers(folder):
    lines = [
        {"image": "../x.png", "split": "dev"},
        {"image": "a.png", "split": "dev", "captions": ["", "a dog"]},
        {"image": "t.png", "split": "train", "captions": ["t"]},
        b'{"image": "b.png", "split": "dev", ',
        {"image": "c.png", "split": "dev", "captions": ["a cat", 3]},
    ]
    facts = [
        {"id": "a", "captions": [{"tag": "lost", "true_of": [0, 1]}, {"tag": "dog", "true_of": [1, 3, 2]}]},
        {"id": "c", "captions": [{"tag": "cat", "true_of": [0, 3]}, {"tag": "lost", "true_of": [3]}]},
    ]
    records, left_out = read(write(write(folder, lines), facts, "caption_facts.jsonl"), "dev")
    assert {r.id: r.facts for r in records} == {
        "a": (CaptionFact("dog", frozenset("ac")),),  # number 2 is the damaged line
        "c": (CaptionFact("cat", frozenset("c")),),
    }
    assert [record.number(0) for record in records] == [1, 0]
    assert len(left_out) == 4


def test_facts_whose_numbers_may_be_shifted_are_not_trusted(folder):
    lines = [
        {"image": "x.png", "split": "train", "captions": ["x"]},
        b"\xff\xff",  # of train or of dev?
        {"image": "a.png", "split": "dev", "captions": ["a dog"]},
    ]
    facts = [{"id": "a", "captions": [{"tag": "dog", "true_of": [1]}]}]
    write(
        write(folder, lines), [*facts, {"id": "x", "captions": [{"tag": "x", "true_of": [0]}]}], "caption_facts.jsonl"
    )
    records, left_out = read(folder)
    assert {record.id: record.facts is not None for record in records} == {"x": True, "a": False}
    assert any("a: got a fact about record 1" in reason for reason in left_out.values())


def test_damaged_regions_facts_and_scenes_are_left_out_alone(folder):
    write(folder, [{"image": f"{n}.png", "split": "dev", "captions": ["x"]} for n in "ab"])
    regions = [
        {"image": f"{n}.png", "regions": [{"box": [0, 0, 1, size], "label": "l"}]} for n, size in (("a", 1), ("b", 9))
    ]
    facts = [{"id": n, "captions": [{"tag": "t", "true_of": of, "mentions": []}]} for n, of in (("a", [0]), ("b", [7]))]
    scenes = [{"id": n, "split": "dev", "things": things} for n, things in (("a", []), ("b", [{"id": 1}]))]
    for lines, name in ((regions, "regions.jsonl"), (facts, "caption_facts.jsonl"), (scenes, "scenes.jsonl")):
        write(folder, lines, name)
    records, left_out = read(folder)
    assert [(r.regions is not None, r.facts is not None) for r in records] == [(True, True), (False, False)]
    assert set(left_out) == {"regions.jsonl line 2", "caption_facts.jsonl line 2"}
    problems: list[LeftOut] = []
    assert list(read_truth(folder, None, problems) or {}) == ["a"]
    assert [one.where for one in problems] == ["scenes.jsonl line 2"]


def test_a_file_of_nothing_but_bad_lines_is_an_error_with_the_first(folder):
    with pytest.raises(ValueError, match=r"got no records.*; captions\.jsonl line 1: got a damaged line"):
        read_dataset(write(folder, [b"\xff\xfe{", b"{"]))


def test_many_lines_take_no_more_than_their_share_of_time(folder):
    import time

    start = time.perf_counter()
    write(folder, [b"{"] * 30_000 + [{"image": "a.png", "captions": ["x"] * 10}] * 3_000)
    records, left_out = [], []
    records = read_dataset(folder, left_out=left_out)
    assert (len(records), len(records[0].captions), count(left_out)) == (1, 30_000, 30_000)
    assert len(told(left_out)) <= 21
    assert time.perf_counter() - start < 5
    assert len(set(unique_ids(["a"] * 20_000 + ["a-2"] * 2))) == 20_002


def test_without_a_list_it_goes_to_the_log_once(folder, caplog):
    write(folder, [{"image": "a.png", "captions": ["a dog", ""]}, {"image": "b.png", "captions": "\x1b"}])
    with caplog.at_level(logging.WARNING, "hgan"):
        read_dataset(folder)
        read_dataset(folder)
        read_dataset(shutil.copytree(folder, folder.with_name("other")))
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(": ")[1] for line in said] == [f"left out captions.jsonl line {n}" for n in (2, 1, 2, 1)]
    assert "\x1b" not in "".join(said)


# --- pictures that cannot be read ---------------------------------------------------------------------------------------


@pytest.fixture
def spoilt(tiny_dataset: Path, tmp_path: Path) -> Path:
    """The tiny dataset with one picture damaged and one gone, both of dev."""
    folder = Path(shutil.copytree(tiny_dataset, tmp_path / "spoilt"))
    names = sorted((folder / "images").iterdir())
    names[9].write_bytes(names[9].read_bytes()[:100])
    names[10].unlink()
    return folder


def test_evaluation_and_audit_go_on_without_them(spoilt, tiny_model, tiny_processor):
    records, left_out = read_dataset(spoilt, "dev"), list[LeftOut]()
    scored = score_records(tiny_model, tiny_processor, records, left_out=left_out)
    kept = [records[0], records[3]]
    assert scored.records == tuple(kept)
    assert scored.table.score.shape == (2, 4)
    assert [one.where for one in left_out] == ["captions.jsonl line 10", "captions.jsonl line 11"]
    assert "its 2 captions are left out too" in left_out[0].reason
    alone = score_records(tiny_model, tiny_processor, kept)
    assert alone.table.score.allclose(scored.table.score, atol=1e-5)
    found: list[LeftOut] = []
    report = audit(tiny_model, tiny_processor, records, pairs=1, left_out=found)
    assert (report["pictures"], report["captions"], found) == (2, 4, left_out)


def test_nothing_but_unreadable_pictures_is_an_error(spoilt, tiny_model, tiny_processor):
    records = read_dataset(spoilt, "dev")[1:3]
    with pytest.raises(
        ValueError, match=r"got 2 pictures, none of which can be read \(the first: captions.jsonl line 10"
    ):
        score_records(tiny_model, tiny_processor, records)
    with pytest.raises(ValueError, match=r"captions\.jsonl line 10"):
        encode_records(tiny_model, read_dataset(spoilt, "dev"))


def test_pictures_that_cannot_be_read_are_left_out_of_training(spoilt):
    data = TrainingSet(read_dataset(spoilt, "dev"), 2, 0.6, seed=3)
    pictures = Pictures([record.path for record in data.records], 64, torch.device("cpu"), progress=False)
    assert {path.name[:2] for path in pictures.unread} == {"09", "10"}
    data.leave_out(pictures.unread)
    assert [record.id[:2] for record in data.records] == ["08", "11"]
    with pytest.raises(ValueError, match="got 2 pictures of which none can be read"):
        Pictures(pictures.unread, 64, torch.device("cpu"), progress=False)


def test_known_regions_leave_them_out(spoilt, tiny_model, tmp_path):
    data = TrainingSet(read_dataset(spoilt, "dev"), 2, 1, seed=3, whole=True)
    for _ in range(2):  # encoded, then from the disk
        known = KnownRegions(tiny_model, data.looks, tmp_path / "regions", progress=False)
        assert {path.name[:2] for path in known.unread} == {"09", "10"}
    data.leave_out(known.unread)
    assert [record.id[:2] for record in data.records] == ["08", "11"]
    assert len(known([data[i].look for i in range(2)])) == 2


def test_commands_say_what_they_leave_out(spoilt, tiny_checkpoint, capsys, tmp_path):
    with (spoilt / "captions.jsonl").open("a") as file:
        file.write('{"image": "images/00_red_circle.png", "split": [1]}\n')
    model = ["--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    assert main(["evaluate", "--dataset", str(spoilt), "--split", "dev", *model, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["left_out"] == 3
    assert all(f"left out captions.jsonl line {n}: " in err for n in (10, 11, 13))
    assert main(["gallery", "build", str(spoilt), "--out", str(tmp_path / "g"), *model]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f"{spoilt}: 12 pictures, 24 captions, 1 left out"
    assert out.splitlines()[-1] == f"{tmp_path / 'g'}: 10 pictures, 20 captions, 3 skipped"
    assert "left out captions.jsonl line 10: " in err


# --- ids and names ------------------------------------------------------------------------------------------------------


def test_same_stems_get_ids_of_their_own_and_facts_by_path(folder):
    for split in ("train", "val"):
        (folder / split).mkdir()
        shutil.copy(folder / "a.png", folder / split / "1.png")
    lines = [{"image": f"{split}/1.png", "split": split, "captions": ["x"]} for split in ("train", "val")]
    facts = [{"id": name, "captions": [{"tag": "t", "true_of": [0]}]} for name in ("val/1", "1")]
    records, left_out = read(write(write(folder, lines), facts, "caption_facts.jsonl"))
    assert [record.id for record in records] == ["train/1", "val/1"]
    assert [record.id for record in read(folder, "val")[0]] == ["val/1"]
    assert records[1].facts == (CaptionFact("t", frozenset(["val/1"])),)
    assert "got facts about '1', which 2 pictures are called" in left_out["caption_facts.jsonl line 2"]


def test_pictures_that_differ_in_their_ending_are_told_apart_in_a_plain_folder(folder):
    shutil.copy(folder / "a.png", folder / "a.webp")
    assert [(r.id, r.image) for r in read_dataset(folder)][:2] == [("a", "a.png"), ("a-2", "a.webp")]


def test_one_picture_on_several_lines_has_the_captions_of_all(folder):
    write(
        folder, [{"image": "a.png", "captions": ["one"]}, {"image": "b.png"}, {"image": "./a.png", "captions": ["two"]}]
    )
    assert [(r.id, r.captions) for r in read_dataset(folder)] == [("a", ("one", "two")), ("b", ())]


@pytest.mark.parametrize(("listed", "stored"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_are_found_in_either_normal_form(folder, listed, stored):
    (folder / unicodedata.normalize(stored, "été")).mkdir()
    file = folder / unicodedata.normalize(stored, "été/café.png")
    (folder / "a.png").rename(file)
    (folder / "Ä.png").write_bytes(b"")
    write(folder, [{"image": unicodedata.normalize(listed, "été/café.png"), "captions": ["x"]}, {"image": "ä.png"}])
    first, second = read_dataset(folder)
    assert first.path == file
    assert not second.path.exists()  # a letter of another case is another name
    (folder / "captions.jsonl").unlink()
    (folder / "captions.csv").write_text(f"image,caption\n{unicodedata.normalize(listed, 'café.png')},a cup\n")
    assert ("a cup",) in [record.captions for record in read_dataset(folder)]


def test_a_name_that_is_no_utf8_is_built_and_shown_with_replaced_characters(
    folder, tiny_model, tiny_processor, tmp_path
):
    os.rename(folder / "a.png", os.fsencode(folder) + b"/caf\xe9.png")
    os.rename(folder / "b.png", os.fsencode(folder) + b"/caf\xe8.png")
    gallery = build_gallery(tiny_model, tiny_processor, read_dataset(folder), tmp_path / "g", "tiny")
    assert [item.id for item in Gallery(gallery.folder).items] == ["c", "caf\ufffd", "caf\ufffd-2"]
    write(folder, [{"image": "caf\udce9.png", "captions": ["x"]}])  # as Python lists it
    (record,) = read_dataset(folder)
    assert (record.image, record.path.is_file()) == ("caf\ufffd.png", True)


# --- what lies in a folder ------------------------------------------------------------------------------------------------


def test_what_is_not_taken_from_a_folder_is_said(folder, tiny_gallery):
    for name in (".Trash-1000/files", "@eaDir/a.png", ".thumbnails", "__MACOSX", "sub"):
        (folder / name).mkdir(parents=True)
        shutil.copy(folder / "a.png", folder / name / "t.png")
    for name in ("._a.png", "Thumbs.db", ".DS_Store", "README.md", "noending", "b.txt", "results.csv", "metadata.jsonl",
                 "dataset_flickr8k.json", "Flickr8k.token.txt", "x.HEIC", "y.cr2", "sub/captions.csv"):  # fmt: skip
        (folder / name).write_bytes(b"x")
    (folder / "linked").symlink_to(folder / "sub", target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "z.png").symlink_to(folder / "a.png")
    os.mkfifo(folder / "pipe.png")
    shutil.copytree(tiny_gallery, folder / "gallery")
    (folder / "g.building").mkdir()
    (folder / "g.building" / "plan.txt").write_text("")
    records, left_out = read(folder)
    assert [r.id for r in records] == ["a", "b", "c", "sub/t", "z"]
    expected = {
        "noending": "no extension", "b.txt": "name of a picture", "results.csv": "captions", "metadata.jsonl": "captions",
        "dataset_flickr8k.json": "captions", "Flickr8k.token.txt": "captions", "x.HEIC": "HEIC is not supported",
        "y.cr2": "CR2 is not supported", "linked": "links to folders", "loop": "links to folders", "gone.png": "link is broken",
        "pipe.png": "not a regular file", "gallery/": "a gallery", "g.building/": "stopped", "sub/captions.csv": "captions",
    }  # fmt: skip
    assert set(left_out) == set(expected)
    assert all(word in left_out[name] for name, word in expected.items())
    everything: list[LeftOut] = []
    read_dataset(folder, left_out=everything)
    hidden = {one.where for one in everything if not one.counts}
    assert {".Trash-1000/", "@eaDir/", ".thumbnails/", "__MACOSX/", "._a.png", "Thumbs.db", "README.md"} <= hidden


def test_a_folder_without_permission_is_named(folder, monkeypatch):
    (folder / "locked").mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    records, left_out = read(folder)
    assert len(records) == 3
    assert left_out == {"locked": "the folder cannot be opened (Permission denied)"}


@pytest.mark.parametrize("name", ["captions.csv", "captions.txt"])
def test_a_table_of_captions_is_read_where_it_lies(folder, name):
    (folder / name).write_text('image,caption\na.png,a dog\nsomewhere/b.png,"a cat, big"\na.png,\nz.png,gone\n')
    records, left_out = read(folder)
    assert [record.captions for record in records] == [("a dog",), ("a cat, big",), ()]
    assert set(left_out) == {f"{name} line 4", "z.png"}
    (folder / name).write_bytes("image,caption\na.png,é\n".encode("latin-1"))
    records, left_out = read(folder)
    assert not any(record.captions for record in records)
    assert "Latin-1" in left_out[name]


def test_many_of_one_kind_are_told_together_with_examples():
    left_out = [LeftOut(f"{n}.heic", "HEIC is not read") for n in range(1_000)] + [LeftOut("x\x1b.png", "bad")]
    assert told(left_out) == [
        "left out 1,000 (0.heic, 1.heic, 2.heic, ...): HEIC is not read",
        r"left out x\x1b.png: bad",
    ]


def test_pictures_that_captions_jsonl_does_not_list_are_said(folder):
    left_out: list[LeftOut] = []
    read_dataset(write(folder, [{"image": "a.png", "captions": ["x"]}]), left_out=left_out)
    assert [(one.where, one.counts) for one in left_out] == [("b.png", False), ("c.png", False)]


def test_a_gallery_is_read_from_its_thumbnails(tiny_gallery, tiny_model, tiny_processor, tmp_path):
    left_out: list[LeftOut] = []
    records = read_dataset(tiny_gallery, left_out=left_out)
    again = build_gallery(tiny_model, tiny_processor, records, tmp_path / "again", "tiny")
    old = Gallery(tiny_gallery)
    assert [(item.id, item.captions) for item in again.items] == [(item.id, item.captions) for item in old.items]
    assert "used as pictures" in told(left_out)[0]
    assert count(left_out) == 0


@pytest.mark.parametrize("plan", [".plan.json", "plan.txt"])
def test_the_work_of_a_stopped_build_is_not_taken_for_pictures(folder, picture, plan):
    work = folder / "holiday.building"
    (work / "thumbnails").mkdir(parents=True)
    picture(1).save(work / "thumbnails" / "000000.webp")
    (work / plan).write_text("{}")
    left_out: list[LeftOut] = []
    assert [record.id for record in read_dataset(folder, left_out=left_out)] == ["a", "b", "c"]
    assert [(one.where, one.reason) for one in left_out] == [
        ("holiday.building/", "the unfinished work of a stopped gallery build")
    ]


@pytest.mark.parametrize("differs", [None, 5, ["place"], {"a": 1}])
def test_a_scene_group_of_any_type_stops_no_evaluation(folder, differs):
    scene = {"id": "a", "split": "dev", "things": [], "group": {"id": 1, "differs": differs}}
    write(folder, [scene], "scenes.jsonl")
    truth = read_truth(folder)
    assert truth is not None
    assert list(hard_groups(truth).values()) == [["a"]]
