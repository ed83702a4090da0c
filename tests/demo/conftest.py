"""One running app over the tiny model, for all tests of the demo.

gallery     folder of a gallery of the tiny dataset, of the tiny checkpoint as it is loaded
retriever   a Retriever of both
server      the address of the running app, and the folder that it and gradio put their temporary files in
client      a program that asks it
red_circle  path of a picture of the tiny dataset
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client

import app
from hgan.checkpoint import load
from hgan.data.folder import read_dataset
from hgan.demo.shell import build_demo
from hgan.demo.uploads import private
from hgan.gallery.build import build_gallery
from hgan.retrieval.retriever import Retriever


@pytest.fixture(scope="session")
def gallery(tiny_checkpoint: Path, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "shapes"
    build_gallery(*load(str(tiny_checkpoint), "cpu"), read_dataset(tiny_dataset), folder, "tiny")
    return folder


@pytest.fixture(scope="session")
def retriever(tiny_checkpoint: Path, gallery: Path) -> Retriever:
    return Retriever.open(str(tiny_checkpoint), gallery, "cpu")


@pytest.fixture(scope="session")
def server(retriever: Retriever, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    temporary = tmp_path_factory.mktemp("tmp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setenv("GRADIO_TEMP_DIR", str(temporary / "gradio"))
        demo = build_demo(retriever)
        options = app.launch_options() | {"server_name": "127.0.0.1", "server_port": None}
        _, url, _ = demo.launch(**options, prevent_thread_lock=True, quiet=True)
        yield url, temporary
        demo.close()
        private.FOLDERS.remove_all()


@pytest.fixture(scope="session")
def client(server: tuple[str, Path]) -> Client:
    return Client(server[0], verbose=False)


@pytest.fixture(scope="session")
def red_circle(tiny_dataset: Path) -> Path:
    return tiny_dataset / "images" / "00_red_circle.png"
