"""How the app starts and ends: settings are checked before anything is loaded, and it ends tidily."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import app
from hgan.demo.serving import start
from hgan.demo.serving.start import WarmUp, check_places, ended_by_signals, without_proxy
from hgan.retrieval.retriever import Retriever
from hgan.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


def test_places_that_cannot_be_used_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    check_places(Settings())
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "file"))
    with pytest.raises(
        ValueError, match=r"^got GRADIO_TEMP_DIR=.*cannot be written to \(Not a directory\), but expected"
    ):
        check_places(Settings())
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "new"))
    check_places(Settings())
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"^got TMPDIR=.*No such file or directory"):
        check_places(Settings())


def test_a_full_disk_is_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(start.tempfile, "NamedTemporaryFile", full)
    with pytest.raises(ValueError, match=r"cannot be written to \(No space left on device\).* make room there"):
        check_places(Settings())


def test_an_address_that_is_taken_or_none_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"^got HGAN_PORT={port}, which is in use"):
            check_places(Settings(port=port))
    check_places(Settings(host="127.0.0.1", port=port))
    for host in ("no.such.host.invalid", "x" * 300, "8.8.8.8"):
        with pytest.raises(ValueError, match=r"^got HGAN_HOST="):
            check_places(Settings(host=host, port=port))


def test_nothing_goes_through_a_proxy_and_the_environment_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "lab.example.org")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with without_proxy():
        assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "*"
    assert os.environ["no_proxy"] == "lab.example.org"
    assert "NO_PROXY" not in os.environ


def test_a_bad_setting_is_one_line_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Retriever, "open", lambda: pytest.fail("loaded the model"))
    for name, value in (("HGAN_PORT", "abc"), ("HGAN_UPLOAD_MB", "lots"), ("HGAN_HOST", "no.such.host.invalid")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert app.main() == 2
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1
        assert said[0].startswith(f"hgan: got {name}=")


def test_what_warms_up_has_ended_before_the_start_has() -> None:
    seen: list[int] = []

    def work(report: Any) -> None:
        for n in range(1_000):
            report(n, 1_000)
            seen.append(n)
            time.sleep(0.01)

    warm = WarmUp(work)
    with warm:
        time.sleep(0.05)
    assert not warm._thread.is_alive()
    assert 0 < len(seen) < 900


SCRIPT = """
import sys, app
from hgan.retriever import Retriever
from hgan.uploads.private import FOLDERS
app.Retriever = type("Tiny", (), {"open": staticmethod(lambda: Retriever.open(sys.argv[1], sys.argv[2], "cpu"))})
app.everyday = lambda *_: None
folder = FOLDERS.create()
(folder / "thumbnail.webp").write_text("a face")
sys.exit(app.main())
"""


@pytest.mark.parametrize("proxy", [{"http_proxy": "http://127.0.0.1:9"}, {"ALL_PROXY": "socks5://127.0.0.1:9"}])
def test_the_app_starts_behind_a_proxy_and_ends_tidily(
    proxy: dict[str, str], tiny_checkpoint: Path, tiny_gallery: Path, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= {"TMPDIR": str(tmp_path), "HGAN_PORT": str(port), "HGAN_HOST": "127.0.0.1"} | proxy
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tiny_checkpoint), str(tiny_gallery)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert not list(tmp_path.glob("hgan-private-*"))


def test_an_end_that_a_library_swallows_is_seen_all_the_same() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with ended_by_signals() as ended:
        assert not ended.is_set()
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert ended.is_set()
        signal.raise_signal(signal.SIGTERM)  # what is being removed is removed
        signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_an_app_that_was_told_to_end_does_not_serve(monkeypatch: pytest.MonkeyPatch, tiny_retriever: Retriever) -> None:
    monkeypatch.setattr(app.Retriever, "open", staticmethod(lambda: tiny_retriever))
    monkeypatch.setattr(app, "everyday", lambda *_: None)
    ended = threading.Event()
    ended.set()
    app.serve(Settings(host="127.0.0.1", port=None), ended)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_app_ends_quietly_while_it_is_still_being_loaded(number: int, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        time.sleep(1.0)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, said) == (0, "")
