"""The figures in the texts are those of the files that the commands wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hgan.checkpoint import fingerprint, load
from hgan.retrieval.retriever import default_checkpoint
from scripts import figures
from scripts.figures import FOLDER, TEXTS, blocks, fill


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.name)
def test_the_tables_are_those_of_the_measurements(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "<!-- figures: photographs -->" in text
    assert fill(text, blocks()) == text, "run python -m scripts.figures"


def test_the_committed_model_is_the_one_that_was_measured() -> None:
    sha256 = fingerprint(load(default_checkpoint(), "cpu")[0])
    for path in FOLDER.glob("*.json"):
        assert json.loads(path.read_text())["model"]["sha256"] == sha256, f"{path.name} is of another model"


def test_a_block_is_written_anew_and_what_stands_around_it_stays() -> None:
    text = "before\n<!-- figures: tags -->\nold\n<!-- end of figures -->\nafter\n"
    assert fill(text, {"tags": "| new |"}) == text.replace("old", "| new |")
    with pytest.raises(ValueError, match="got figures 'tags', but expected one of groups"):
        fill(text, {"groups": ""})


def test_reports_become_tables() -> None:
    recall = {"r1": 1.0, "r5": 2.04, "r10": 3.06, "medr": 4.0}
    one = {"image_to_text": recall, "text_to_image": recall, "rsum": 12.2}
    table = figures.recalls({**one, "levels": dict.fromkeys(("global", "local", "cross"), one)})
    assert "| **score** | 1.0 | 2.0 | 3.1 | 1.0 | 2.0 | 3.1 | 12.2 |" in table
    assert "| cross alone |" in table
    assert table.endswith("The median rank is 4 (image to text) and 4 (text to image).")
