"""Where a line belongs: imports run one way, each package knows what is below it alone, and nothing grows too long to be read.

docs/architecture.md draws the packages; ORDER is that drawing as a list.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Lowest first; names on one line may not import each other either, but for files of one package.
ORDER = [
    {"version"},
    {"settings", "labels"},
    {"defaults"},
    {"io"},
    {"config", "words", "function_words"},
    {"types"},
    {"image_processing"},
    {"processing"},
    {"model"},
    {"checkpoint"},
    {"encoding"},
    {"data"},
    {"evaluation"},
    {"training"},
    {"gallery"},
    {"retrieval"},
    {"visualize"},
    {"demo", "cli"},
    {"__init__"},
]
OUTSIDE = {"__main__", "moved"}  # the command's entry, and the old names of modules
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}
# (who, what it may not import, even where ORDER would allow it)
KEPT_APART = [
    ("hgan.types", "hgan.retrieval"),
    ("hgan.visualize", "hgan.model"),
    ("hgan.visualize", "hgan.gallery"),
    ("hgan.demo", "hgan.training"),
    ("hgan.model", "gradio"),
    ("hgan.model", "matplotlib"),
    ("hgan.model", "networkx"),
    ("hgan.retrieval", "gradio"),
    ("app", "hgan.training"),
    ("hgan", "scripts"),
    ("hgan", "benchmarks"),
    ("hgan", "tests"),
    ("scripts", "benchmarks"),
    ("benchmarks", "scripts"),
    ("scripts", "tests"),
    ("benchmarks", "tests"),
]
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 60


def modules(top: str) -> Iterator[tuple[str, Path]]:
    """The modules of a package (a folder of the repository, or a single file) with their dotted names."""
    if (ROOT / f"{top}.py").is_file():
        yield top, ROOT / f"{top}.py"
    for path in sorted((ROOT / top).rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


HGAN = dict(modules("hgan"))


@cache
def imports(name: str, path: Path) -> frozenset[str]:
    """What a file imports anywhere, within functions too, as dotted names; of this repository's packages down to the module."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            members = {f"{base}.{alias.name}" for alias in node.names}
            found |= {member if member in HGAN else base for member in members}
    return frozenset(found)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def part(name: str) -> str:
    """The package, or the single file, of hgan/ that a module belongs to."""
    return name.split(".")[1] if "." in name else "__init__"


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Nodes that lead back to where one began, or none."""
    done: set[str] = set()

    def follow(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for other in sorted(graph.get(node, ())):
            if found := follow(other, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := follow(node, []))), [])


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_every_module_has_its_place_in_the_order() -> None:
    assert {part(name) for name in HGAN} - OUTSIDE == set(LEVEL)


def test_imports_run_one_way() -> None:
    upwards = []
    for name, path in HGAN.items():
        own = part(name)
        for other in imports(name, path):
            known = {own, part(other)} <= set(LEVEL)
            if within(other, "hgan") and known and part(other) != own and LEVEL[part(other)] >= LEVEL[own]:
                upwards.append(f"{name} imports {other}")
    assert not upwards, "\n".join(upwards)


def test_no_circle_of_files_or_folders() -> None:
    files = {name: {other for other in imports(name, path) if other in HGAN} for name, path in HGAN.items()}
    files.pop("hgan")  # the lazy face of the whole package
    assert circle(files) == []
    folders: dict[str, set[str]] = {}
    for name, others in files.items():
        own = HGAN[name].parent.relative_to(ROOT).as_posix()
        places = {HGAN[other].parent.relative_to(ROOT).as_posix() for other in others}
        if own != "hgan":  # the files at the top are held by ORDER, one by one
            folders.setdefault(own, set()).update(places - {own, "hgan"})
    assert circle(folders) == []


@pytest.mark.parametrize(("who", "what"), KEPT_APART, ids=lambda name: name)
def test_what_is_kept_apart(who: str, what: str) -> None:
    top = who.split(".")[0]
    found = [
        f"{name} imports {other}"
        for name, path in modules(top)
        if within(name, who)
        for other in imports(name, path)
        if within(other, what)
    ]
    assert not found, "\n".join(found)


def test_files_and_functions_can_be_read_in_one_go() -> None:
    long = []
    for name, path in HGAN.items():
        text = path.read_text(encoding="utf-8")
        if (lines := len(text.splitlines())) > MOST_LINES:
            long.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{name}.{node.name}: {lines} lines")
    assert not long, "\n".join(long)


def test_the_tests_mirror_the_package() -> None:
    """A folder of tests is named after the folder of what it tests."""
    own = {"browser", "gpu", "__pycache__"}
    for folder in sorted(path for path in (ROOT / "tests").rglob("*") if path.is_dir()):
        place = folder.relative_to(ROOT / "tests")
        if own & set(place.parts):
            continue
        assert (ROOT / "hgan" / place).is_dir() or (ROOT / place).is_dir(), place


def test_the_app_loads_no_training_code() -> None:
    code = "import sys, app, hgan.demo.shell; sys.exit(any(name.startswith('hgan.training') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
