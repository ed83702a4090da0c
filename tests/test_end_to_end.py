"""The committed checkpoint and gallery: what a new user meets first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hgan.gallery import verify
from hgan.retriever import ROOT, Retriever

CHECKPOINT, GALLERY = ROOT / "checkpoints" / "hgan-mini", ROOT / "assets" / "galleries" / "toytown"


@pytest.fixture(scope="module")
def retriever() -> Retriever:
    return Retriever.open(str(CHECKPOINT), GALLERY, "cpu")


@pytest.fixture(scope="module")
def scenes() -> dict[str, dict]:
    lines = (ROOT / "assets" / "toytown" / "scenes.jsonl").read_text(encoding="utf-8").splitlines()
    return {scene["id"]: scene for scene in map(json.loads, lines)}


def test_the_committed_gallery_is_as_it_was_built(retriever):
    assert verify(GALLERY) == []
    assert len(retriever.gallery.items) >= 120


def test_the_checkpoint_stands_alone_and_fits():
    assert sum(p.stat().st_size for p in CHECKPOINT.rglob("*") if p.is_file()) <= 75_000_000


def test_the_command_line_needs_no_network_and_no_home(tmp_path: Path):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-m", "hgan", "search", "--text", "a snowman", "-k", "3", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert len(result["hits"]) == 3
    for hit in result["hits"]:
        assert sum(hit["contributions"].values()) == pytest.approx(hit["score"], abs=1e-5)
