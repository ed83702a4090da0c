"""Galleries that are replaced, shared, stopped and taken up again."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

import hgan.gallery.build
import hgan.io.replace
from hgan.checkpoint import save_checkpoint
from hgan.data.folder import read_dataset
from hgan.gallery.build import build_gallery
from hgan.gallery.plan import work_place
from hgan.gallery.store import GALLERY, PLAN, Gallery, verify
from hgan.io.files import MARK
from hgan.io.locks import locked_folder
from hgan.io.replace import tidy
from hgan.retrieval.retriever import Retriever


@pytest.fixture
def photos(tmp_path, picture):
    def make(name: str, first: int, count: int = 7) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for n in range(count):
            picture(first + n).save(folder / f"{n}.png")
        return folder

    return make


@pytest.fixture
def build(tiny_model, tiny_processor, monkeypatch):
    monkeypatch.setattr(hgan.gallery.build, "CHUNK", 2)

    def run(source: Path, out: Path, **options) -> Gallery:
        return build_gallery(tiny_model, tiny_processor, read_dataset(source), out, "tiny", **options)

    return run


class StopError(Exception):
    pass


def stopping_after(pictures: int):
    def report(done: int, total: int) -> None:
        if done >= pictures:
            raise StopError

    return report


def thumbnails(gallery: Gallery) -> list[bytes]:
    return [gallery.read_thumbnail(row) for row in range(len(gallery.items))]


@pytest.mark.parametrize("swaps", [True, False], ids=["swapped", "renamed twice"])
def test_an_open_gallery_answers_from_what_it_opened(
    build, photos, tmp_path, tiny_model, tiny_processor, monkeypatch, swaps
):
    if not swaps:
        monkeypatch.setattr(hgan.io.replace, "_exchange", lambda a, b: False)
    out = tmp_path / "g"
    build(photos("A", 0), out)
    retriever = Retriever(tiny_model, tiny_processor, Gallery(out))
    pictures, answer = thumbnails(retriever.gallery), retriever.search(text="a red circle", k=7).hits
    query, id_ = retriever.encode(text="a red circle"), retriever.gallery.items[0].id
    measured = retriever.what_if(id_, query, text="a dog").after.score  # it reads the thumbnail
    build(photos("B", 100), out)
    assert thumbnails(retriever.gallery) == pictures
    assert retriever.gallery.thumbnail(3).read_bytes() == pictures[3]
    assert retriever.search(text="a red circle", k=7).hits == answer
    assert retriever.what_if(id_, query, text="a dog").after.score == measured
    assert not set(thumbnails(Gallery(out))) & set(pictures)
    assert verify(out) == []


def test_the_old_version_goes_when_nobody_has_it_open_any_more(build, photos, tmp_path):
    out, a, b = tmp_path / "g", photos("A", 0), photos("B", 100)
    opened = build(a, out)
    build(b, out)
    assert len(list(tmp_path.glob(f".g{MARK}*"))) == 1
    del opened
    tidy(out, GALLERY)
    assert list(tmp_path.glob(f".g{MARK}*")) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["A", "B", "g"]


def test_opening_while_it_is_replaced_gives_one_version_whole(build, photos, tmp_path):
    out, a, b = tmp_path / "g", photos("A", 0), photos("B", 100)
    known = [thumbnails(build(a, tmp_path / "a")), thumbnails(build(b, tmp_path / "b"))]
    build(a, out)
    done, seen = threading.Event(), []

    def look() -> None:
        while not done.is_set():
            seen.append(thumbnails(Gallery(out)) in known)

    thread = threading.Thread(target=look)
    thread.start()
    for source in (b, a, b):
        build(source, out)
    done.set()
    thread.join()
    assert len(seen) > 3
    assert all(seen)


def test_work_on_another_folder_is_not_taken_up(build, photos, tmp_path):
    a, b, out = photos("A", 0), photos("B", 100), tmp_path / "g"
    with pytest.raises(StopError):
        build(a, out, report=stopping_after(4))
    assert thumbnails(build(b, out)) == thumbnails(build(b, tmp_path / "true"))
    assert verify(out) == []


def test_what_is_done_of_the_same_folder_is_taken_up_and_a_mended_picture_is_read_again(
    build, photos, tmp_path, picture
):
    a, out = photos("A", 0), tmp_path / "g"
    (a / "1.png").write_bytes(b"damaged")
    with pytest.raises(StopError):
        build(a, out, report=stopping_after(6))
    picture(1).save(a / "1.png")
    done: list[int] = []
    gallery = build(a, out, report=lambda n, _: done.append(n))
    assert done == [6, 7]  # four pictures were kept; two are read again, one for the first time
    assert gallery.manifest["skipped"] == []
    assert [item.id for item in gallery.items] == [str(n) for n in range(7)]


def test_a_picture_of_the_same_size_and_time_is_still_told_from_another(build, photos, tmp_path):
    a, out = photos("A", 0, 2), tmp_path / "g"
    first, second = (a / "0.png"), (a / "1.png")
    size = max(first.stat().st_size, second.stat().st_size)
    for path in (first, second):
        path.write_bytes(path.read_bytes().ljust(size, b"\0"))
        os.utime(path, ns=(10**18, 10**18))
    with pytest.raises(StopError):
        build(a, out, report=stopping_after(2))
    first.rename(a / "x"), second.rename(first), (a / "x").rename(second)
    assert thumbnails(build(a, out)) == thumbnails(build(a, tmp_path / "true"))


def test_fewer_pictures_than_before_leave_nothing_behind(build, photos, tmp_path):
    a, out = photos("A", 0), tmp_path / "g"
    with pytest.raises(StopError):
        build(a, out, report=stopping_after(6))
    for n in (3, 4, 5, 6):
        (a / f"{n}.png").unlink()
    assert len(build(a, out).items) == 3
    assert verify(out) == []
    assert len(list((out / "thumbnails").iterdir())) == 3


def test_the_work_of_an_earlier_release_is_thrown_away_not_taken_up(build, photos, tmp_path):
    work = tmp_path / "g.building"
    (work / "thumbnails").mkdir(parents=True)
    (work / "plan.txt").write_text("0" * 64)
    (work / "part-00000.pkl").write_bytes(b"not even a pickle")
    assert len(build(photos("A", 0), tmp_path / "g").items) == 7
    assert verify(tmp_path / "g") == []


def test_a_second_build_of_the_same_place_is_refused_with_the_name_of_the_first(build, photos, tmp_path):
    a, b, out = photos("A", 0), photos("B", 100), tmp_path / "g"
    refused: list[str] = []

    def meanwhile(done: int, total: int) -> None:
        if done == 4:
            with pytest.raises(ValueError, match="in use by") as error:
                build(b, out)
            refused.append(str(error.value))

    gallery = build(a, out, report=meanwhile)
    assert f"process {os.getpid()}" in refused[0]
    assert "building the gallery g" in refused[0]
    assert thumbnails(gallery) == thumbnails(build(a, tmp_path / "true"))


def test_a_lock_ends_with_its_process(tmp_path):
    hold = "import fcntl as f, os, sys; f.flock(os.open(sys.argv[1], os.O_RDONLY), f.LOCK_EX); print('held', flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(ValueError, match="in use by"), locked_folder(tmp_path, "a test"):
        pass
    other.kill()
    other.wait()
    with locked_folder(tmp_path, "a test"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_build_that_was_killed_around_the_swap_ends_whole(build, photos, tmp_path, monkeypatch, moment):
    a, b, out = photos("A", 0), photos("B", 100), tmp_path / "g"
    build(a, out)
    exchange = hgan.io.replace._exchange

    def killed(new: Path, old: Path) -> bool:
        if moment == "after":
            exchange(new, old)
        raise StopError

    with monkeypatch.context() as patch:
        patch.setattr(hgan.io.replace, "_exchange", killed)
        with pytest.raises(StopError):
            build(b, out)
    assert verify(out) == []  # the old one, or the new one
    done: list[int] = []
    assert thumbnails(build(b, out, report=lambda n, _: done.append(n))) == thumbnails(build(b, tmp_path / "true"))
    assert verify(out) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["A", "B", "g", "true"]
    if moment == "before":
        assert done == []  # nothing had to be encoded again


def test_the_old_folder_comes_back_where_a_disk_knows_no_swap(build, photos, tmp_path, monkeypatch):
    a, out = photos("A", 0), tmp_path / "g"
    pictures = thumbnails(build(a, out))
    aside = tmp_path / f".g{MARK}abcdefgh"
    aside.mkdir()
    out.rename(aside / "old")  # where two renames stand in for one, this is what is left between them
    tidy(out, GALLERY)
    assert thumbnails(Gallery(out)) == pictures
    assert not aside.exists()


def test_what_somebody_else_put_into_an_old_version_is_not_removed(build, photos, tmp_path):
    out = tmp_path / "g"
    build(photos("A", 0), out)
    aside = tmp_path / f".g{MARK}abcdefgh"
    (aside / "old").mkdir(parents=True)
    (aside / "old" / "diary.txt").write_text("mine")
    tidy(out, GALLERY)
    assert (aside / "old" / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("array", ["images/nodes", "images/weights", "captions/edges", "images/boxes"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gallery_with_numbers_that_are_not_finite_is_refused(
    tiny_model, tiny_processor, tiny_dataset, tmp_path, array, value
):
    build_gallery(tiny_model, tiny_processor, read_dataset(tiny_dataset), tmp_path / "g", "tiny")
    path = tmp_path / "g" / f"{array}.npy"
    numbers = np.load(path)
    numbers.flat[3] = value
    np.save(path, numbers)
    with pytest.raises(ValueError, match=rf"{array.split('/')[1]}\.npy.*not finite.*build the gallery again"):
        Gallery(tmp_path / "g")


def test_a_model_that_gives_no_numbers_builds_no_gallery(tiny_config, tiny_processor, tiny_dataset, tmp_path):
    from hgan.model.hgan import HGANModel

    torch.manual_seed(0)
    model = HGANModel(tiny_config).eval()
    with torch.no_grad():
        next(model.mfar.parameters())[0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        build_gallery(model, tiny_processor, read_dataset(tiny_dataset), tmp_path / "g", "broken")
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("size", [0, 15, 16_384, 17_000])
def test_a_thumbnail_size_that_webp_cannot_hold_is_refused_by_name(build, photos, tmp_path, size):
    with pytest.raises(ValueError, match=rf"thumbnail size of {size}.*16,383"):
        build(photos("A", 0, 1), tmp_path / "g", thumbnail_size=size)


def test_a_plan_left_in_a_whole_gallery_does_no_harm(build, photos, tmp_path):
    build(photos("A", 0, 1), tmp_path / "g")
    (tmp_path / "g" / PLAN).write_text("{}")
    assert verify(tmp_path / "g") == []
    assert not work_place(tmp_path / "g").exists()


def test_a_checkpoint_that_was_killed_half_way_is_tidied_away(tiny_model, tiny_processor, tmp_path):
    aside = tmp_path / f".ck{MARK}abcdefgh"
    (aside / "new").mkdir(parents=True)
    (aside / "new" / "model.safetensors").write_bytes(b"half")
    held = tmp_path / f".ck{MARK}hijklmno"
    (held / "new").mkdir(parents=True)
    (held / "new" / "model.safetensors").write_bytes(b"of somebody who is still writing")
    handle = os.open(held, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    save_checkpoint(tiny_model, tiny_processor, tmp_path / "ck")
    os.close(handle)
    assert not aside.exists()
    assert (held / "new" / "model.safetensors").exists()


def test_neither_a_manifest_nor_a_link_leads_a_build_out_of_its_folder(build, photos, tmp_path):
    a, out = photos("A", 0, 3), tmp_path / "g"
    build(a, out)
    (tmp_path / "diary.txt").write_text("mine")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["files"]["../diary.txt"] = manifest["files"]["/etc/hostname"] = {"sha256": "0" * 64, "bytes": 4}
    (out / "manifest.json").write_text(json.dumps(manifest))
    (out / "thumbnails").rename(tmp_path / "album")
    (out / "thumbnails").symlink_to(tmp_path / "album")
    album = {p.name for p in (tmp_path / "album").iterdir()}
    work = tmp_path / "g.building"
    work.mkdir()
    (work / "plan.txt").write_text("0" * 64)
    (work / "thumbnails").symlink_to(tmp_path / "album")
    with pytest.raises(ValueError, match="something else is there"):
        build(a, out)
    (work / "thumbnails").unlink()
    build(a, out)
    assert verify(out) == []
    assert {p.name for p in (tmp_path / "album").iterdir()} == album
    assert (tmp_path / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("harm", ["emptied part", "garbage", "lost thumbnail", "empty thumbnail"])
def test_a_piece_that_a_power_cut_emptied_is_made_again(build, photos, tmp_path, harm):
    a, out = photos("A", 0), tmp_path / "g"
    with pytest.raises(StopError):
        build(a, out, report=stopping_after(4))
    work = work_place(out)
    part, thumbnail = work / "part-00000.pkl", work / "thumbnails" / "000000.webp"
    if harm == "lost thumbnail":
        thumbnail.unlink()
    elif harm == "empty thumbnail":
        thumbnail.write_bytes(b"")
    else:
        part.write_bytes(b"" if harm == "emptied part" else b"\x80garbage")
    done: list[int] = []
    gallery = build(a, out, report=lambda n, _: done.append(n))
    assert done == [4, 6, 7]  # the second piece was kept
    assert verify(out) == []
    assert thumbnails(gallery) == thumbnails(build(a, tmp_path / "true"))


def test_no_pictures_and_a_model_without_a_name_build_nothing(tiny_model, tiny_processor, photos, tmp_path):
    with pytest.raises(ValueError, match="got no pictures, but expected at least one"):
        build_gallery(tiny_model, tiny_processor, [], tmp_path / "g", "tiny")
    with pytest.raises(ValueError, match="got NoneType for the name of the model"):
        build_gallery(tiny_model, tiny_processor, read_dataset(photos("A", 0)), tmp_path / "g", None)
    assert not (tmp_path / "g").exists()
