"""From uploaded files to a gallery of one's own: what is taken, what is left out and why, and that nothing stays behind."""

from __future__ import annotations

import io
import os
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from hgan.demo.uploads import private
from hgan.demo.uploads import session as uploads
from hgan.demo.uploads.captions import assign, read_captions
from hgan.demo.uploads.files import Received, Upload, receive
from hgan.demo.uploads.limits import Limits
from hgan.demo.uploads.private import PrivateFolders
from hgan.demo.uploads.session import SessionGallery, StoppedError, build_session_gallery
from hgan.gallery.store import verify
from hgan.retrieval.retriever import Retriever


@pytest.fixture(scope="module")
def png(picture: Callable[..., Image.Image]) -> bytes:
    buffer = io.BytesIO()
    picture(0).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "taken").mkdir()
    return tmp_path / "taken"


@pytest.fixture
def zipped(tmp_path: Path, folder: Path) -> Callable[..., Received]:
    """Receives a zip of these entries: name or ZipInfo -> bytes."""

    def make(entries: dict[str | zipfile.ZipInfo, bytes], limits: Limits | None = None) -> Received:
        path = tmp_path / "up.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return receive([Upload(path, "up.zip")], folder, limits)

    return make


def upload(path: Path, data: bytes) -> Upload:
    path.write_bytes(data)
    return Upload(path, path.name)


def reasons(received: Received) -> dict[str, str]:
    return dict(received.skipped)


# --- what is taken ----------------------------------------------------------------------------------------------------


def test_pictures_of_a_zip_get_captions_by_their_names(zipped, png):
    text = "image,caption\nholiday/a.png,a dog\na.PNG,never\nb.png,a cat\nb.png,two cats\nholiday/c.png,none here\n"
    received = zipped({"holiday/a.png": png, "holiday/b.png": png, "captions.csv": text.encode("utf-8-sig")})
    assert {r.id: r.captions for r in received.records} == {"holiday/a": ("a dog",), "holiday/b": ("a cat", "two cats")}
    assert reasons(received) == dict.fromkeys(("a.PNG", "holiday/c.png"), "captions for a missing picture")


def test_loose_pictures_take_captions_as_json_lines(tmp_path, folder, png):
    lines = b'{"image": "a.png", "captions": ["a dog"]}\n\n{"image": "b.png", "captions": []}\n'
    received = receive(
        [
            upload(tmp_path / "a.png", png),
            upload(tmp_path / "b.png", png),
            Upload(upload(tmp_path / "x", lines).path, "c.jsonl"),
        ],
        folder,
    )
    assert [(r.id, r.captions) for r in received.records] == [("a", ("a dog",)), ("b", ())]


def test_no_name_from_outside_becomes_a_path(zipped, folder, png):
    received = zipped({"x/$(rm -rf).png": png, "<b>.png": png, "a#0.png": png})
    assert sorted(p.name for p in folder.iterdir()) == ["000000.png", "000001.png", "000002.png"]
    assert [r.id for r in received.records] == ["x/$(rm -rf)", "<b>", "a_0"]  # "a#0" is the id of a caption of "a"


def test_pictures_of_one_name_but_for_the_suffix_keep_apart(zipped, png):
    assert [r.id for r in zipped({"a.png": png, "a.jpg": png, "a-2.png": png}).records] == ["a", "a-2", "a-2-2"]


# --- what is left out -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.png", "points outside"),
        ("a/../../evil.png", "points outside"),
        ("/etc/evil.png", "points outside"),
        ("C:\\evil.png", "points outside"),
        ("..\\evil.png", "points outside"),
        ("x" * 300 + ".png", "more than 200 characters"),
        ("d/" * 9 + "deep.png", "more than 8 folders deep"),
        ("inner.zip", "archives inside archives are not opened"),
        ("run.sh", "neither a picture nor captions"),
        ("page.svg", "neither a picture nor captions"),
    ],
)
def test_an_odd_entry_is_left_out_and_named(zipped, folder, png, name, reason):
    received = zipped({"good.png": png, name: png})
    assert [r.id for r in received.records] == ["good"]
    [(shown, why)] = received.skipped
    assert reason in why
    assert shown.rstrip("…") in name.replace("\\", "/")
    assert [p.name for p in folder.parent.rglob("*") if p.is_file()] == ["up.zip", "000000.png"]


def test_links_and_devices_of_a_zip_are_not_followed(zipped, png):
    entries: dict[str | zipfile.ZipInfo, bytes] = {"good.png": png}
    for name, kind in (("link.png", stat.S_IFLNK), ("pipe.png", stat.S_IFIFO)):
        info = zipfile.ZipInfo(name)
        info.external_attr = (kind | 0o777) << 16
        entries[info] = b"/etc/passwd"
    assert reasons(zipped(entries)) == {"link.png": "links are not followed", "pipe.png": "it is not a regular file"}


def test_an_encrypted_entry_is_left_out(tmp_path, folder, png):
    path = tmp_path / "up.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.png", png)
        archive.writestr("secret.png", png)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    received = receive([Upload(path, "up.zip")], folder)
    assert [r.id for r in received.records] == ["good"]
    assert "encrypted" in reasons(received)["secret.png"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_entries_of_one_name_the_first_is_taken(tmp_path, folder, png):
    path = tmp_path / "up.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png)
        archive.writestr("a.png", b"another")
    received = receive([Upload(path, "up.zip")], folder)
    assert reasons(received) == {"a.png": "another file has this name"}
    assert received.records[0].path.read_bytes() == png


def test_an_entry_that_unpacks_to_far_more_than_its_size_is_left_out(zipped, png):
    received = zipped({"good.png": png, "bomb.bmp": bytes(3_000_000)})
    assert "more than 200 times" in reasons(received)["bomb.bmp"]


def test_an_entry_longer_than_it_says_is_left_out(tmp_path, folder, png):
    path = tmp_path / "up.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.png", png)
        archive.writestr("liar.png", os.urandom(5000))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(data)
    received = receive([Upload(path, "up.zip")], folder)
    assert "damaged" in reasons(received)["liar.png"]
    assert [p.name for p in folder.iterdir()] == ["000000.png"]


def test_what_systems_leave_in_a_zip_is_passed_over(zipped, png):
    assert not zipped({"a.png": png, "__MACOSX/._a.png": b"x", ".DS_Store": b"x", "b/Thumbs.db": b"x"}).skipped


# --- what is refused as a whole ---------------------------------------------------------------------------------------


def test_a_zip_of_a_hundred_thousand_entries_is_refused_before_it_is_listed(tmp_path, folder, monkeypatch):
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"a.png"
    entries = entry * 100_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 34464, 34464, len(entries), 0, 0)
    path = tmp_path / "many.zip"
    path.write_bytes(entries + end)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("listed"))
    with pytest.raises(ValueError, match=r"many\.zip: got a zip of 100,000 entries, but expected at most 2,000"):
        receive([Upload(path, "many.zip")], folder)


def test_too_many_pictures_bytes_or_zips_are_refused(tmp_path, folder, zipped, png):
    with pytest.raises(ValueError, match="got 3 pictures, but expected at most 2"):
        zipped({f"{n}.png": png for n in range(3)}, Limits(pictures=2))
    with pytest.raises(ValueError, match="bytes, but expected at most 1,000,000 at once"):
        receive([upload(tmp_path / "a.png", bytes(1_000_001))], folder, Limits(megabytes=1))
    with pytest.raises(ValueError, match="2,400,000 bytes unpacked, but expected at most 2,000,000"):
        zipped({f"{n}.bmp": bytes(800_000) for n in range(3)}, Limits(megabytes=1))
    two = [upload(tmp_path / f"{n}.zip", b"") for n in range(2)]
    with pytest.raises(ValueError, match="got 2 zips, but expected one"):
        receive(two, folder)
    assert not any(folder.iterdir())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 and then nothing", b"Rar!\x1a\x07\x00"])
def test_a_file_that_is_no_zip_is_refused_by_name(tmp_path, folder, data):
    with pytest.raises(ValueError, match=r"up\.zip: got a file that cannot be opened as a zip"):
        receive([upload(tmp_path / "up.zip", data)], folder)


def test_an_upload_without_pictures_says_what_was_left_out(zipped, folder):
    with pytest.raises(ValueError, match=r"got no picture, .*; notes\.txt: it is neither a picture nor captions"):
        zipped({"notes.txt": b"hello"})
    with pytest.raises(ValueError, match="got no files"):
        receive([], folder)


@pytest.mark.parametrize("value", ["0", "-3", "many", "1e3", "²"])
def test_a_limit_that_is_no_number_is_refused_with_its_name(monkeypatch, value):
    monkeypatch.setenv("HGAN_UPLOAD_PICTURES", value)
    with pytest.raises(ValueError, match="got HGAN_UPLOAD_PICTURES="):
        Limits.from_environment()
    monkeypatch.setenv("HGAN_UPLOAD_PICTURES", "7")
    assert Limits.from_environment().pictures == 7


# --- captions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"file,text\na.png,a dog\n",
            r"c.csv: got the first line “file,text”, but expected .* columns image and caption",
        ),
        (b"", "got the first line “”"),
        ("image,caption\na.png,caf\xe9\n".encode("latin-1"), r"c.csv line 2: .* Latin-1 .* expected UTF-8"),
        ("image,caption\na.png,dog\n".encode("utf-16"), "got UTF-16 text, but expected UTF-8"),
        (b"image,caption\na.png,a\0dog\n", "zero bytes"),
        (b"image,caption\na.png,a dog, a cat\n", "line 2: got 3 cells, but expected 2"),
        (b'image,caption\na.png,"a dog', "got a damaged line"),
        (b"image,caption\na.png,\n", "got no captions"),
        (b"image,caption\na.png," + b"x" * 1001, "got a caption of 1,001 characters"),
        (b"image,caption\na.png," + b"x" * 200_000, "got a damaged line"),
        (b"image,caption\n" + b"".join(b"a.png,%d\n" % n for n in range(11)), "line 12: got more than 10 captions"),
        (b"x" * 10_000_001, "more than 10,000,000 bytes"),
    ],
)
def test_damaged_csv_is_refused_with_the_line(data, message):
    with pytest.raises(ValueError, match=message):
        read_captions(data, "c.csv")


@pytest.mark.parametrize(
    "line",
    ['{"image": "a.png", "captions": "a dog"}', '{"image": 3, "captions": []}', "[1]", "{", "[" * 5000, "null"],
)
def test_damaged_json_lines_are_refused_with_the_line(line):
    data = b'{"image": "a.png", "captions": ["x"]}\n' + line.encode()
    with pytest.raises(ValueError, match=r"c\.jsonl line 2: got .*, but expected \{\"image\": \"NAME\.jpg\""):
        read_captions(data, "c.jsonl")


@pytest.mark.parametrize("text", ["image;caption\na.png;a dog, big\n", "Caption\tImage\textra\na dog, big\ta.png\t\n"])
def test_other_delimiters_orders_and_columns_are_understood(text):
    assert read_captions(text.encode("utf-8-sig"), "c.CSV") == {"a.png": ["a dog, big"]}


def test_captions_that_fit_no_picture_are_refused_with_an_example():
    with pytest.raises(ValueError, match=r"captions of “z\.png”, but there is no such picture: .* such as “a\.png”"):
        assign({"z.png": ["x"]}, ["a.png"], "c.csv")
    assert assign({"a.png": ["x"], "b.png": ["y"]}, ["1/a.png", "2/a.png", "b.png"], "c.csv") == (
        {"b.png": ["y"]},
        ["a.png"],
    )


# --- galleries of one's own -------------------------------------------------------------------------------------------


@pytest.fixture
def private_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Private folders are made in a folder of this test."""
    here = tmp_path / "tmp"
    here.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(here))
    yield here
    private.FOLDERS.remove_all()


@pytest.fixture
def own(retriever: Retriever, tmp_path: Path, private_here: Path, png: bytes) -> SessionGallery:
    files = [upload(tmp_path / "red dog.png", png), upload(tmp_path / "half.png", png[: len(png) // 2])]
    return build_session_gallery(retriever, files)


def test_own_pictures_can_be_searched_and_taken_home(own, tmp_path):
    assert own.retriever.search(text="a red circle").hits[0].id == "red dog"
    report = own.to_json()
    assert (report["pictures"], report["captions"], report["ids"]) == (1, 0, ["red dog"])
    [left_out] = report["skipped"]
    assert left_out["name"] == "half.png"
    assert "cannot be decoded" in left_out["reason"]
    with zipfile.ZipFile(own.download) as archive:
        archive.extractall(tmp_path / "home")
    assert verify(tmp_path / "home" / "my-gallery") == []


def test_a_picture_without_captions_finds_everyday_sentences(own, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "EVERYDAY", tmp_path / "e.jsonl")
    uploads.EVERYDAY.write_text('{"text": "a red circle"}\n{"text": "a cat"}\n')
    monkeypatch.setattr(uploads, "_everyday", {})
    picture = own.retriever.gallery.thumbnail(0)
    hits = own.for_pictures.search(image=picture).hits
    assert {hit.caption for hit in hits} == {"a red circle", "a cat"}
    explanation = own.for_pictures.explain(hits[0].id, image=picture)
    assert explanation.caption == hits[0].caption


def test_own_captions_are_what_pictures_are_compared_with(retriever, tmp_path, private_here, png):
    files = [upload(tmp_path / "a.png", png), upload(tmp_path / "c.csv", b"image,caption\na.png,a red circle\n")]
    own = build_session_gallery(retriever, files)
    assert own.for_pictures is own.retriever
    assert own.retriever.search(image=own.retriever.gallery.thumbnail(0)).hits[0].id == "a#0"


def test_only_the_gallery_is_kept_and_closing_removes_it(own, private_here):
    assert sorted(p.name for p in own.folder.iterdir()) == ["my-gallery"]  # not the pictures themselves
    own.close()
    assert not any(private_here.iterdir())
    with pytest.raises(ValueError, match="your own gallery, which has been removed: build it again"):
        _ = own.retriever


def test_thumbnails_hold_no_notes_of_the_camera(retriever, tmp_path, private_here, picture):
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAMERA"
    picture(0).save(tmp_path / "a.jpg", exif=exif)
    own = build_session_gallery(retriever, [Upload(tmp_path / "a.jpg", "a.jpg")])
    assert b"SECRETCAMERA" in (tmp_path / "a.jpg").read_bytes()
    assert not [p for p in own.folder.rglob("*") if p.is_file() and b"SECRETCAMERA" in p.read_bytes()]


def test_nothing_is_left_after_an_error_or_a_stop(retriever, tmp_path, private_here, png):
    def stop(done: int, total: int) -> None:
        raise StoppedError("stopped")

    good = upload(tmp_path / "a.png", png)
    for files, report in (([good], stop), ([upload(tmp_path / "b.png", b"no picture")], None), ([], None)):
        with pytest.raises(ValueError, match=r"stopped|none of which can be read|got no files"):
            build_session_gallery(retriever, files, report)
        assert not any(private_here.iterdir())


def test_folders_are_private_and_the_oldest_go_first(private_here):
    folders = PrivateFolders(limit=2)
    made = [folders.create() for _ in range(3)]
    assert [path.exists() for path in made] == [False, True, True]
    assert stat.S_IMODE(made[1].stat().st_mode) == 0o700
    folders.remove(private_here)  # none of its own
    assert private_here.exists()
    old = PrivateFolders(seconds=-1)
    first = old.create()
    old.create()
    assert not first.exists()


def test_what_a_killed_process_left_is_removed_and_nothing_else(private_here):
    gone = 2**22 + 1  # above the highest number of a process
    names = [f"hgan-private-{gone}-abc", f"hgan-private-{os.getppid()}-abc", "hgan-private-x", "other"]
    for name in names:
        (private_here / name).mkdir()
    (private_here / f"hgan-private-{gone}-link").symlink_to(private_here / "other", target_is_directory=True)
    private.remove_stale(private_here)
    assert sorted(p.name for p in private_here.iterdir()) == sorted([*names[1:], f"hgan-private-{gone}-link"])
