"""What a host sets: read and checked in one place, named in the error, and the start ends in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hgan import settings as settings_module
from hgan.gallery import captions
from hgan.retrieval.retriever import Retriever, default_checkpoint, default_gallery
from hgan.settings import NUMBERS, TEXTS, Settings, cache_folder, setting, warn_of_unknown

ROOT = Path(__file__).resolve().parent.parent


def test_nothing_set_and_everything_empty_are_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment(dict.fromkeys([*TEXTS, *NUMBERS], "")) == Settings()


@pytest.mark.parametrize("name", list(NUMBERS))
@pytest.mark.parametrize(
    "value",
    ["abc", " 7", "7 ", "7.0", "1e3", "-1", "+7", "²", "٧", "７", "0x10", "1_000", "9" * 400, "7\0", "7\n", "nan"],
)
def test_a_number_that_is_none_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(
        ValueError, match=f"^got {name}=.*, but expected .* whole number from .* leave it out"
    ) as caught:
        Settings.from_environment({name: value})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("value", "good"), [("0", False), ("1", True), ("65535", True), ("65536", False), ("99999", False)]
)
def test_ports_have_bounds(value: str, good: bool) -> None:
    if good:
        assert Settings.from_environment({"HGAN_PORT": value}).port == int(value)
    else:
        with pytest.raises(ValueError, match="HGAN_PORT"):
            Settings.from_environment({"HGAN_PORT": value})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [" ", " a", "a\n", "a\0b", "\x1b[31m", "a" * 5_000, "\udcff"])
def test_a_name_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^got {name}=.*, but expected a plain name") as caught:
        setting(name, {name: value})
    assert str(caught.value).isprintable()


def test_a_name_that_is_no_setting_is_said_once_with_the_likely_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings_module, "_said", set())
    for _ in range(2):
        warn_of_unknown({"HGAN_UPLOAD_MEGABYTES": "3", "HGAN_ZZZ\n": "", "HGAN_PORT": "1", "HOME": ""})
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "hgan: HGAN_UPLOAD_MEGABYTES is no setting and does nothing; did you mean HGAN_UPLOAD_MB?"
    assert len(said) == 2


def test_model_and_gallery_are_named_by_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HGAN_CHECKPOINT", "")
    monkeypatch.setenv("HGAN_GALLERY", "somewhere")
    assert default_checkpoint() == str(ROOT / "checkpoints" / "hgan-mini")
    assert default_gallery() == "somewhere"


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"HGAN_CACHE": "/a"}, "/a"),
        ({"HGAN_CACHE": "", "XDG_CACHE_HOME": "/b"}, "/b/hgan"),
        ({"HGAN_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/hgan"),
        ({"HGAN_CACHE": "", "XDG_CACHE_HOME": "relative", "HOME": "/c"}, "/c/.cache/hgan"),
    ],
)
def test_the_cache_folder(environment: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(folder)


def lean_captions(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(retriever.gallery, "captions", None)
    return len(captions.caption_graphs(retriever.gallery, retriever.encoder))


@pytest.mark.parametrize("kind", ["file", "below a file", "no home"])
def test_without_a_cache_it_goes_on_and_says_so_once(
    kind: str,
    tiny_retriever: Retriever,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(settings_module, "_said", set())
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("HGAN_CACHE", {"file": f"{tmp_path}/file", "below a file": f"{tmp_path}/file/x"}.get(kind, ""))
    if kind == "no home":
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

        def homeless() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", homeless)
    for _ in range(2):
        assert lean_captions(tiny_retriever, monkeypatch) == 24
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hgan:")]
    assert len(said) == 1
    assert "encoded at each start" in said[0]
    assert (tmp_path / "file").read_text() == "mine"
