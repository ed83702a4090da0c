"""The figures in the texts are those of the files that the commands wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hgan.checkpoint import fingerprint, load
from hgan.retrieval.retriever import default_checkpoint
from scripts import figures
from scripts.figures import FOLDER, TEXTS, blocks, fill


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_tables_are_those_of_the_measurements(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "<!-- figures: " in text
    assert fill(text, blocks()) == text, "run python -m scripts.figures"


def test_the_committed_model_is_the_one_that_was_measured() -> None:
    sha256 = fingerprint(load(default_checkpoint(), "cpu")[0])
    for path in FOLDER.glob("*.json"):
        told = json.loads(path.read_text())
        own = told["checkpoint_sha256"] if path.stem == "gpu" else told["model"]["sha256"]
        assert own == sha256, f"{path.name} is of another model"


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


def test_every_table_stands_in_a_text() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in TEXTS)
    assert [name for name in blocks() if f"<!-- figures: {name} -->" not in texts] == []


def test_statuses_of_attacks_are_told_in_words() -> None:
    one = {
        "attack": "full_queue",
        "outcome": "189 x 429, 11 x 200",
        "peak_mb": 963.1,
        "second_s": 0.5,
        "classmate_s": 1.0,
    }
    row = figures.abuse({"attacks": [one]}).splitlines()[-1]
    assert "| 189 refused: wait your turn, 11 let in | 963 MB | 0.50 s | 1.00 s |" in row
    assert "x 4" not in figures.abuse(json.loads((FOLDER / "abuse.json").read_text()))


def test_figures_of_a_gpu_are_told_when_there_are_any() -> None:
    assert figures.gpu(None) == "No figures of a GPU for this checkpoint yet."
    parts = {
        "search": {"passed": True},
        "speed_bfloat16": {"passed": False, "pictures_per_s": 1234.5, "sentences_per_s": 9.0},
    }
    told = figures.gpu({"machine": {"device": "GPU", "torch": "2"}, "seed": 0, "pictures": 4, "parts": parts})
    assert told.startswith("GPU, torch 2, seed 0, 4 pictures.")
    assert "| search | passed |  |  |" in told
    assert "| speed bfloat16 | failed | 1,234 | 9 |" in told


def test_the_table_of_an_ablation_gives_mean_and_spread_over_seeds_of_one_budget() -> None:
    def line(variant: str, seed: int, rsum: float, epochs: int = 2) -> dict:
        return {"variant": variant, "seed": seed, "budget": {"epochs": epochs}, "dev": {"photos": {"rsum": rsum}}}

    lines = [line("no edges", 9, 1.0, epochs=1), line("full model", 0, 300.0), line("full model", 1, 302.0)]
    table = figures.ablation([*lines, line("no edges", 0, 290.0)])
    assert "| full model | 2 | 301.0 ± 1.4 |" in table
    assert "| no edges | 1 | 290.0 |" in table
