"""One app with small limits, for all tests of what serves it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest

import app
from hgan.demo.serving.uploading import UPLOADS
from hgan.demo.shell import build_demo
from hgan.demo.uploads import private
from hgan.demo.uploads.galleries import GALLERIES
from hgan.retrieval.retriever import Retriever
from hgan.settings import Settings
from tests.demo.serving.site import FEW, Site


@pytest.fixture(scope="package")
def running_site(retriever: Retriever, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    temporary = tmp_path_factory.mktemp("tmp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setenv("GRADIO_TEMP_DIR", str(temporary / "gradio"))
        demo = build_demo(retriever, FEW)
        options = app.launch_options(FEW) | {"server_name": "127.0.0.1", "server_port": None}
        _, url, _ = demo.launch(**options, prevent_thread_lock=True, quiet=True)
        yield Site(url, demo, temporary)
        demo.close()
        private.FOLDERS.remove_all()


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """With its own limits: uploads and galleries have those of the app that was prepared last."""
    for kept in (UPLOADS, GALLERIES):
        kept.limit(FEW)
    yield running_site
    for kept in (UPLOADS, GALLERIES):
        kept.limit(Settings())
