"""The running app against visitors who mean harm, or just bring odd things: each gets a plain message, nothing is executed,
nothing of another session is seen, and nothing is left on disk."""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import app
from hgan.demo.uploads import private
from hgan.visualize.own_gallery import upload_page

SENTENCE = "a red circle"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)> ${1+1} {{value}}"


@pytest.fixture
def left(server: tuple[str, Path]) -> Callable[[], set[str]]:
    """Files that have come since the test began."""
    before = files_of(server[1])
    return lambda: files_of(server[1]) - before


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def zip_of(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def raw(url: str, endpoint: str, data: list[Any]) -> str:
    """A request by hand, past what the client would check or upload."""
    inputs = next(d["inputs"] for d in httpx.get(f"{url}config").json()["dependencies"] if d["api_name"] == endpoint)
    call = f"{url}gradio_api/call/{endpoint}"
    answer = httpx.post(call, json={"data": data + [None] * (len(inputs) - len(data))}, timeout=30)
    return httpx.get(f"{call}/{answer.json()['event_id']}", timeout=60).text


def test_pictures_of_every_kind_are_taken_or_named(client: Client, picture: Any, tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    plain = picture(0)
    good = {
        "deep.png": encoded(Image.new("I;16", (40, 30), 40_000)),
        "cmyk.jpg": encoded(plain.convert("CMYK"), "JPEG"),
        "palette.gif": encoded(plain.quantize(8), "GIF"),
        "alpha.webp": encoded(plain.convert("RGBA"), "WEBP"),
        "moving.gif": encoded(plain, "GIF", save_all=True, append_images=[picture(1)]),
        "turned.jpg": encoded(plain, "JPEG", exif=turned),
        "dot.png": encoded(Image.new("RGB", (1, 1))),
        "wide.png": encoded(Image.new("L", (20_000, 2))),
        "list.tiff": encoded(plain, "TIFF"),
    }
    bad = {
        "half.jpg": encoded(plain, "JPEG")[:400],
        "huge.png": encoded(Image.new("1", (20_000, 20_000))),
        "text.png": b"no picture",
        "page.jpg": b"<html><script>alert(1)</script>",
    }
    report, _ = client.predict([handle_file(zip_of(tmp_path / "a.zip", good | bad))], api_name="/build_gallery")
    assert sorted(report["ids"]) == sorted(Path(name).stem for name in good)
    reasons = {entry["name"]: entry["reason"] for entry in report["skipped"]}
    assert sorted(reasons) == sorted(bad)
    assert (
        "400,000,000" in reasons["huge.png"]
        or "too many pixels" in reasons["huge.png"]
        or "20000" in reasons["huge.png"]
    )
    assert all("but expected" in reason for reason in reasons.values())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "got no files"),
        ({"a.png": b"no picture"}, "none of which can be read"),
        ({"a.zip": b"PK but no zip"}, "cannot be opened as a zip"),
        ({"a.png": None, "c.csv": b"file,words\na.png,x\n"}, "columns image and caption"),
        ({"a.png": None, "c.csv": "image,caption\na.png,é\n".encode("latin-1")}, "Latin-1"),
        ({"a.png": None, "c.jsonl": b'{"image": "a.png"'}, "c.jsonl line 1: got a damaged line"),
        ({"a.exe": b"MZ"}, "neither a picture nor captions"),
    ],
)
def test_an_upload_that_fails_says_why_and_leaves_nothing(
    client: Client, left: Any, picture: Any, tmp_path: Path, files: dict[str, bytes | None], message: str
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(encoded(picture(0)) if data is None else data)
    with pytest.raises(AppError, match=message):
        client.predict([handle_file(tmp_path / name) for name in files], api_name="/build_gallery")
    assert not left()


def test_an_upload_that_works_leaves_the_gallery_alone(server: Any, left: Any, picture: Any, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture(0)))
    Client(server[0], verbose=False).predict([handle_file(tmp_path / "a.png")], api_name="/build_gallery")
    assert all("my-gallery" in name for name in left())
    assert not [name for name in left() if name.endswith(".png")]
    assert len([name for name in left() if name.endswith(".zip")]) == 1  # no second copy of the download
    private.FOLDERS.remove_all()
    assert not left()


def test_only_uploaded_files_are_taken(server: Any, tiny_dataset: Path, left: Any) -> None:
    own = tiny_dataset / "images" / "00_red_circle.png"
    meta = {"_type": "gradio.FileData"}
    inline = "data:image/png;base64," + base64.b64encode(own.read_bytes()).decode()
    for payload in (
        {"path": str(own)},
        {"path": str(own), "meta": meta},
        {"path": str(own), "meta": meta, "is_stream": True},
        {"path": str(own), "orig_name": "a.png", "url": f"{server[0]}gradio_api/file={own}", "meta": meta},
        {"path": "/etc/passwd", "orig_name": "a.png", "meta": meta},
        {"path": "", "url": inline, "meta": meta},
        {"path": inline, "meta": meta},
        {"url": inline},
    ):
        answer = raw(server[0], "build_gallery", [[payload]])
        assert answer.startswith("event: error"), payload
        assert "uploaded" in answer, answer
    assert not left()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_the_server_fetches_no_address_for_a_visitor(server: Any, left: Any, host: str) -> None:
    asked: list[str] = []

    class Trap(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(encoded(Image.new("RGB", (8, 8))))

        def log_message(self, *_: Any) -> None:
            pass

    trap = HTTPServer(("127.0.0.1", 0), Trap)
    threading.Thread(target=trap.serve_forever, daemon=True).start()
    address = f"http://{host}:{trap.server_port}/secret.png"
    try:
        for payload in ({"path": address}, {"path": address, "url": address}, {"path": "a.png", "url": address}):
            marked = {**payload, "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
            for endpoint, data in (("build_gallery", [[marked]]), ("search_by_picture", [marked, 3])):
                assert raw(server[0], endpoint, data).startswith("event: error"), (endpoint, payload)
    finally:
        trap.shutdown()
    assert asked == []
    assert not left()


@pytest.mark.parametrize(
    ("endpoint", "data"),
    [
        ("build_gallery", ["a.png"]),
        ("build_gallery", [7]),
        ("build_gallery", [[None]]),
        ("build_gallery", [{"a": 1}]),
        ("build_gallery", [[["a"]]]),
        ("build_gallery", []),
        ("search", [7, "many"]),
        ("search", [None, 3]),
        ("search", [SENTENCE, 10**9]),
        ("search", [[SENTENCE], -1]),
        ("search", [SENTENCE, {"k": 3}]),
        ("search_by_picture", ["x.png", 3]),
        ("search_by_picture", [[], 3]),
        ("explain", [7, SENTENCE, None]),
        ("explain", [None, None, None]),
        ("explain", [{"id": 1}, SENTENCE, "x"]),
    ],
)
def test_wrong_types_are_refused_without_a_traceback(server: Any, endpoint: str, data: list[Any]) -> None:
    answer = raw(server[0], endpoint, data)
    assert answer.startswith("event: error"), answer[:300]
    assert "Traceback" not in answer
    assert 'File "' not in answer


def test_script_in_names_and_captions_stays_text(server: Any, picture: Any, tmp_path: Path) -> None:
    name = f"{SCRIPT.replace('/', '_')}.png"
    lines = json.dumps({"image": name, "captions": [SCRIPT]}).encode()
    archive = zip_of(tmp_path / "a.zip", {name: encoded(picture(0)), "c.jsonl": lines, f"{SCRIPT[:40]}.exe": b"x"})
    report, _ = Client(server[0], verbose=False).predict([handle_file(archive)], api_name="/build_gallery")
    assert report["ids"] == [name.removesuffix(".png").replace("#", "_")]
    page = upload_page(report, [])
    for code in ("<script", "<img", "${", "{{"):
        assert code not in page
    assert "&lt;script&gt;" in page


def test_a_gallery_is_seen_by_its_own_session_alone(server: Any, picture: Any, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(encoded(picture(3)))
    mine, other = (Client(server[0], verbose=False) for _ in range(2))
    mine.predict([handle_file(tmp_path / "secret.png")], api_name="/build_gallery")
    for client in (mine, other):  # programs name no gallery: the endpoints search the default one, for everyone
        assert "secret" not in str(client.predict(SENTENCE, 50, api_name="/search"))
    with pytest.raises(AppError, match="not in gallery"):
        other.predict("secret", SENTENCE, None, api_name="/explain")


def test_the_servers_files_are_not_served(server: Any) -> None:
    folder = private.FOLDERS.create()
    (folder / "secret.txt").write_text("secret")
    for path in (folder / "secret.txt", "/etc/passwd", Path(app.__file__), folder / ".." / folder.name / "secret.txt"):
        assert httpx.get(f"{server[0]}gradio_api/file={path}").status_code in (403, 404), path
    private.FOLDERS.remove(folder)
