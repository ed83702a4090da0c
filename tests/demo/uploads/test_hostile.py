"""What comes in from visitors, read within bounds: galleries are taken back, one bad line does not refuse the others, and no
file costs more time or memory than its size."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import time
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hgan.data.folder import read_dataset
from hgan.demo.uploads.captions import assign, read_captions
from hgan.demo.uploads.files import Received, Upload, receive
from hgan.demo.uploads.limits import Limits
from hgan.demo.uploads.session import _pack
from hgan.gallery.build import build_gallery
from hgan.gallery.store import Gallery
from hgan.io.left_out import LeftOut
from hgan.retrieval.case import Source, read_case
from hgan.retrieval.classroom import read_cases


@pytest.fixture(scope="module")
def png(picture: Callable[..., Image.Image]) -> bytes:
    buffer = io.BytesIO()
    picture(0).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Received]:
    """Receives a zip of these entries, or one that lies there."""

    def make(entries: dict[str, bytes] | Path, limits: Limits | None = None, stopped: Any = None) -> Received:
        path = entries if isinstance(entries, Path) else tmp_path / "up.zip"
        if isinstance(entries, dict):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in entries.items():
                    archive.writestr(name, data)
        folder = tmp_path / "taken"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return receive([Upload(path, "up.zip")], folder, limits, stopped)

    return make


# --- galleries come back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", ["my-gallery/", "another name/deep/", ""])
@pytest.mark.parametrize("lean", [False, True])
def test_a_gallery_is_taken_back_with_ids_captions_and_facts(
    take, root, lean, tiny_model, tiny_processor, tiny_dataset, tmp_path, png
):
    facts = [
        {"id": r.id, "captions": [{"tag": "t", "true_of": [n]}] * 2}
        for n, r in enumerate(read_dataset(tiny_dataset, "dev"))
    ]
    source = Path(shutil.copytree(tiny_dataset, tmp_path / "source"))
    (source / "caption_facts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in facts))
    folder = tmp_path / "my-gallery"
    build_gallery(tiny_model, tiny_processor, read_dataset(source, "dev"), folder, "tiny", lean=lean)
    entries = {f"{root}{p.relative_to(folder).as_posix()}": p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    entries |= {"other.png": png, "captions.csv": b"image,caption\nother.png,a dog\n"} if root else {}
    received = take(entries)
    items = Gallery(folder).items
    assert [(r.id, r.image, r.captions, r.facts) for r in received.records[: len(items)]] == [
        (item.id, item.image, item.captions, item.facts) for item in items
    ]
    assert [(r.id, r.captions) for r in received.records[len(items) :]] == ([("other", ("a dog",))] if root else [])
    assert received.skipped == []
    assert "is a gallery: its 4 pictures are taken from its thumbnails" in received.notices[0]
    again = build_gallery(tiny_model, tiny_processor, received.records, tmp_path / "again", "tiny")
    assert again.manifest["count"] == len(received.records)


def test_what_my_gallery_packs_is_taken_back(take, tiny_gallery, tmp_path):
    _pack(tiny_gallery, tmp_path / "z.zip")
    assert len(take(tmp_path / "z.zip").records) == 12


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"thumbnail": "../../etc/passwd"}, "a path inside the gallery"),
        ({"thumbnail": "/etc/passwd"}, "a path inside the gallery"),
        ({"thumbnail": "thumbnails/none.webp"}, "not in the gallery"),
        ({"thumbnail": "items.jsonl"}, None),
        ({"thumbnail": "thumbnails/000001.webp"}, None),
        ({"thumbnail": 3}, "a path inside the gallery"),
        ({"id": ["x"]}, "a damaged item"),
        ({"captions": "x"}, "a damaged item"),
        ({"captions": [3, "\ud800", "x" * 2000]}, None),
        ({"captions": [f"caption {n}" for n in range(100_000)]}, "at most 10"),
        ({"facts": [{"tag": 1}]}, None),
        ({"facts": "x"}, None),
    ],
)
def test_a_gallery_with_an_odd_item_loses_no_other(take, tiny_gallery, changes, reason):
    entries = {
        f"g/{p.relative_to(tiny_gallery).as_posix()}": p.read_bytes() for p in tiny_gallery.rglob("*") if p.is_file()
    }
    lines = [json.loads(line) for line in entries["g/items.jsonl"].splitlines()]
    entries["g/items.jsonl"] = "".join(
        json.dumps(line) + "\n" for line in [{**lines[0], **changes}, *lines[1:]]
    ).encode()
    received = take(entries)
    assert len(received.records) >= 11
    assert all(len(record.captions) <= 10 for record in received.records)
    assert reason is None or any(reason in why for _, why in received.skipped)


def test_a_manifest_that_is_no_gallerys_makes_none(take, png):
    for manifest in (b"{}", b"[" * 50_000, b'{"format": ' + b"9" * 5_000 + b"}", b"\xff", b"x" * 100):
        received = take(
            {"a.png": png, "manifest.json": manifest, "items.jsonl": b'{"image": "a.png", "captions": ["x"]}'}
        )
        assert [record.captions for record in received.records] == [("x",)]


def test_a_gallery_of_more_pictures_than_a_visitor_may_bring_is_refused(take, tiny_gallery, tmp_path):
    _pack(tiny_gallery, tmp_path / "z.zip")
    with pytest.raises(ValueError, match="more than 5 pictures"):
        take(tmp_path / "z.zip", Limits(pictures=5))


# --- one bad line -------------------------------------------------------------------------------------------------------


MANIFEST = json.dumps(
    {"format": 2, "name": "g", "count": 1, "model": {"sha256": "a"}, "files": {"items.jsonl": "b"}}
).encode()


UNPACKED = Limits(ratio=1_000_000)  # what is repeated packs well


def item(captions: list[Any]) -> bytes:
    return json.dumps({"id": "a" * 2_000, "image": "a", "thumbnail": "a.png", "captions": captions}).encode() + b"\n"


@pytest.mark.parametrize("items", [b"x\n" * 200_000, b"{}\n" * 200_000, item([0] * 50) * 1_000])
def test_a_gallery_of_nothing_but_damage_is_refused_soon(take, png, items):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"g/items\.jsonl: got more than 1,000 unusable items"):
            take({"g/manifest.json": MANIFEST, "g/items.jsonl": items, "g/a.png": png}, UNPACKED)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_an_item_of_very_many_captions_keeps_the_first_and_says_so(take, png):
    kept = take(
        {
            "g/manifest.json": MANIFEST,
            "g/items.jsonl": item(["a dog"] + [0] * 300_000),
            "g/thumb.txt": b"",
            "g/a.png": png,
        }
    )
    assert kept.records[0].captions == ("a dog",)
    assert len(kept.skipped) < 120
    assert ("g/items.jsonl line 1", "299,901 of 300,001 captions: there are too many") in kept.skipped


def test_galleries_at_once_are_few(take, png):
    galleries = {
        f"{n}/{name}": data for n in range(21) for name, data in (("manifest.json", MANIFEST), ("items.jsonl", b""))
    }
    with pytest.raises(ValueError, match="got more than 20 galleries at once"):
        take({**galleries, "a.png": png})
    two = {f"{n}/items.jsonl": b" " * 6_000_000 for n in range(2)}
    with pytest.raises(ValueError, match="bytes of items, but expected at most that"):
        take({**galleries, **two, "a.png": png}, UNPACKED)


def test_many_names_of_one_picture_bring_no_more_captions_than_one(take, png):
    lines = [json.dumps({"image": f"{n}/a.png", "captions": [f"dog {n}"]}) for n in range(5_000)]
    received = take({"a.png": png, "c.jsonl": "\n".join(lines).encode()})
    assert received.records[0].captions == tuple(f"dog {n}" for n in range(10))
    assert received.skipped == [
        ("a.png", "got 4,990 captions more than 10 of one picture, but expected at most that: they are left out")
    ]


def test_captions_of_a_large_data_set_with_few_pictures_are_counted_not_listed(take, png):
    lines = [json.dumps({"image": f"{n}.png", "captions": ["a dog"]}) for n in range(5_000)]
    received = take({"0.png": png, "c.jsonl": "\n".join(lines).encode()})
    assert received.records[0].captions == ("a dog",)
    assert len(received.skipped) == 201
    assert received.skipped[-1] == ("c.jsonl", "captions of 4,799 more missing pictures")


@pytest.mark.parametrize("name", ["c.jsonl", "c.csv"])
def test_bad_lines_are_named_and_the_others_stay(take, png, name):
    lines = {
        "c.jsonl": [
            b'{"image": "a.png", "captions": ["one", "", 3, "\\ud800", "\\u200b"]}', b"{", b"[1]", b'{"image": "\xff"}',
            b'{"image": "b.png", "captions": "x"}', b'{"image": "b.png", "captions": ["two"], "n": NaN}',
        ],
        "c.csv": [b"image,caption", b"a.png,one", b'a.png,"never closed', b"a.png,", b"a.png,x,y", b"b.png,two"],
    }[name]  # fmt: skip
    received = take({"a.png": png, "b.png": png, name: b"\n".join(lines) + b"\n"})
    assert [record.captions for record in received.records] == [("one",), ("two",)]
    where = {shown for shown, _ in received.skipped}
    assert where == {f"{name} line {n}" for n in ((1, 2, 3, 4, 5) if name == "c.jsonl" else (3, 4, 5))}


def test_a_caption_file_that_is_all_wrong_is_refused_with_its_first_line(take, png):
    with pytest.raises(ValueError, match=r"c\.jsonl: got no captions, .*; c\.jsonl line 1: got a damaged line"):
        take({"a.png": png, "c.jsonl": b"{\n{\n"})
    with pytest.raises(ValueError, match="got more than 1,000 unusable lines"):
        take({"a.png": png, "c.jsonl": b"{\n" * 5_000})


def test_names_match_in_either_normal_form():
    nfc, nfd = (unicodedata.normalize(form, "café.png") for form in ("NFC", "NFD"))
    for listed, there in ((nfc, nfd), (nfd, nfc)):
        assert assign({listed: ["x"]}, [f"d/{there}", "A.png"], "c")[0] == {f"d/{there}": ["x"]}
    assert assign({nfc: ["x"], nfd: ["y"]}, [nfc, nfd], "c")[0] == {nfc: ["x"], nfd: ["y"]}
    assert assign({"a.png": ["x"], "b.png": ["y"]}, ["A.png", "b.png"], "c")[1] == ["a.png"]


def test_hidden_files_are_named_and_unread_formats_say_what_reads_them(take, png):
    received = take({"a.png": png, ".hidden.png": png, ".Trash/b.png": png, "x.heic": b"x", "__MACOSX/a.png": png})
    assert [record.id for record in received.records] == ["a"]
    reasons = dict(received.skipped)
    assert set(reasons) == {".hidden.png", ".Trash/b.png", "x.heic"}
    assert "pillow-heif" in reasons["x.heic"]


# --- bounds -------------------------------------------------------------------------------------------------------------


def many(kind: str) -> bytes:
    """Captions of a few hundred thousand bytes that used to take seconds."""
    if kind == "one line":
        return json.dumps({"image": "a.png", "captions": [f"{n}" for n in range(45_000)]}).encode()
    if kind == "lines":
        return b"".join(b'{"image": "a.png", "captions": ["%d"]}\n' % n for n in range(20_000))
    if kind == "wide":
        return json.dumps({"image": "a.png", "captions": ["x" * 5_000_000]}).encode()
    if kind == "keys":
        return b"{" + b",".join(b'"%d": 0' % n for n in range(500_000)) + b"}"
    if kind == "deep":
        return b'{"image":' * 200_000
    return b'{"image": "a.png", "captions": ["x"], "n": -' + b"9" * 150_000 + b"}"


@pytest.mark.parametrize("kind", ["one line", "lines", "wide", "keys", "deep", "digits"])
def test_no_caption_file_takes_more_than_its_share(kind):
    data = b'{"image": "b.png", "captions": ["fine"]}\n' + many(kind)
    start, left_out = time.perf_counter(), list[LeftOut]()
    tracemalloc.start()
    try:
        found = read_captions(data, "c.jsonl", left_out=left_out)
    except ValueError as error:
        assert "got more than 1,000 unusable lines" in str(error)  # noqa: PT017
        found = {"b.png": ["fine"]}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["b.png"] == ["fine"]
    assert left_out
    assert len(found.get("a.png", [])) <= 10
    assert time.perf_counter() - start < 3
    assert peak < 60_000_000


def test_a_csv_of_open_quotes_or_one_huge_cell_is_read_in_time():
    start = time.perf_counter()
    for body in (
        b'a.png,"x\n' * 100_000,
        b'a.png,"' + b"x" * 5_000_000,
        b'"' * 2_000_000,
        b"a.png,x\n" * 300_000,
        b"\n" * 2_000_000,
    ):
        with pytest.raises(ValueError, match="got "):
            read_captions(b"image,caption\n" + body, "c.csv", left_out=[])
    assert time.perf_counter() - start < 8


def test_many_pictures_of_one_stem_are_numbered_in_time(take, png):
    start = time.perf_counter()
    ids = [r.id for r in take({f"a.{suffix}": png for suffix in ("png", "PNG", "jpg", "gif", "bmp")}).records]
    assert ids == ["a", "a-2", "a-3", "a-4", "a-5"]
    assert time.perf_counter() - start < 2


def test_unpacking_and_reading_can_be_stopped(take, png):
    class StopError(ValueError):
        pass

    for entries in (
        {f"{n}.png": png for n in range(5)},
        {"a.png": png, "c.csv": b"image,caption\n" + b"a.png,x\n" * 3_000},
    ):
        for most in range(1, 4):
            calls: list[int] = []

            def stop(calls: list[int] = calls, most: int = most) -> None:
                calls.append(1)
                if len(calls) >= most:
                    raise StopError("stopped")

            with pytest.raises(StopError):
                take(entries, stopped=stop)


def test_a_zip_whose_entries_lie_over_one_another_is_refused(take, tmp_path):
    path, data = tmp_path / "bomb.zip", os.urandom(200_000)
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(3):
            archive.writestr(f"{n}.png", data)
    raw = bytearray(path.read_bytes())
    at, first = 0, None
    while (at := raw.find(b"PK\x01\x02", at)) >= 0:  # all point at the first one's data
        first = raw[at + 42 : at + 46] if first is None else first
        raw[at + 42 : at + 46] = first
        at += 4
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="overlapping entries"):
        take(path)


def test_a_zip_that_says_less_than_it_holds_is_counted_as_it_is_read(take, png, tmp_path):
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", png)
        for n in range(4):
            archive.writestr(f"{n}.bmp", os.urandom(1000) * 3_000)
    raw = bytearray(path.read_bytes())
    at = 0
    while (at := raw.find(b"PK\x01\x02", at)) >= 0:
        raw[at + 24 : at + 28] = struct.pack("<L", 2_000)
        at += 4
    path.write_bytes(raw)
    received = take(path, Limits(megabytes=1))
    assert all("damaged" in reason for name, reason in received.skipped if name != "a.png")


def test_one_name_that_is_no_utf8_does_not_spoil_a_zip(take, png, tmp_path):
    path = tmp_path / "latin.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png)
        archive.writestr("cafë.png", png)
    path.write_bytes(path.read_bytes().replace("cafë".encode(), b"caf\xe9\xe9"))
    received = take(path)
    assert [record.id[:3] for record in received.records] == ["a", "caf"]


# --- cases --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"[" * 100_000, b'{"format": ' + b"9" * 5000 + b"}", b"null", b"x" * 20_000_001, '"\ud800"', b"NaN"],
)
def test_a_file_that_is_no_case_is_refused_in_plain_words(data):
    with pytest.raises(ValueError, match="but expected"):
        read_case(data, Source("m", "0" * 64), Source("g", "0" * 64))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"[" * 100_000, b"3", b'{"format": 1, "cases": [3], "model": 1, "gallery": []}']
)
def test_damaged_class_cases_are_refused_in_plain_words(tmp_path, data):
    (tmp_path / "c.json").write_bytes(data)
    with pytest.raises(ValueError, match=r"c\.json: got damaged cases"):
        read_cases(tmp_path / "c.json")
