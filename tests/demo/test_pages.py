"""The pages that compare, change, count failures and tell: what is drawn, and their endpoints over a tiny model."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from hgan.demo.pages.errors import Handlers as ErrorHandlers
from hgan.retrieval import edits
from hgan.retrieval.compare import compare_pairs
from hgan.retrieval.error_files import to_csv, to_json
from hgan.retrieval.error_filter import ANY, Filter, listed
from hgan.retrieval.results import QueryRow, Step
from hgan.retrieval.retriever import Retriever
from hgan.visualize import about
from hgan.visualize.comparison import comparison_page
from hgan.visualize.failure_plots import margin_histogram, rank_histogram
from hgan.visualize.failures import PAGE, Shown, failure_list, metrics_table
from hgan.visualize.pictures import read_picture
from hgan.visualize.switches import read_edges, read_places, switches
from hgan.visualize.waterfall import MOST, gathered, waterfall
from hgan.visualize.what_if import what_if_page

SENTENCE = "a red circle on the left of a blue square"
SCRIPT = '<script>alert(1)</script> a red "circle" ${1+1} {{value}} <img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def retriever(tiny_retriever: Retriever) -> Retriever:
    return tiny_retriever


@pytest.fixture(scope="module")
def client(retriever: Retriever) -> Iterator[Client]:
    demo = app.build_demo(retriever)
    options = app.launch_options() | {"server_name": "127.0.0.1", "server_port": None}
    _, url, _ = demo.launch(**options, prevent_thread_lock=True, quiet=True)
    yield Client(url, verbose=False)
    demo.close()


@pytest.fixture(scope="module")
def red_circle(tiny_dataset: Path) -> Path:
    return tiny_dataset / "images" / "00_red_circle.png"


def without_time(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {key: without_time(value) for key, value in answer.items() if key != "timing_ms"}
    return [without_time(value) for value in answer] if isinstance(answer, list) else answer


def as_json(answer: Any) -> Any:
    return without_time(json.loads(json.dumps(answer.to_json())))


def shown_numbers(svg: str) -> list[float]:
    return [float(text.replace("−", "-")) for text in re.findall(r'text-anchor="end">([+−]?[\d.]+)<', svg)]


def assert_safe(page: str) -> None:
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "${" not in page
    assert "{{" not in page


# What is drawn


def test_waterfall_shows_steps_that_add_up_to_its_last_bar() -> None:
    steps = [Step("up", "global", 0.25), Step("down", "local", -0.1), Step("up again", None, 0.03)]
    svg = waterfall("title", steps, "whole")
    assert shown_numbers(svg) == [0.25, -0.1, 0.03, 0.18]
    # A step starts where the last one ended.
    starts, ends = zip(*re.findall(r'd="M([\d.]+) [\d.]+ L[\d.]+ [\d.]+ L([\d.]+)', svg), strict=True)
    bars = list(dict.fromkeys(zip(starts, ends, strict=True)))  # a hatched one is drawn twice
    assert [bar[0] for bar in bars[1:3]] == [bar[1] for bar in bars[:2]]
    assert bars[3][1] == bars[2][1]
    assert svg.count("url(#hg-wf-hatch)") == 1  # the negative one
    assert "up +0.2500; down −0.1000" in svg


def test_small_steps_are_gathered_without_changing_the_sum() -> None:
    steps = [Step(f"word {n}", None, (-1) ** n * n / 100) for n in range(30)]
    shown = gathered(steps)
    assert len(shown) == MOST + 1
    assert sum(step.value for step in shown) == pytest.approx(sum(step.value for step in steps))
    assert "word 29" in [step.label for step in shown]
    assert shown[-1].label == f"the other {30 - MOST}"
    assert gathered(steps[:3]) == steps[:3]


def test_waterfall_of_nothing_but_zeros_is_drawn() -> None:
    assert shown_numbers(waterfall("", [Step("x", None, 0.0)], "whole")) == [0.0, 0.0]


def test_comparison_page_adds_up_and_escapes(retriever: Retriever) -> None:
    query = retriever.encode(text=SCRIPT)
    a, b = (hit.id for hit in retriever.search(query=query, k=2).hits)
    comparison = retriever.compare(a, b, query=query)
    picture = read_picture(retriever.gallery.read_thumbnail(0))
    page = comparison_page(comparison, picture, picture)
    assert_safe(page)
    for figure in re.findall(r"<figure class=\"hg-waterfall\">.*?</figure>", page):
        *steps, whole = shown_numbers(figure)
        assert sum(steps) == pytest.approx(whole, abs=1e-4 * len(steps))
        assert whole == pytest.approx(comparison.difference, abs=5e-5)


def test_comparison_of_captions_shows_both(retriever: Retriever, red_circle: Path) -> None:
    query = retriever.encode(image=red_circle)
    hits = retriever.search(query=query, k=2).hits
    comparison = retriever.compare(hits[0].id, hits[1].id, query=query)
    picture = read_picture(retriever.gallery.read_thumbnail(0))
    page = comparison_page(comparison, picture, picture)
    assert all(str(hit.caption) in page for hit in hits)
    assert "The difference by region" in page


def test_what_if_page_sets_measured_beside_explained(retriever: Retriever) -> None:
    query = retriever.encode(text=SCRIPT)
    result = retriever.what_if(retriever.gallery.items[0].id, query=query, words_off=[0])
    picture = read_picture(retriever.gallery.read_thumbnail(0))
    page = what_if_page(result, picture, compare_pairs(result.after, result.before, "words"))
    assert_safe(page)
    figures = re.findall(r"<figure class=\"hg-waterfall\">.*?</figure>", page)
    assert len(figures) == 3
    for figure in figures:
        assert shown_numbers(figure)[-1] == pytest.approx(result.change, abs=5e-5)
    assert result.explained is not None
    assert shown_numbers(figures[1])[0] == pytest.approx(-result.explained, abs=5e-5)


def test_every_switch_is_a_part_that_can_be_switched_off(retriever: Retriever) -> None:
    query, id_ = retriever.encode(text=SENTENCE), retriever.gallery.items[0].id
    parts = switches(retriever.what_if(id_, query=query).before)
    assert len(parts.words) == len(SENTENCE.split())
    words = read_places([parts.words[0][1]])
    regions, edges = read_places([parts.regions[0][1]]), read_edges([value for _, value in parts.edges[:2]])
    after = retriever.what_if(id_, query=query, words_off=words, regions_off=regions, edges_off=edges).after
    assert after.words[words[0]].total == 0
    assert after.regions[regions[0]].total == 0


@pytest.mark.parametrize("value", ["", "-1", "image:0", "picture:0:1", "image:a:1", "image:0:1:2"])
def test_wrong_switches_are_plain_errors(value: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_edges([value])
    with pytest.raises(ValueError, match="expected"):
        read_places([value])


def test_edits_of_a_sentence() -> None:
    assert edits.drop("a red car", [1]) == "a car"
    assert edits.swap("a red car", [1, 2]) == "a car red"
    assert edits.negate("A dog is here", [0, 2, 3]) == "No dog is not not here"
    assert edits.reverse("a red car") == "car red a"
    for wrong in (lambda: edits.drop("a", [0]), lambda: edits.swap("a b", [0]), lambda: edits.negate("a", [])):
        with pytest.raises(ValueError, match="expected"):
            wrong()


# Error analysis


def row(**changes: Any) -> QueryRow:
    given = {"direction": "text_to_image", "query_id": "p#0", "query_label": "a dog", "tag": "full", "rank": 3}
    known = {"truth_id": "p", "best_wrong_id": "q", "margin": -0.1, "lost_by": "local"}
    return QueryRow(**{**given, **known, **changes})


def test_failures_are_filtered_and_the_worst_comes_first(retriever: Retriever) -> None:
    rows = [row(rank=2, tag="context"), row(rank=9, lost_by="global"), row(rank=1, lost_by=None), row()]
    analysis = replace(retriever.analyse(), rows=rows)
    assert [r.rank for r in listed(analysis, Filter())] == [9, 3, 2]
    assert [r.rank for r in listed(analysis, Filter(failures=False))] == [9, 3, 2, 1]
    assert [r.rank for r in listed(analysis, Filter(lost_by="local", tag="full"))] == [3]
    assert listed(analysis, Filter(direction="image_to_text")) == []


def test_filter_survives_its_link() -> None:
    chosen = Filter("image_to_text", "cross", ANY, False)
    assert Filter.from_link({name: value for name, value in chosen.in_link().items() if value}) == chosen
    assert Filter.from_link({"direction": "<b>", "lost": "?"}) == Filter()


def test_failure_list_escapes_and_pages(retriever: Retriever) -> None:
    id_ = retriever.gallery.items[0].id
    rows = [row(query_label=SCRIPT, truth_id=id_, best_wrong_id=id_, tag=SCRIPT, rank=n + 2) for n in range(PAGE + 1)]
    analysis = replace(retriever.analyse(), rows=rows)
    shown = Shown(
        lambda _: "?tab=search&q=<b>", lambda _: read_picture(retriever.gallery.read_thumbnail(0)), lambda _: SCRIPT
    )
    first, last = (failure_list(analysis, Filter(), page, shown) for page in (1, 99))
    assert_safe(first)
    assert first.count('<th scope="row">') == PAGE
    assert last.count('<th scope="row">') == 1
    assert "Page 2 of 2" in last
    assert 'href="?tab=search&amp;q=&lt;b&gt;"' in first
    assert "No query fits" in failure_list(analysis, Filter(tag="other"), 1, shown)


def test_metrics_table_shows_the_analysis(retriever: Retriever) -> None:
    analysis = retriever.analyse()
    page = metrics_table(analysis)
    for metrics in analysis.metrics.values():
        assert f"<b>{metrics.rsum:.1f}</b>" in page


def test_histograms_count_every_row() -> None:
    rows = [row(rank=1, lost_by=None, margin=0.2), row(rank=2), row(rank=500, lost_by="global", margin=-0.6)]
    for figure in (rank_histogram(rows), margin_histogram(rows)):
        assert sum(bar.get_height() for bar in figure.axes[0].patches) == len(rows)
    assert not margin_histogram([]).axes[0].patches


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1"])
def test_csv_is_no_program(text: str) -> None:
    table = list(csv.DictReader(io.StringIO(to_csv([row(query_label=text, margin=-0.25)]).removeprefix("\ufeff"))))
    assert table[0]["query_label"].startswith("'")
    assert float(table[0]["margin"]) == -0.25  # numbers stay numbers


def test_json_names_model_and_gallery(retriever: Retriever) -> None:
    analysis = retriever.analyse()
    data = json.loads(to_json(analysis, analysis.rows[:2], Filter(), retriever.sources))
    assert len(data["rows"]) == 2
    assert data["model"]["sha256"] == retriever.fingerprint
    assert data["metrics"]["score"]["rsum"] == pytest.approx(analysis.metrics["score"].rsum)


def test_gallery_is_analysed_once(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    from hgan.demo.parts.context import Context

    calls: list[object] = []
    analyse = retriever.analyse
    monkeypatch.setattr(retriever, "analyse", lambda *given: calls.append(given) or analyse(*given))
    handlers = ErrorHandlers(Context(retriever))
    assert "Press Analyse" in handlers.show(None, ANY, ANY, ANY, True, 1)[0]
    for _ in range(2):
        page = handlers.analyse(None, ANY, ANY, ANY, True)
    assert len(calls) == 1
    assert "How often the truth comes first" in page[0]


# About


def test_model_card_has_neither_front_matter_nor_pictures(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\n---\n# Name\n\n![a curve](https://example.org/x.png) end\n\n---\nx"
    )
    assert about.model_card(tmp_path) == "# Name\n\na curve end\n\n---\nx"
    assert about.model_card(tmp_path / "none") is None
    (tmp_path / "metrics.jsonl").write_text('{"other": 1}\n')
    assert about.curve(tmp_path) is None


def test_facts_are_the_gallerys(retriever: Retriever) -> None:
    manifest = {**retriever.gallery.manifest, "name": SCRIPT}
    page = about.gallery_facts(manifest, "0" * 64)
    assert_safe(page)
    assert f"<td>{len(retriever.gallery.items)}</td>" in page
    assert retriever.fingerprint[:12] in page


# Endpoints


def test_compare_by_program(client: Client, retriever: Retriever) -> None:
    query = retriever.encode(text=SENTENCE)
    a, b = (hit.id for hit in retriever.search(query=query, k=2).hits)
    answer = client.predict(a=a, b=b, text=SENTENCE, picture=None, api_name="/compare")
    assert without_time(answer) == as_json(retriever.compare(a, b, query=query))
    assert sum(step["value"] for step in answer["words"]) == pytest.approx(answer["difference"], abs=1e-5)


def test_what_if_by_program(client: Client, retriever: Retriever, red_circle: Path) -> None:
    id_, query = retriever.gallery.items[0].id, retriever.encode(text=SENTENCE)
    given = {"id": id_, "text": SENTENCE, "picture": None, "words_off": [], "regions_off": [], "edges_off": []}
    answer = client.predict(**given, new_text="a blue square", api_name="/what_if")
    assert without_time(answer) == as_json(retriever.what_if(id_, query=query, text="a blue square"))
    answer = client.predict(
        **given | {"words_off": ["1"], "edges_off": ["text:0:1"]}, new_text=None, api_name="/what_if"
    )
    assert answer["change"] == pytest.approx(answer["after"]["score"] - answer["before"]["score"])
    assert answer["after"]["words"][1]["total"] == 0
    pictured = given | {"text": None, "picture": handle_file(red_circle)}
    assert client.predict(**pictured, new_text="green", api_name="/what_if")["after"]["caption"] == "green"


def test_evaluate_by_program(client: Client, retriever: Retriever) -> None:
    analysis = retriever.analyse()
    answer = client.predict(
        direction=ANY, lost_by=ANY, tag=ANY, failures_only=False, api_name="/evaluate"
    )  # fmt: skip
    assert answer["metrics"] == as_json(analysis)["metrics"]
    assert len(answer["rows"]) == len(analysis.rows)
    failed = client.predict(
        direction="text_to_image", lost_by="global", tag=ANY, failures_only=True, api_name="/evaluate"
    )
    assert all(r["rank"] > 1 and r["lost_by"] == "global" for r in failed["rows"])


@pytest.mark.parametrize(
    ("door", "given"),
    [
        ("/compare", {"a": "nobody", "b": "nobody", "text": SENTENCE, "picture": None}),
        ("/compare", {"a": "nobody", "b": "nobody", "text": "", "picture": None}),
        ("/what_if", {"words_off": ["99"]}),
        ("/what_if", {"edges_off": ["image:0"]}),
        ("/what_if", {"words_off": ["<b>"]}),
    ],
)
def test_wrong_input_is_a_plain_error(client: Client, retriever: Retriever, door: str, given: dict[str, Any]) -> None:
    if door == "/what_if":
        known = {"id": retriever.gallery.items[0].id, "text": SENTENCE, "picture": None, "new_text": None}
        given = {**known, "words_off": [], "regions_off": [], "edges_off": [], **given}
    with pytest.raises(AppError, match="expected"):
        client.predict(**given, api_name=door)
