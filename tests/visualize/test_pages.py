"""What is drawn on the pages that compare, change, count failures and tell about the model."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hgan.retrieval.compare import compare_pairs
from hgan.retrieval.error_filter import Filter
from hgan.retrieval.results import Step
from hgan.retrieval.retriever import Retriever
from hgan.visualize import about
from hgan.visualize.comparison import comparison_page
from hgan.visualize.failure_plots import margin_histogram, rank_histogram
from hgan.visualize.failures import PAGE, Shown, failure_list, metrics_table
from hgan.visualize.pictures import read_picture
from hgan.visualize.switches import read_edges, read_places, switches
from hgan.visualize.waterfall import MOST, gathered, waterfall
from hgan.visualize.what_if import what_if_page
from tests.common import SCRIPT, SENTENCE, assert_safe, row


@pytest.fixture(scope="module")
def red_circle(tiny_dataset: Path) -> Path:
    return tiny_dataset / "images" / "00_red_circle.png"


def shown_numbers(svg: str) -> list[float]:
    return [float(text.replace("−", "-")) for text in re.findall(r'text-anchor="end">([+−]?[\d.]+)<', svg)]


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


def test_comparison_page_adds_up_and_escapes(tiny_retriever: Retriever) -> None:
    query = tiny_retriever.encode(text=SCRIPT)
    a, b = (hit.id for hit in tiny_retriever.search(query=query, k=2).hits)
    comparison = tiny_retriever.compare(a, b, query=query)
    picture = read_picture(tiny_retriever.gallery.read_thumbnail(0))
    page = comparison_page(comparison, picture, picture)
    assert_safe(page)
    for figure in re.findall(r"<figure class=\"hg-waterfall\">.*?</figure>", page):
        *steps, whole = shown_numbers(figure)
        assert sum(steps) == pytest.approx(whole, abs=1e-4 * len(steps))
        assert whole == pytest.approx(comparison.difference, abs=5e-5)


def test_comparison_of_captions_shows_both(tiny_retriever: Retriever, red_circle: Path) -> None:
    query = tiny_retriever.encode(image=red_circle)
    hits = tiny_retriever.search(query=query, k=2).hits
    comparison = tiny_retriever.compare(hits[0].id, hits[1].id, query=query)
    picture = read_picture(tiny_retriever.gallery.read_thumbnail(0))
    page = comparison_page(comparison, picture, picture)
    assert all(str(hit.caption) in page for hit in hits)
    assert "The difference by region" in page


def test_what_if_page_sets_measured_beside_explained(tiny_retriever: Retriever) -> None:
    query = tiny_retriever.encode(text=SCRIPT)
    result = tiny_retriever.what_if(tiny_retriever.gallery.items[0].id, query=query, words_off=[0])
    picture = read_picture(tiny_retriever.gallery.read_thumbnail(0))
    page = what_if_page(result, picture, compare_pairs(result.after, result.before, "words"))
    assert_safe(page)
    figures = re.findall(r"<figure class=\"hg-waterfall\">.*?</figure>", page)
    assert len(figures) == 3
    for figure in figures:
        assert shown_numbers(figure)[-1] == pytest.approx(result.change, abs=5e-5)
    assert result.explained is not None
    assert shown_numbers(figures[1])[0] == pytest.approx(-result.explained, abs=5e-5)


def test_every_switch_is_a_part_that_can_be_switched_off(tiny_retriever: Retriever) -> None:
    query, id_ = tiny_retriever.encode(text=SENTENCE), tiny_retriever.gallery.items[0].id
    parts = switches(tiny_retriever.what_if(id_, query=query).before)
    assert len(parts.words) == len(SENTENCE.split())
    words = read_places([parts.words[0][1]])
    regions, edges = read_places([parts.regions[0][1]]), read_edges([value for _, value in parts.edges[:2]])
    after = tiny_retriever.what_if(id_, query=query, words_off=words, regions_off=regions, edges_off=edges).after
    assert after.words[words[0]].total == 0
    assert after.regions[regions[0]].total == 0


@pytest.mark.parametrize("value", ["", "-1", "image:0", "picture:0:1", "image:a:1", "image:0:1:2"])
def test_wrong_switches_are_plain_errors(value: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_edges([value])
    with pytest.raises(ValueError, match="expected"):
        read_places([value])


def test_failure_list_escapes_and_pages(tiny_retriever: Retriever) -> None:
    id_ = tiny_retriever.gallery.items[0].id
    rows = [row(query_label=SCRIPT, truth_id=id_, best_wrong_id=id_, tag=SCRIPT, rank=n + 2) for n in range(PAGE + 1)]
    analysis = replace(tiny_retriever.analyse(), rows=rows)
    shown = Shown(
        lambda _: "?tab=search&q=<b>",
        lambda _: read_picture(tiny_retriever.gallery.read_thumbnail(0)),
        lambda _: SCRIPT,
    )
    first, last = (failure_list(analysis, Filter(), page, shown) for page in (1, 99))
    assert_safe(first)
    assert first.count('<th scope="row">') == PAGE
    assert last.count('<th scope="row">') == 1
    assert "Page 2 of 2" in last
    assert 'href="?tab=search&amp;q=&lt;b&gt;"' in first
    assert "No query fits" in failure_list(analysis, Filter(tag="other"), 1, shown)


def test_metrics_table_shows_the_analysis(tiny_retriever: Retriever) -> None:
    analysis = tiny_retriever.analyse()
    page = metrics_table(analysis)
    for metrics in analysis.metrics.values():
        assert f"<b>{metrics.rsum:.1f}</b>" in page


def test_histograms_count_every_row() -> None:
    rows = [row(rank=1, lost_by=None, margin=0.2), row(rank=2), row(rank=500, lost_by="global", margin=-0.6)]
    for figure in (rank_histogram(rows), margin_histogram(rows)):
        assert sum(bar.get_height() for bar in figure.axes[0].patches) == len(rows)
    assert not margin_histogram([]).axes[0].patches


def test_model_card_has_neither_front_matter_nor_pictures(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\n---\n# Name\n\n![a curve](https://example.org/x.png) end\n\n---\nx"
    )
    assert about.model_card(tmp_path) == "# Name\n\na curve end\n\n---\nx"
    assert about.model_card(tmp_path / "none") is None
    (tmp_path / "metrics.jsonl").write_text('{"other": 1}\n')
    assert about.curve(tmp_path) is None


def test_facts_are_the_gallerys(tiny_retriever: Retriever) -> None:
    manifest = {**tiny_retriever.gallery.manifest, "name": SCRIPT}
    page = about.gallery_facts(manifest, "0" * 64)
    assert_safe(page)
    assert f"<td>{len(tiny_retriever.gallery.items)}</td>" in page
    assert tiny_retriever.fingerprint[:12] in page
