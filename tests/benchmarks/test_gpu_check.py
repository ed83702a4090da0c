"""The check of a GPU itself: it says so where there is none, and it finds differences where there are some."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch

from benchmarks.gpu_check import __main__ as command
from benchmarks.gpu_check.answers import CHECKS, Pair
from benchmarks.gpu_check.differences import Differences, order_kept
from hgan.data.folder import read_dataset
from hgan.gallery.store import Gallery
from hgan.retrieval.retriever import Retriever


def test_differences_are_found_wherever_they_are() -> None:
    one = {"a": [1.0, 2.0], "b": {"c": 3, "d": "x"}, "timing_ms": {"e": 1.0}}
    assert Differences().add(one, copy.deepcopy(one)).within(0)
    for change, largest, others in (
        ({"a": [1.0, 2.5]}, 0.5, 0), ({"a": [1.0]}, 0, 1), ({"b": {"c": 4, "d": "y"}}, 0, 2), ({"b": {}}, 0, 1),
        ({"a": [1.0, float("nan")]}, float("inf"), 0), ({"timing_ms": {"e": 9.0}}, 0, 0),
    ):  # fmt: skip
        found = Differences().add(one, one | change)
        assert (found.largest, len(found.others)) == (largest, others), change
    assert not Differences().add({}, {}).within(1)  # nothing was compared


def test_only_near_ties_may_change_places() -> None:
    scores = {"a": 0.9, "b": 0.5, "c": 0.499, "d": 0.1}
    assert order_kept(scores, ["a", "c", "b"], 0.01)
    assert not order_kept(scores, ["b", "a"], 0.01)
    assert not order_kept(scores, ["a", "b", "d"], 0.01)


@pytest.fixture
def pair(tiny_retriever: Retriever, tiny_dataset: Path) -> Pair:
    records = read_dataset(tiny_dataset)
    return Pair(tiny_retriever, tiny_retriever, records, ["a red circle"], [records[0].path])


@pytest.mark.parametrize("name", CHECKS)
def test_two_like_devices_pass_and_two_unlike_ones_fail(name: str, pair: Pair, tiny_gallery: Path) -> None:
    passed, report = CHECKS[name](pair)
    assert passed, report
    model = copy.deepcopy(pair.cpu.model)
    other = Retriever(model, pair.cpu.processor, Gallery(tiny_gallery))
    with torch.no_grad():  # after it was opened: a GPU that computes something else
        model.text_nodes.whole.weight.mul_(-1)
        model.region_weight.weight.mul_(-3)
    assert not CHECKS[name](Pair(pair.cpu, other, pair.records, pair.texts, pair.pictures))[0]


def test_a_part_that_fails_hides_no_other(tmp_path: Path, tiny_checkpoint: Path, tiny_gallery: Path, tiny_dataset: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def broken(pair: Pair) -> tuple[bool, dict]:
        raise RuntimeError("expected all tensors to be on the same device")

    monkeypatch.setitem(CHECKS, "search", broken)
    options = command.read_options([
        "--checkpoint", str(tiny_checkpoint), "--gallery", str(tiny_gallery), "--data", str(tiny_dataset), "--split", "dev",
        "--only", "search", "--only", "evaluate", "--out", str(tmp_path / "figures" / "gpu.json"),
    ])  # fmt: skip
    assert command.run(options, "cpu") == 1
    report = json.loads((tmp_path / "figures" / "gpu.json").read_text(encoding="utf-8"))
    assert "same device" in report["parts"]["search"]["error"][-1]
    assert report["parts"]["evaluate"]["passed"]
    assert not report["passed"]


def test_without_cuda_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert command.main([]) == 3
    assert "no CUDA" in capsys.readouterr().err
