"""Uploads of one's own: shared with nobody, limited in number, size and age."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file

from hgan.demo.serving.uploading import UPLOADS
from tests.demo.serving.site import META, Site, png, zipped


def test_two_visitors_with_the_same_file_do_not_share_it(site: Site, picture: Any) -> None:
    data = zipped(picture, 1, 2)
    first, second = site.upload("class.zip", data), site.upload("class.zip", data)
    assert first["path"] != second["path"]
    assert site.ask("build_gallery", [[first], None], "pupil1")["success"]
    assert not Path(first["path"]).exists()
    assert site.served(second["path"]) == 200
    assert site.ask("build_gallery", [[second], None], "pupil2")["success"]


def test_an_example_outlives_whoever_builds_from_it(site: Site) -> None:
    cells = [
        cell
        for component in site.config["components"]
        if component["type"] == "dataset"
        for row in component["props"]["samples"]
        for cell in row
        if isinstance(cell, dict) and "path" in cell
    ]
    assert cells
    for cell in cells:
        site.ask("build_gallery", [[{"path": cell["path"], "orig_name": "a.png", "meta": META}], None], "thief")
        assert Path(cell["path"]).is_file()
        assert site.served(cell["path"]) == 200


def test_unused_uploads_have_a_limit_and_the_largest_of_an_address_go_first(site: Site, picture: Any) -> None:
    small = site.upload("small.zip", zipped(picture, 8), "127.0.0.2")
    other = site.upload("other.zip", bytes(30_000_000), "127.0.0.3")
    big = [site.upload(f"{n}.zip", bytes(40_000_000), "127.0.0.2") for n in range(5)]
    there = [Path(file["path"]).exists() for file in big]
    assert there == [False, False, False, True, True]
    assert Path(small["path"]).exists()
    assert Path(other["path"]).exists()
    for file in (*big, other, small):
        UPLOADS.discard(Path(file["path"]))


def test_too_large_or_odd_uploads_are_refused_and_leave_nothing(site: Site) -> None:
    before = {p for p in site.temporary.rglob("*") if p.is_file()}
    with site.http() as http:
        assert http.post("/upload", files={"files": ("a.zip", bytes(102_000_000))}).status_code == 413
        assert http.post("/upload", data={"note": "x" * 1000}, files={"files": ("a", b"x")}).status_code == 400
        assert http.post("/upload", content=b"x", headers={"content-type": "text/plain"}).status_code == 400
        odd = http.post("/upload", files={"files": ("../../../etc/passwd", b"x")})
    assert odd.status_code == 200
    path = Path(odd.json()[0])
    assert path.is_relative_to(site.temporary)
    UPLOADS.discard(path)
    assert {p for p in site.temporary.rglob("*") if p.is_file()} == before


def test_unused_uploads_have_an_age(site: Site) -> None:
    file = site.upload("a.png", b"x")
    UPLOADS.sweep()
    assert Path(file["path"]).exists()
    UPLOADS.sweep(-1)
    assert not Path(file["path"]).exists()


def test_an_upload_serves_pictures_and_builds_by_the_client(site: Site, picture: Any, tmp_path: Path) -> None:
    (tmp_path / "a dog.png").write_bytes(png(picture))
    client = Client(site.url, verbose=False)
    found = client.predict(handle_file(tmp_path / "a dog.png"), 2, api_name="/search_by_picture")
    assert found["query"] == {"image": "a dog.png"}
    report, _ = client.predict([handle_file(tmp_path / "a dog.png")], api_name="/build_gallery")
    assert report["ids"] == ["a dog"]
