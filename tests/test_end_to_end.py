"""The committed checkpoint and gallery: what a new user meets first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hgan.gallery.store import verify
from hgan.retrieval.retriever import ROOT, Retriever

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
    assert len(retriever.gallery.items) == 1000
    assert all(item.facts for item in retriever.gallery.items)


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


@pytest.mark.parametrize(
    ("sentence", "place", "kinds"),
    [
        ("a kitchen", "kitchen", set()),
        ("snow is falling", "snow field", set()),
        ("a person flying a kite on the beach", "beach", {"kite", "person"}),
        ("a person riding a bike", None, {"bicycle", "person"}),
        ("a man riding a horse in the snow", "snow field", {"horse", "person"}),
    ],
)
def test_known_sentences_bring_the_right_scenes_into_the_top_5(retriever, scenes, sentence, place, kinds):
    found = [scenes[hit.id] for hit in retriever.search(text=sentence, k=5).hits]
    right = [
        scene
        for scene in found
        if place in (None, scene["place"]) and kinds <= {thing["kind"] for thing in scene["things"]}
    ]
    assert right, f"found {[(scene['id'], scene['place']) for scene in found]}"


def test_a_scene_finds_a_caption_that_is_true_of_it(retriever, scenes):
    """Of the pictures of kitchens, most find a caption that names a kitchen among their ten best."""
    kitchens = [item for item in retriever.gallery.items if scenes[item.id]["place"] == "kitchen"][:20]
    hits = [retriever.search(image=ROOT / "assets" / "toytown" / item.image, k=10).hits for item in kitchens]
    named = [any("kitchen" in (hit.caption or "").lower() for hit in found) for found in hits]
    assert sum(named) > len(named) / 2


def test_every_explanation_adds_up(retriever):
    query = retriever.encode(text="a yellow kite above the beach")
    for item in retriever.gallery.items:
        assert retriever.explain(item.id, query=query).check["sum_error"] <= 1e-5
