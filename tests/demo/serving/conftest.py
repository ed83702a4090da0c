"""One app with small limits, for all tests of what serves it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest

import app
from hgan.demo.shell import build_demo
from hgan.demo.uploads import private
from hgan.retrieval.retriever import Retriever
from tests.demo.serving.site import FEW, Site


@pytest.fixture(scope="package")
def site(retriever: Retriever, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
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
        app.launch_options()  # the limits of other tests
