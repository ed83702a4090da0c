"""What is installed: the core does without the app's packages, lists of requirements agree, data files travel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from hgan import defaults
from hgan.defaults import default_checkpoint, default_gallery

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Not in the core, and not brought by what is in it.
APP_ONLY = ("gradio", "gradio_client", "matplotlib", "fastapi", "starlette", "playwright", "pandas")


def listed(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return sorted(line for line in lines if line and not line.startswith("#"))


def without_itself(names: list[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("hgan["))


def test_a_space_installs_the_core_and_the_app() -> None:
    assert listed("requirements.txt") == sorted(PROJECT["dependencies"] + EXTRAS["app"])


@pytest.mark.parametrize("extra", ["dev", "train"])
def test_an_extra_and_its_file_agree(extra: str) -> None:
    assert listed(f"requirements-{extra}.txt") == without_itself(EXTRAS[extra])


def test_every_requirement_has_a_tested_version() -> None:
    tested = {line.partition("==")[0].lower().replace("_", "-") for line in listed("constraints.txt")}
    names = [*listed("requirements.txt"), *listed("requirements-dev.txt")]
    wanted = {re.split(r"[<>=!~;\s]", name)[0].lower().replace("_", "-") for name in names}
    assert wanted <= tested


def test_every_file_of_the_package_is_put_into_a_wheel() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    data = setup["package-data"]
    for file in (ROOT / "hgan").rglob("*"):
        if file.is_dir() or "__pycache__" in file.parts:
            continue
        packages = [folder for folder in file.parents if (folder / "__init__.py").is_file()]
        if file.suffix == ".py":
            assert packages[:1] == [file.parent], f"{file} is in no package"
        else:
            inside, package = file.relative_to(packages[0]).as_posix(), ".".join(packages[0].relative_to(ROOT).parts)
            assert any(fnmatch(inside, pattern) for pattern in data.get(package, ())), f"{file} would be left out"


def run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    blocked = f"import sys; sys.modules.update(dict.fromkeys({[*APP_ONLY, 'faiss']!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", blocked + code],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True,
    )  # fmt: skip


def test_the_core_searches_from_any_folder_without_the_app(
    tiny_checkpoint: Path, tiny_gallery: Path, tmp_path: Path
) -> None:
    done = run(
        "from hgan import Retriever\n"
        "print(len(Retriever.open(device='cpu').search(text='a red circle', k=3).hits))\n"
        "from hgan.cli.main import main\n"
        "sys.exit(main(['search', '--text', 'a red circle', '-k', '2', '--device', 'cpu']))",
        tmp_path, HGAN_CHECKPOINT=str(tiny_checkpoint), HGAN_GALLERY=str(tiny_gallery),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "3"


def test_importing_the_package_loads_no_gallery_and_no_drawing(tmp_path: Path) -> None:
    done = run(
        "import hgan\n"
        "print([name for name in sys.modules if name.startswith(('hgan.gallery', 'hgan.retrieval', 'hgan.visualize'))])\n"
        "assert hgan.Hit and hgan.SearchResult and 'Retriever' in dir(hgan)\n"
        "hgan.nothing",
        tmp_path,
    )
    assert done.stdout == "[]\n"
    assert "has no attribute 'nothing'" in done.stderr


@pytest.mark.parametrize(
    ("find", "name", "what"),
    [(default_checkpoint, "HGAN_CHECKPOINT", "--checkpoint"), (default_gallery, "HGAN_GALLERY", "--gallery")],
)
def test_the_default_is_the_setting_then_the_repository_then_a_clear_message(
    find, name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert Path(find()).is_relative_to(ROOT)
    monkeypatch.setattr(defaults, "ROOT", tmp_path / "site-packages")
    with pytest.raises(ValueError, match=f"expected one: set {name} or give {what}") as caught:
        find()
    assert str(tmp_path / "site-packages") in str(caught.value)
    monkeypatch.chdir(ROOT)  # a checkout, though the package is installed elsewhere
    assert Path(find()).is_relative_to(ROOT)
    monkeypatch.setenv(name, "owner/name")
    assert find() == "owner/name"
