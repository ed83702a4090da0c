"""The demo over a tiny model, seen through a real Chromium.

retriever   of the tiny checkpoint and gallery, with the model card that is committed
site        address of the running demo
visit       function(width=1280, theme="light") -> Visit: a visitor with a browser context of his own

After each test every visitor is asked: no request left the machine, no script failed, nothing was written to the console as an
error, and no dialog opened (`driving.Visit.check`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import app
from hgan.checkpoint import load
from hgan.data.folder import read_dataset
from hgan.demo.shell import build_demo
from hgan.gallery.build import build_gallery
from hgan.retrieval.retriever import Retriever, default_checkpoint
from tests.browser.driving import Visit


@pytest.fixture(scope="session")
def retriever(tiny_checkpoint: Path, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    folder = tmp_path_factory.mktemp("browser")
    checkpoint, gallery = folder / "tiny", folder / "shapes"
    shutil.copytree(tiny_checkpoint, checkpoint)
    for name in ("README.md", "metrics.jsonl"):
        shutil.copy(Path(default_checkpoint()) / name, checkpoint / name)
    build_gallery(*load(str(checkpoint), "cpu"), read_dataset(tiny_dataset), gallery, "tiny")
    return Retriever.open(str(checkpoint), gallery, "cpu")


@pytest.fixture(scope="session")
def site(retriever: Retriever) -> Iterator[str]:
    demo = build_demo(retriever)
    options = app.launch_options() | {"server_name": "127.0.0.1", "server_port": None}
    _, url, _ = demo.launch(**options, prevent_thread_lock=True, quiet=True)
    yield url
    demo.close()


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def arrive(width: int = 1280, theme: str = "light") -> Visit:
        visits.append(Visit(browser, site, width, theme))
        return visits[-1]

    yield arrive
    for visitor in visits:
        visitor.close()
    for visitor in visits:
        visitor.check()
