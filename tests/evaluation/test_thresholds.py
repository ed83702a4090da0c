"""Thresholds chosen on dev sets, on cases counted by hand, and the command that writes them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hgan.checkpoint import load
from hgan.cli.main import main
from hgan.evaluation.thresholds import AGREE, LEAST, PER_BOX, RIGHT, Found, choose


def found(
    scores: list[float], certainty: list[float], meets: list[int], right: list[int], boxes: int, exact=True
) -> Found:
    return Found(
        torch.tensor(scores),
        torch.tensor(certainty),
        torch.tensor(meets).bool(),
        torch.tensor(right).bool(),
        boxes,
        exact,
    )


def test_a_set_keeps_so_many_detections_as_it_is_allowed_and_no_more():
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    one = found(scores, scores, [1] * 8, [1] * 8, boxes=5)  # 1.4 x 5 = 7 of them
    chosen = choose([one])
    assert 0.2 < chosen.score < 0.3
    assert sum(score >= chosen.score for score in scores) == int(PER_BOX * 5)
    assert choose([one, found(scores, scores, [1] * 8, [1] * 8, boxes=1)]).score > 0.8  # the set that has most


def test_labels_are_shown_down_to_the_last_at_which_enough_are_right():
    certainty = [0.9, 0.8, 0.7, 0.6]
    chosen = choose([found([0.9] * 4, certainty, [1] * 4, [1, 1, 1, 0], boxes=4)])
    assert 0.6 < chosen.label < 0.7
    assert choose([found([0.9] * 4, certainty, [1] * 4, [1] * 4, boxes=4)]).label == LEAST
    assert 0.9 < choose([found([0.9] * 4, certainty, [1] * 4, [0] * 4, boxes=4)]).label < 1


def test_a_label_on_nothing_is_wrong_only_where_all_things_are_known():
    values = dict(scores=[0.9] * 3, certainty=[0.9, 0.8, 0.7], meets=[1, 0, 1], right=[1, 0, 1], boxes=3)
    assert choose([found(**values, exact=False)]).label == LEAST
    assert 0.8 < choose([found(**values, exact=True)]).label < 0.9


@given(seed=st.integers(0, 300), exact=st.booleans())
def test_what_is_chosen_keeps_to_what_is_asked(seed, exact):
    generator = torch.Generator().manual_seed(seed)
    scores, certainty = torch.rand(2, 40, generator=generator)
    meets = torch.rand(40, generator=generator) < 0.8
    one = Found(scores, certainty, meets, meets & (torch.rand(40, generator=generator) < certainty + 0.3), 20, exact)
    chosen = choose([one])
    kept = scores >= chosen.score
    assert kept.sum() <= PER_BOX * one.boxes
    shown = kept & (certainty >= chosen.label) & (meets | exact)
    assert not shown.any() or one.right[shown].float().mean() >= (RIGHT if exact else AGREE)


def test_a_dev_set_without_known_boxes_is_refused():
    with pytest.raises(ValueError, match="got a dev set without known boxes"):
        choose([found([], [], [], [], boxes=0)])


def test_the_command_writes_a_checkpoint_with_what_it_says(capsys, tiny_checkpoint, tiny_dataset, tmp_path):
    out = tmp_path / "clean"
    assert main(["thresholds", "--checkpoint", str(tiny_checkpoint), "--dataset", str(tiny_dataset), "--split", "train",
                 "--out", str(out)]) == 0  # fmt: skip
    model, _ = load(out, "cpu")
    said = capsys.readouterr().out
    assert (
        f"score_threshold {model.config.score_threshold:.3f}, label_threshold {model.config.label_threshold:.3f}"
        in said
    )
    assert model.regions.selection.score == model.config.score_threshold > 0
    assert model.regions.selection.label == model.config.label_threshold > 0
    before = load(tiny_checkpoint, "cpu")[0].state_dict()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
