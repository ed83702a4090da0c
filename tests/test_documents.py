"""The documents: short where they promise it, and what they point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "checkpoints" / "hgan-mini" / "README.md"]


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("---", 2)[2]  # without the block of a Space
    assert len(text.split()) <= 1200


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        if not to.exists() or (anchor and anchor not in anchors(to)):
            wrong.append(target)
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_that_is_named_is_there(page: Path) -> None:
    """CHANGELOG tells of what was, too."""
    text = page.read_text(encoding="utf-8") if page.name != "CHANGELOG.md" else ""
    modules = {f"{name.replace('.', '/')}" for name in re.findall(r"python -m ((?:benchmarks|scripts)[.\w]*)", text)}
    files = set(re.findall(r"`((?:hgan|tests|scripts|benchmarks|configs)/[\w/]+\.(?:py|jsonl?|toml))`", text))
    gone = [
        name for name in modules if not (ROOT / f"{name}.py").is_file() and not (ROOT / name / "__main__.py").is_file()
    ]
    assert not gone + [name for name in files if not (ROOT / name).exists()]


def test_sections_that_are_cited_are_there() -> None:
    sections = set(re.findall(r"^## (\d+)\.", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), re.M))
    for folder in ("hgan", "benchmarks", "scripts", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            cited = set(re.findall(r"\bsection (\d+)", path.read_text(encoding="utf-8")))
            assert cited <= sections, path
