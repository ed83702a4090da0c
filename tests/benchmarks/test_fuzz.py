"""A second of the fuzz run: every kind of input is tried, nothing goes wrong, and what would go wrong is found."""

from __future__ import annotations

import pytest

from benchmarks import fuzz


@pytest.mark.filterwarnings("ignore")
def test_damaged_inputs_give_a_result_or_a_refusal():
    tallies = fuzz.run(1.5, seed=1, kinds=list(fuzz.KINDS))
    assert {kind: tally.wrong for kind, tally in tallies.items()} == {kind: [] for kind in fuzz.KINDS}
    assert all(0 < tally.tried > tally.refused for tally in tallies.values())


def test_what_goes_wrong_is_counted_and_named(monkeypatch, capsys):
    def broken(*_):
        raise KeyError("x\x1b")

    monkeypatch.setitem(fuzz.KINDS, "cases", (fuzz.KINDS["cases"][0], broken))
    assert fuzz.main(["--seconds", "0.05", "--kind", "cases"]) == 1
    out = capsys.readouterr().out
    assert "cases 0 0: KeyError" in out
    assert "\x1b" not in out
