from __future__ import annotations

import copy

import pytest
import torch

from hgan.checkpoint import load, save_checkpoint
from hgan.cli.main import main
from hgan.evaluation.evaluate import Scored
from hgan.evaluation.level_weights import set_level_weights, weigh
from hgan.types import LEVELS, Similarity


def scored(**levels: list[list[float]]) -> Scored:
    tables = {name: torch.tensor(levels[name + "_"]) for name in LEVELS}
    return Scored(Similarity(tables["global"], tables, {}), torch.arange(len(tables["global"])), None)


RIGHT, WRONG = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.6], [0.6, 0.0]]


def test_the_level_that_ranks_right_gets_enough_weight_to_outvote_the_others_and_no_more():
    found = weigh([scored(global_=WRONG, local_=RIGHT, cross_=WRONG)])
    assert found[0].rsums == (600.0,)
    assert found[0].weights == (0.3, 0.4, 0.3)
    assert found[-1].weights[1] < 0.4
    assert len(found) == 36  # none of them without weight
    assert all(sum(one.weights) == pytest.approx(1) for one in found)


def test_datasets_count_the_same():
    good_locally, good_globally = (
        scored(global_=WRONG, local_=RIGHT, cross_=RIGHT),
        scored(global_=RIGHT, local_=WRONG, cross_=WRONG),
    )
    best = weigh([good_locally, good_globally])[0]
    assert best.mean == sum(best.rsums) / 2
    assert best.rsums == (600.0, 600.0)
    assert 0.4 <= best.weights[0] <= 0.6


def test_a_model_takes_weights_and_refuses_others(tiny_model):
    model = copy.deepcopy(tiny_model)
    set_level_weights(model, (1, 3, 0))
    weights = model.similarity_parameters.level_weights
    torch.testing.assert_close(weights, torch.tensor([0.25, 0.75, 0.0]), atol=2e-3, rtol=0)
    assert weights.min() > 0
    for bad in ((1, 1), (0, 0, 0), (1, -1, 1)):
        with pytest.raises(ValueError, match=r"got level weights .* but expected 3 of 0 or more"):
            set_level_weights(model, bad)


def test_the_command_writes_a_checkpoint_with_the_weights_it_prints(capsys, tiny_checkpoint, tiny_dataset, tmp_path):
    arguments = ["weigh", "--dataset", str(tiny_dataset), "--checkpoint", str(tiny_checkpoint), "--device", "cpu"]
    assert main([*arguments, "--out", str(tmp_path / "weighed")]) == 0
    best = [float(number) for number in capsys.readouterr().out.splitlines()[1].split()[:3]]
    model, _ = load(tmp_path / "weighed", "cpu")
    torch.testing.assert_close(model.similarity_parameters.level_weights, torch.tensor(best), atol=5e-3, rtol=0)


def test_the_mean_of_checkpoints_is_written(capsys, tiny_model, tiny_processor, tiny_checkpoint, tmp_path):
    other = copy.deepcopy(tiny_model)
    set_level_weights(other, (1, 1, 8))
    save_checkpoint(other, tiny_processor, tmp_path / "other")
    arguments = ["average", f"{tiny_checkpoint}=3", f"{tmp_path / 'other'}=1", "--out", str(tmp_path / "mean")]
    assert main(arguments) == 0
    mean, _ = load(tmp_path / "mean", "cpu")
    expected = 0.75 * tiny_model.level_logits + 0.25 * other.level_logits
    torch.testing.assert_close(mean.level_logits, expected, atol=2e-3, rtol=0)
    assert "tmp" not in (tmp_path / "mean" / "config.json").read_text()
    for bad in ("runs/one", "runs/one=much", "=1", "runs/one=0"):
        assert main(["average", bad, "--out", str(tmp_path / "no")]) == 2
        assert f"got '{bad}', but expected CHECKPOINT=SHARE" in capsys.readouterr().err
