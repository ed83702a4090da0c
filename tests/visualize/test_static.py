"""Scripts and styles of the pages: files that pass the linter and are all used; none are left in Python strings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

from hgan.io.static import call_static, read_static
from hgan.visualize.document import document
from hgan.visualize.style import CSS, SHEETS

ROOT = Path(__file__).parents[2]
STATIC = sorted(path for path in ROOT.glob("hgan/**/static/*") if path.is_file())
PYTHON = [ROOT / "app.py", *sorted(ROOT.glob("hgan/**/*.py"))]
# what stands in a script (a function, a listener, a look-up) and in a style sheet (a rule)
SCRIPT = re.compile(r"\)\s*=>\s*[{(]|addEventListener|querySelector|window\.\w+\s*=|\bfunction\s*\w*\(\w*\)\s*\{")
RULE = re.compile(r"(?m)^\s*[.#@]?[\w-][^{}\n\"']*\s\{+\s*[a-z-]+:\s[^{}]*;\s*\}")


def test_the_linter_has_nothing_to_say() -> None:
    biome = shutil.which("biome", path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}")
    assert biome, "biome is missing: pip install -r requirements-dev.txt"
    done = subprocess.run(
        [biome, "ci", "--error-on-warnings", "--colors=off", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Checked {len(STATIC) + 1} files" in done.stdout, "all of them, and biome.jsonc itself"


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.name)
def test_every_file_is_read_once_and_shipped(path: Path) -> None:
    code = "".join(file.read_text() for file in PYTHON)
    assert f'"{path.name}"' in code or f"'{path.name}'" in code
    package = ".".join(path.relative_to(ROOT).parts[:-2])
    assert read_static(package, path.name) == path.read_text()
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert any(path.match(pattern) for pattern in shipped[package])
    assert [other.name for other in STATIC].count(path.name) == 1


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_script_or_style_stands_in_a_python_string(path: Path) -> None:
    text = path.read_text()
    assert not SCRIPT.search(text)
    assert not RULE.search(text)


@pytest.mark.parametrize(
    "text", ["js='(link) => { go(); }'", "element.addEventListener('click', f);", "  .hg-chip { color: red; }"]
)
def test_a_script_or_style_in_a_string_would_be_found(text: str) -> None:
    assert SCRIPT.search(text) or RULE.search(text)


def test_a_call_hands_its_values_over_as_javascript() -> None:
    call = call_static("hgan.demo", "show_address.js", "what-if")
    assert call.startswith("(")
    assert call.endswith('})("what-if")')
    assert call_static("hgan.demo", "show_address.js", None).endswith("(null)")


def test_a_saved_page_carries_style_and_script() -> None:
    page = document("t", "<p>body</p>")
    assert all(read_static("hgan.visualize", name) in CSS for name in SHEETS)
    assert CSS in page
    assert read_static("hgan.visualize", "linked.js") in page
