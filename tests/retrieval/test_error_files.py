"""Failures that are filtered and exported."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from hgan.retrieval.error_files import to_csv, to_json
from hgan.retrieval.error_filter import ANY, Filter, listed
from hgan.retrieval.retriever import Retriever
from tests.common import row


def test_failures_are_filtered_and_the_worst_comes_first(tiny_retriever: Retriever) -> None:
    rows = [row(rank=2, tag="context"), row(rank=9, lost_by="global"), row(rank=1, lost_by=None), row()]
    analysis = replace(tiny_retriever.analyse(), rows=rows)
    assert [r.rank for r in listed(analysis, Filter())] == [9, 3, 2]
    assert [r.rank for r in listed(analysis, Filter(failures=False))] == [9, 3, 2, 1]
    assert [r.rank for r in listed(analysis, Filter(lost_by="local", tag="full"))] == [3]
    assert listed(analysis, Filter(direction="image_to_text")) == []


def test_filter_survives_its_link() -> None:
    chosen = Filter("image_to_text", "cross", ANY, False)
    assert Filter.from_link({name: value for name, value in chosen.in_link().items() if value}) == chosen
    assert Filter.from_link({"direction": "<b>", "lost": "?"}) == Filter()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1"])
def test_csv_is_no_program(text: str) -> None:
    table = list(csv.DictReader(io.StringIO(to_csv([row(query_label=text, margin=-0.25)]).removeprefix("\ufeff"))))
    assert table[0]["query_label"].startswith("'")
    assert float(table[0]["margin"]) == -0.25  # numbers stay numbers


def test_json_names_model_and_gallery(tiny_retriever: Retriever) -> None:
    analysis = tiny_retriever.analyse()
    data = json.loads(to_json(analysis, analysis.rows[:2], Filter(), tiny_retriever.sources))
    assert len(data["rows"]) == 2
    assert data["model"]["sha256"] == tiny_retriever.fingerprint
    assert data["metrics"]["score"]["rsum"] == pytest.approx(analysis.metrics["score"].rsum)
