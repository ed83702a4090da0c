"""Dataset folders: what is read from them, and what is refused with its line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hgan.data.folder import Box, CaptionFact, Record, read_dataset, read_jsonl


def write(folder: Path, captions: list[object], regions: list[object] | None = None) -> Path:
    """A dataset folder of those lines; a string is a line as it stands."""
    for name, lines in (("captions.jsonl", captions), ("regions.jsonl", regions)):
        if lines is not None:
            text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_dataset_folder_gives_pictures_captions_and_regions_of_the_split(tiny_dataset):
    records = read_dataset(tiny_dataset, "train")
    assert len(records) == 8
    first = records[0]
    assert first.id == "00_red_circle"
    assert first.path.is_file()
    assert first.captions == ("a red circle on the left", "red circle, white field")
    assert first.regions == (Box((8 / 96, 10 / 72, 49 / 96, 47 / 72), "ball", 1.0),)


def test_without_a_split_all_records_come(tiny_dataset):
    assert len(read_dataset(tiny_dataset)) == 12


def test_a_picture_known_to_be_empty_is_told_from_one_that_nothing_is_known_about(tiny_dataset):
    records = read_dataset(tiny_dataset)
    assert records[6].regions == ()
    assert records[7].regions is None


def test_captions_regions_and_splits_may_be_missing(tmp_path):
    (record,) = read_dataset(write(tmp_path, [{"image": "deep/er/a.b.jpg"}]))
    assert record == Record("a.b", "deep/er/a.b.jpg", tmp_path / "deep/er/a.b.jpg", None, (), None)


def test_blank_lines_are_passed_over_and_counted(tmp_path):
    write(tmp_path, [{"image": "a.jpg"}, "", "   ", "{"])
    left_out = []
    assert [record.id for record in read_dataset(tmp_path, left_out=left_out)] == ["a"]
    assert [one.where for one in left_out] == ["captions.jsonl line 4"]
    assert left_out[0].reason.startswith("got a damaged line")


def test_a_plain_folder_of_pictures_is_a_dataset_sorted_by_name(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.JPG", "a.png", "sub/c.webp", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    records = read_dataset(tmp_path)
    assert [(r.id, r.image) for r in records] == [("a", "a.png"), ("b", "b.JPG"), ("sub/c", "sub/c.webp")]
    assert all(r.captions == () and r.regions is None for r in records)


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        (["{"], r"captions\.jsonl line 1: got a damaged line, but expected a JSON object"),
        (['["a.jpg"]'], r"line 1: got list, but expected a JSON object"),
        (["", {"captions": []}], r"line 2: got image None, but expected a path inside the folder"),
        ([{"image": "../a.jpg"}], r"got image '\.\./a\.jpg', but expected a path inside the folder"),
        ([{"image": "/etc/a.jpg"}], r"got image '/etc/a\.jpg'"),
        ([{"image": "a\\..\\b.jpg"}], r"but expected a path inside the folder"),
        ([{"image": ""}], r"got image ''"),
        ([{"image": "a.jpg", "captions": "a dog"}], r"got captions 'a dog', but expected a list of sentences"),
        ([{"image": "a.jpg", "captions": {"a dog": 3}}], r"but expected a list of sentences"),
        ([], r"got no records"),
    ],
)
def test_a_damaged_dataset_is_refused_with_the_line_and_what_stands_there(tmp_path, captions, message):
    with pytest.raises(ValueError, match=message):
        read_dataset(write(tmp_path, captions))


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ({"label": "dog"}, r"regions\.jsonl line 1: got a damaged region \('box'\)"),
        ({"box": [0, 0, 1], "label": "dog"}, r"but expected box \(XYXY in \[0, 1\]\)"),
        ({"box": [0.5, 0, 0.4, 1], "label": "dog"}, r"box \[0\.5, 0, 0\.4, 1\]"),
        ({"box": [0, 0, 640, 480], "label": "dog"}, r"box \[0, 0, 640, 480\]"),
        ({"box": [0, 0, 1, "x"], "label": "dog"}, r"got a damaged region"),
        ({"box": [0, 0, 1, float("nan")], "label": "dog"}, r"got a damaged region"),
        ({"box": [0, 0, 1, 1]}, r"\('label'\)"),
        ({"box": [0, 0, 1, 1], "label": "dog", "score": 86}, r"score 86.*score in \[0, 1\]"),
        ("dog", r"got a damaged region"),
    ],
)
def test_a_damaged_region_is_refused_with_the_line_and_what_stands_there(tmp_path, region, message):
    write(tmp_path, [{"image": "a.jpg"}], [{"image": "a.jpg", "regions": [region]}])
    with pytest.raises(ValueError, match=message):
        read_dataset(tmp_path)


def test_a_file_that_is_not_utf8_is_refused_with_the_line(tmp_path):
    (tmp_path / "captions.jsonl").write_bytes(b'{"image": "a.jpg"}\n{"image": "\xff.jpg"}\n')
    with pytest.raises(ValueError, match=r"captions\.jsonl line 2: got a damaged line"):
        list(read_jsonl(tmp_path / "captions.jsonl"))


def test_an_unknown_split_is_refused_with_the_splits_there_are(tiny_dataset):
    with pytest.raises(ValueError, match=r"no records of split 'test'.*its splits: dev, train"):
        read_dataset(tiny_dataset, "test")


def test_a_split_of_a_plain_folder_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"got split 'dev', but .* has no captions\.jsonl"):
        read_dataset(tmp_path, "dev")


def test_a_missing_folder_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(ValueError, match="but expected a folder of pictures"):
        read_dataset(tmp_path / "none")
    with pytest.raises(ValueError, match="got no pictures"):
        read_dataset(tmp_path)


def test_flickr8k_has_a_thousand_dev_pictures_with_five_captions_and_files(flickr8k):
    records = read_dataset(flickr8k, "dev")
    assert len(records) == 1000
    assert {len(r.captions) for r in records} == {5}
    assert all(r.path.is_file() for r in records)


def scene_folder(tmp_path: Path, captions: int = 2, true_of: int = 1) -> Path:
    lines = [
        {
            "image": f"images/{name}.webp",
            "split": split,
            "captions": ["a", "b"],
            "group": "g" if split == "train" else None,
        }
        for name, split in (("x", "dev"), ("y", "train"), ("z", "train"))
    ]
    facts = {
        "id": "y",
        "captions": [{"tag": "full", "true_of": [0]}, {"tag": "context", "true_of": [0, true_of]}][:captions],
    }
    (tmp_path / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "caption_facts.jsonl").write_text(json.dumps(facts) + "\n")
    return tmp_path


def test_facts_name_the_records_of_the_same_split_that_a_caption_is_true_of(tmp_path):
    first, second = read_dataset(scene_folder(tmp_path), "train")
    assert first.facts == (CaptionFact("full", frozenset("y")), CaptionFact("context", frozenset("yz")))
    assert second.facts is None
    assert (first.group, second.group) == ("g", "g")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"captions": 1}, "y: got 2 captions and 1 facts, but expected one fact per caption"),
        ({"true_of": 2}, "y: got a fact about record 2, but expected less than 2, the records of split train"),
        ({"true_of": "all"}, r"caption_facts\.jsonl line 1: got a damaged fact"),
    ],
)
def test_damaged_facts_are_refused_by_name(tmp_path, changes, told):
    with pytest.raises(ValueError, match=told):
        read_dataset(scene_folder(tmp_path, **changes), "train")


def test_a_dataset_moved_elsewhere_still_reads(tiny_dataset, tmp_path):
    moved = shutil.copytree(tiny_dataset, tmp_path / "elsewhere")
    assert all(record.path.is_file() for record in read_dataset(moved))
