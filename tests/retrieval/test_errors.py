from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import hgan.retrieval.errors
from hgan.cli.report import evaluation_report
from hgan.data.folder import CaptionFact, read_dataset
from hgan.evaluation.evaluate import Scored
from hgan.evaluation.metrics import image_indices, retrieval_metrics, truth_of
from hgan.gallery.build import build_gallery
from hgan.gallery.store import CaptionKey, Gallery, Item
from hgan.model.similarity import score_table
from hgan.retrieval.errors import rows_of
from hgan.retrieval.retriever import Retriever
from hgan.types import Similarity


def by_hand(facts: bool = False) -> tuple[Similarity, SimpleNamespace]:
    """Three pictures a, b, c; two captions of a, one of b. Scores are 0.5 global + 0.25 local + 0.25 cross."""
    levels = {
        "global": torch.tensor([[0.8, 0.0, 0.2], [0.4, 0.8, 0.6], [0.0, 0.4, 0.6]]),
        "local": torch.tensor([[0.4, 0.8, 0.0], [0.4, 0.0, 0.4], [0.0, 0.0, 0.4]]),
        "cross": torch.tensor([[0.4, 0.8, 0.0], [0.4, 0.0, 0.4], [0.0, 0.0, 0.4]]),
    }
    weights = {"global": 0.5, "local": 0.25, "cross": 0.25}
    # a: 0.6 0.4 0.1; b: 0.4 0.4 0.5; c: 0.0 0.2 0.5
    score = sum(weights[name] * level for name, level in levels.items())
    truths = ({"a"}, {"a", "b"}, {"b", "c"})
    known = [CaptionFact("full", frozenset(ids)) for ids in truths]
    items = [
        Item("a", "a.png", 1, 1, "a", ("a0", "a1"), (known[0], known[1]) if facts else None),
        Item("b", "b.png", 1, 1, "b", ("b0",), (known[2],) if facts else None),
        Item("c", "c.png", 1, 1, "c", (), () if facts else None),
    ]
    keys = [CaptionKey(0, 0), CaptionKey(0, 1), CaptionKey(1, 0)]
    gallery = SimpleNamespace(
        items=items,
        caption_keys=keys,
        row_of={"a": 0, "b": 1, "c": 2},
        caption_id=lambda n: ("a#0", "a#1", "b#0")[n],
        caption_text=lambda n: ("a0", "a1", "b0")[n],
    )
    return Similarity(score, levels, weights), gallery


def test_ranks_margins_and_losing_levels_are_those_of_a_table_by_hand():
    table, gallery = by_hand()
    rows = {row.query_id: row for row in rows_of(table, truth_of(gallery.items), gallery)}
    assert list(rows) == ["a#0", "a#1", "b#0", "a", "b"]  # c has no caption to find
    assert [row.rank for row in rows.values()] == [1, 2, 2, 1, 1]  # two ties, which count against the truth
    assert rows["a#0"].margin == pytest.approx(0.2)
    assert (rows["a#0"].best_wrong_id, rows["a#0"].lost_by) == ("b", None)
    assert (rows["a#1"].best_wrong_id, rows["a#1"].lost_by, rows["a#1"].tag) == ("b", "global", None)
    assert rows["a#1"].margin == pytest.approx(0)
    assert (rows["b#0"].best_wrong_id, rows["b#0"].truth_id) == ("c", "b")
    assert (rows["a"].truth_id, rows["a"].best_wrong_id) == ("a#0", "b#0")
    assert (rows["b"].truth_id, rows["b"].query_label, rows["b"].direction) == ("b#0", "b.png", "image_to_text")
    assert rows["b"].margin == pytest.approx(0.1)


def test_with_facts_any_scene_a_caption_is_true_of_is_a_hit():
    table, gallery = by_hand(facts=True)
    truth = truth_of(gallery.items)
    assert truth.tolist() == [[True, True, False], [False, True, True], [False, False, True]]
    rows = {row.query_id: row for row in rows_of(table, truth, gallery)}
    assert [rows[name].rank for name in ("a#0", "a#1", "b#0", "c")] == [1, 1, 1, 1]
    assert rows["a#1"].best_wrong_id == "c"
    assert rows["a#1"].tag == "full"


def test_the_metrics_are_those_of_the_stored_graphs(tiny_retriever):
    analysis, gallery = tiny_retriever.analyse(), tiny_retriever.gallery
    table = score_table(gallery.images.rows(range(12)), gallery.captions.rows(range(24)), tiny_retriever.parameters)
    image_index = torch.arange(24) // 2
    assert analysis.metrics["score"] == retrieval_metrics(table.score, image_index)
    for name, level in table.levels.items():
        assert analysis.metrics[name] == retrieval_metrics(level, image_index)
    assert (analysis.pictures, analysis.captions, len(analysis.rows)) == (12, 24, 36)
    assert len(analysis.failures) == sum(row.rank > 1 for row in analysis.rows) > 0
    first = 100 * sum(row.rank == 1 for row in analysis.rows if row.direction == "text_to_image") / 24
    assert analysis.metrics["score"].text_to_image.r1 == pytest.approx(first)
    json.dumps(analysis.to_json(), allow_nan=False)


def test_a_failure_is_lost_by_the_level_that_speaks_most_for_the_wrong_answer(tiny_retriever):
    row = next(row for row in tiny_retriever.analyse().failures if row.direction == "text_to_image")
    hits = {hit.id: hit for hit in tiny_retriever.search(text=row.query_label, k=12).hits}
    truth, wrong = hits[row.truth_id], hits[row.best_wrong_id]
    assert row.rank == truth.rank
    assert row.margin == pytest.approx(truth.score - wrong.score, abs=2e-3)
    gaps = {name: truth.contributions[name] - wrong.contributions[name] for name in truth.levels}
    assert row.lost_by == min(gaps, key=gaps.__getitem__)


def test_progress_is_reported_up_to_the_end(tiny_retriever, monkeypatch):
    monkeypatch.setattr(hgan.retrieval.errors, "BLOCK", 10)
    calls: list[tuple[int, int]] = []
    tiny_retriever.analyse(progress=lambda done, total: calls.append((done, total)))
    assert calls == [(10, 24), (20, 24), (24, 24)]


def test_weights_of_the_caller_are_used(tiny_retriever):
    only = tiny_retriever.analyse(weights={"local": 2.0})
    assert only.metrics["score"] == only.metrics["local"]
    assert only.level_weights == {"global": 0, "local": 1, "cross": 0}


def test_facts_of_a_dataset_reach_the_analysis_which_says_what_evaluate_says(tiny_retriever, tiny_dataset, tmp_path):
    records = read_dataset(tiny_dataset)
    everything = frozenset(record.id for record in records)
    known = [
        replace(r, facts=(CaptionFact("place", everything), CaptionFact("full", frozenset({r.id})))) for r in records
    ]
    gallery = build_gallery(tiny_retriever.model, tiny_retriever.processor, known, tmp_path / "g", "tiny")
    assert gallery.items[3].facts == known[3].facts
    analysis = Retriever(tiny_retriever.model, tiny_retriever.processor, gallery).analyse()
    assert set(analysis.tags) == {"full", "place"}
    assert analysis.tags["place"].r1 == 100
    assert analysis.tags["full"].r1 < 100
    images, captions = gallery.images.rows(range(12)), gallery.captions.rows(range(24))
    table = score_table(images, captions, tiny_retriever.parameters)
    report = evaluation_report(Scored(table, image_indices(known), truth_of(known)), known)
    assert json.loads(json.dumps(report["levels"])) == {
        name: analysis.metrics[name].to_json() for name in ("global", "local", "cross")
    }
    for tag, recall in analysis.tags.items():
        assert {name: report["tags"][tag][name] for name in ("r1", "r5", "r10", "medr")} == vars(recall)


def test_what_cannot_be_analysed_says_why(tiny_retriever, tiny_gallery, tmp_path, monkeypatch):
    folder = shutil.copytree(tiny_gallery, tmp_path / "bare", ignore=shutil.ignore_patterns("captions"))
    lines = [json.loads(line) for line in (folder / "items.jsonl").read_text().splitlines()]
    (folder / "items.jsonl").write_text("".join(json.dumps({**line, "captions": []}) + "\n" for line in lines))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {name: value for name, value in manifest["files"].items() if not name.startswith("captions")}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="no captions"):
        Retriever(tiny_retriever.model, tiny_retriever.processor, Gallery(folder)).analyse()
    monkeypatch.setattr(hgan.retrieval.errors, "MAX_CELLS", 100)
    with pytest.raises(ValueError, match="12 pictures and 24 captions, but expected at most 100"):
        tiny_retriever.analyse()
