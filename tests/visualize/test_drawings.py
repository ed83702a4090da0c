"""What is drawn: the explanation's own numbers, one key for a node in every drawing, and highlighting that works in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hgan.checkpoint import load
from hgan.data.folder import read_dataset
from hgan.gallery.build import build_gallery
from hgan.retrieval.results import Explanation
from hgan.retrieval.retriever import Retriever
from hgan.visualize.alignment import alignment
from hgan.visualize.charts import escape, stacked_bar, sum_text
from hgan.visualize.document import document
from hgan.visualize.explanation import explanation_page
from hgan.visualize.graphs import image_edges, image_graph_drawing, text_graph_drawing
from hgan.visualize.linked import MOST_MET, met
from hgan.visualize.pictures import Picture, numbered, read_picture, regions_drawing, shrink_picture, strongest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SENTENCE = "a red circle on the left of a blue square"


@pytest.fixture(scope="module")
def retriever(tiny_checkpoint: Path, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    folder = tmp_path_factory.mktemp("gallery") / "shapes"
    build_gallery(*load(str(tiny_checkpoint), "cpu"), read_dataset(tiny_dataset), folder, "tiny")
    return Retriever.open(str(tiny_checkpoint), folder, "cpu")


@pytest.fixture(scope="module")
def explanation(retriever: Retriever) -> Explanation:
    return retriever.explain(retriever.gallery.items[0].id, text=SENTENCE)


@pytest.fixture(scope="module")
def thumbnail(retriever: Retriever) -> Picture:
    return read_picture(retriever.gallery.read_thumbnail(0))


def keys(drawing: str) -> set[str]:
    return {key for keys in re.findall('data-key="([^"]*)"', drawing) for key in keys.split()}


def test_strongest_regions_are_numbered_first(explanation: Explanation, thumbnail: Picture) -> None:
    totals = [region.total for region in strongest(explanation.regions)]
    assert totals == sorted(totals, reverse=True)
    place = numbered(explanation.regions)
    assert sorted(place.values()) == list(range(1, len(place) + 1))
    first = max(explanation.regions, key=lambda region: region.total)
    assert place[first.index] == 1
    page = explanation_page(explanation, thumbnail)
    for region in explanation.regions:
        assert f"{place[region.index]} {region.label}" in page


def test_drawn_edges_have_the_mean_attention_of_both_directions(explanation: Explanation) -> None:
    first = max(explanation.regions, key=lambda region: region.total)
    graph, edges = image_edges(explanation)
    assert all(weight == graph.edges[i, j]["weight"] for i, j, weight in edges)
    both = explanation.image_edges[0][first.index + 1] + explanation.image_edges[first.index + 1][0]
    assert graph.edges[0, first.index + 1]["weight"] == pytest.approx(both / 2)
    assert {0, first.index + 1} <= {node for edge in edges for node in edge[:2]}


def test_every_drawing_names_words_and_regions_alike(explanation: Explanation, thumbnail: Picture) -> None:
    words = {f"w{node.index}" for node in explanation.words}
    regions = {f"r{node.index}" for node in explanation.regions}
    assert keys(regions_drawing(explanation.regions, thumbnail)) == regions
    assert keys(image_graph_drawing(explanation, thumbnail)) == regions
    assert keys(text_graph_drawing(explanation)) == words
    assert keys(alignment(explanation)) == words | regions
    ends = set(" ".join(re.findall('data-edge="([^"]*)"', image_graph_drawing(explanation, thumbnail))).split())
    assert ends <= regions | {"global"}
    assert len(ends) > 2


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([0.1, 0.4, 0.3, 0.19], [1, 2]),  # half of 0.4 or more
        ([-0.1, -0.4], []),
        ([], []),
        ([0.2] * 9, [0, 1, 2, 3]),
        ([0.0, 0.0], []),
    ],
)
def test_a_node_meets_what_brings_half_as_much_as_its_strongest(terms: list[float], expected: list[int]) -> None:
    assert met(terms) == expected
    assert len(met(terms)) <= MOST_MET


def test_chips_say_the_numbers_of_the_explanation(explanation: Explanation, thumbnail: Picture) -> None:
    page = explanation_page(explanation, thumbnail)
    word = strongest(explanation.words)[0]
    said = re.search(f'data-key="w{word.index}" data-meets="([^"]*)" data-say="([^"]*)"', page)
    assert said
    assert f"contributes {word.total:.4f}" in said[2]
    best = max(range(len(explanation.regions)), key=lambda n: explanation.local_terms[word.index][n])
    assert said[1].split()[0] == f"r{best}"
    assert f"({explanation.local_terms[word.index][best]:.4f})" in said[2]


@pytest.mark.parametrize("size", [(2000, 3), (3, 2000), (1, 1)])
def test_page_survives_extreme_pictures(retriever: Retriever, picture: Any, size: tuple[int, int]) -> None:
    image = picture(size=(64, 64)).resize(size)
    explanation = retriever.explain(retriever.gallery.items[0].id, image=image)
    assert "hg-drawing" in explanation_page(explanation, shrink_picture(image))


def test_saved_page_asks_nobody_for_anything(explanation: Explanation, thumbnail: Picture) -> None:
    saved = document("A <case>", explanation_page(explanation, thumbnail))
    assert "<title>A &lt;case&gt;</title>" in saved
    assert thumbnail.uri in saved
    for address in re.findall(r'(?:src|href)="([^"]*)"', saved):
        assert address.startswith("data:")
    assert not re.search(r"https?:|url\(|@import", saved)


@pytest.fixture(scope="module")
def saved_page(explanation: Explanation, thumbnail: Picture, browser: Browser) -> Iterator[Page]:
    """The saved page in a browser; the same script runs in the demo."""
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(document("case", explanation_page(explanation, thumbnail)))
    yield page
    page.close()
    assert errors == []


def lit(page: Page, selector: str) -> set[str]:
    """Keys of what is lit in a part of the page: chosen or met."""
    found = page.evaluate(
        "(s) => [...document.querySelectorAll(s)].map((e) => e.dataset.key)", f"{selector}:is(.hg-on, .hg-met)"
    )
    return set(found)


def test_choosing_a_word_lights_its_regions_everywhere(saved_page: Page, explanation: Explanation) -> None:
    word = strongest(explanation.words)[0]
    expected = {f"r{n}" for n in met(explanation.local_terms[word.index])}
    saved_page.click(f'.hg-chip[data-key="w{word.index}"]')
    for part in (".hg-region", ".hg-chips .hg-chip"):
        assert lit(saved_page, part) == expected
    assert expected <= lit(saved_page, ".hg-node") <= expected | {f"w{word.index}"}
    assert saved_page.get_attribute(f'.hg-chip[data-key="w{word.index}"]', "aria-pressed") == "true"
    assert f"{word.total:.4f}" in saved_page.inner_text("[role=status]")
    saved_page.click(f'.hg-chip[data-key="w{word.index}"]')
    assert lit(saved_page, "[data-key]") == set()


def test_choosing_a_region_lights_its_words_and_edges(saved_page: Page, explanation: Explanation) -> None:
    region = strongest(explanation.regions)[0]
    saved_page.click(f'.hg-badge[data-key="r{region.index}"]')
    expected = {f"w{n}" for n in met([row[region.index] for row in explanation.local_terms])}
    assert lit(saved_page, ".hg-sentence .hg-chip") == expected
    assert saved_page.locator(f'.hg-edge.hg-on[data-edge~="r{region.index}"]').count() > 0
    saved_page.keyboard.press("Escape")
    assert lit(saved_page, "[data-key]") == set()


def test_the_keyboard_chooses_too(saved_page: Page, explanation: Explanation) -> None:
    first, second = (f'.hg-chip[data-key="w{n}"]' for n in (0, 1))
    saved_page.focus(first)
    saved_page.keyboard.press("ArrowRight")
    assert saved_page.evaluate("document.activeElement.dataset.key") == "w1"
    saved_page.keyboard.press("Enter")
    assert saved_page.get_attribute(second, "aria-pressed") == "true"
    assert saved_page.get_attribute(first, "tabindex") == "-1"
    saved_page.keyboard.press("Escape")
    assert saved_page.get_attribute(second, "aria-pressed") == "false"


def test_negative_parts_are_drawn_left_of_zero_and_hatched() -> None:
    bar = stacked_bar({"global": 0.2, "local": -0.1, "cross": 0.2}, (-0.1, 0.4))
    assert "left:20.000%;width:40.000%" in bar  # global from zero
    assert 'hg-minus" style="left:0.000%;width:20.000%' in bar
    assert "left:60.000%;width:40.000%" in bar  # cross after global
    assert 'hg-sum" style="left:80.000%' in bar  # 0.3 on an axis from -0.1 to 0.4
    assert sum_text([0.2, -0.1, 0.2], 0.3, 1) == "0.2 − 0.1 + 0.2 = 0.3"
    assert sum_text([0.214, 0.168, 0.1649], 0.5465, 2) == "0.21 + 0.17 + 0.16 ≈ 0.55"
    assert escape("<${x}>`") == "&lt;&#36;&#123;x&#125;&gt;&#96;"
