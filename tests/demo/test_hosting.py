"""What a host relies on: the README's front matter, the list of settings, the health endpoint, galleries by hub id."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
import yaml
from PIL import Image

from hgan.demo.pages import my_gallery
from hgan.demo.parts.context import Context
from hgan.demo.serving.health import app_kwargs
from hgan.demo.uploads import private
from hgan.demo.uploads.files import Upload
from hgan.gallery import hub
from hgan.gallery.hub import gallery_folder
from hgan.retrieval.retriever import Retriever

ROOT = Path(__file__).resolve().parents[2]


def test_the_repository_is_a_space_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(readme.split("---")[1])
    constraints = (ROOT / "constraints.txt").read_text()
    assert front["sdk"] == "gradio"
    assert f"gradio=={front['sdk_version']}\n" in constraints
    assert tuple(map(int, front["python_version"].split("."))) >= (3, 11)
    assert (ROOT / front["app_file"]).is_file()
    assert {front["colorFrom"], front["colorTo"]} <= {
        "red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray",
    }  # fmt: skip
    assert len(front["short_description"]) <= 60


def test_every_setting_that_is_read_is_listed_and_no_other() -> None:
    code = [ROOT / "app.py", *sorted((ROOT / "hgan").rglob("*.py"))]
    read = set(re.findall(r'"(HGAN_[A-Z_]+)"', "".join(path.read_text(encoding="utf-8") for path in code)))
    listed = re.findall(r"^\| `(HGAN_[A-Z_]+)`", (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8"), re.M)
    assert sorted(read) == sorted(listed)


def test_health_says_what_runs(retriever: Retriever) -> None:
    with gr.Blocks() as demo:
        gr.Markdown("x")
    _, url, _ = demo.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, app_kwargs=app_kwargs(retriever)
    )
    answer = httpx.get(f"{url}health")
    demo.close()
    assert answer.status_code == 200
    assert answer.json() | {"ok": True, "gallery": "shapes", "pictures": 12, "captions": 24} == answer.json()
    assert answer.json()["model_sha256"] == retriever.gallery.manifest["model"]["sha256"]


def test_a_gallery_of_the_hub_is_fetched_without_code_and_checked(
    gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, asked = tmp_path / "copy", []
    shutil.copytree(gallery, copy)

    def download(repository: str, **options: Any) -> str:
        asked.append((repository, options["repo_type"], options["revision"]))
        assert not any(pattern.endswith((".py", ".pkl", "*")) for pattern in options["allow_patterns"])
        return str(copy)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert gallery_folder("someone/toys@v1") == copy
    assert asked == [("someone/toys", "dataset", "v1")]
    (copy / "items.jsonl").write_text("{}")
    with pytest.raises(ValueError, match=r"got gallery someone/toys from the hub, which is damaged \(items\.jsonl"):
        gallery_folder("someone/toys")


@pytest.mark.parametrize("name", ["/a/folder", "folder", "../up", "a/b/c", "C:/x", "~/x"])
def test_what_is_no_hub_id_is_a_folder(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: pytest.fail("asked the hub"))
    assert gallery_folder(name) == Path(name)


def test_a_folder_goes_before_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "galleries" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert gallery_folder("galleries/mine") == Path("galleries/mine")


def test_a_hub_that_cannot_be_reached_is_a_plain_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise ConnectionError("no network\nat all")

    monkeypatch.setattr(hub, "snapshot_download", fail)
    with pytest.raises(
        ValueError, match=r"got gallery a/b, .* could not be downloaded from the hub \(no network\), but expected"
    ):
        gallery_folder("a/b")


def test_a_build_can_be_stopped_and_leaves_nothing(
    retriever: Retriever, picture: Callable[..., Image.Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers, request = my_gallery.Handlers(Context(retriever)), SimpleNamespace(session_hash="mine")
    folder = tmp_path / "up"
    folder.mkdir()
    picture(0).save(folder / "a.png")
    monkeypatch.setattr(gr, "Info", lambda *_: None)
    made = set(private.FOLDERS._made)

    def encode(records: Any, out: Path, report: Callable[[int, int], None]) -> None:
        handlers.stop(SimpleNamespace(session_hash="other"))
        report(1, 2)
        handlers.stop(request)
        report(2, 2)
        pytest.fail("went on")

    handlers.encode = encode
    with pytest.raises(gr.Error, match="stopped: nothing was kept"):
        handlers.build([Upload(folder / "a.png", "a.png")], None, request, lambda *_, **__: None)
    assert set(private.FOLDERS._made) == made
    assert not folder.exists()  # the upload itself is gone too
    assert handlers.stops == {}
