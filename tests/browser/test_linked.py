"""The linked views of an explanation: words and regions light each other up, by pointer and by keyboard, without the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.driving import Visit

SENTENCE = "a big red circle on the left of a small blue square"


def keys(parts: Locator) -> set[str]:
    return {str(key) for key in parts.evaluate_all("all => all.map((one) => one.dataset.key)")}


def lit(explanation: Locator, kind: str) -> set[str]:
    """Keys of the drawn parts of a kind ("hg-region", "hg-node") that are chosen or met."""
    return keys(explanation.locator(f".{kind}.hg-on, .{kind}.hg-met"))


def meets(chip: Locator) -> set[str]:
    return set(str(chip.get_attribute("data-meets")).split())


@pytest.fixture(scope="module")
def visitor(browser: Browser, site: str) -> Iterator[Visit]:
    """One for all tests here; the last one leaves the page."""
    visitor = Visit(browser, site, 1280, "light").open()
    visitor.search(SENTENCE)
    visitor.explain(0)
    yield visitor
    visitor.close()
    visitor.check()


@pytest.fixture
def explanation(visitor: Visit) -> Locator:
    """Nothing of it is chosen."""
    visitor.page.mouse.move(0, 0)
    explanation = visitor.page.locator("#why .hg-explained")
    explanation.locator(".hg-chip").first.press("Escape")
    return explanation


def chip(explanation: Locator, kind: str) -> Locator:
    """The first word ("w") or region ("r") that meets something."""
    return explanation.locator(f'.hg-chip[data-key^="{kind}"]:not([data-meets=""])').first


def test_a_word_lights_its_regions_and_a_region_its_words(visitor: Visit, explanation: Locator) -> None:
    asked = len(visitor.requests)
    word = chip(explanation, "w")
    word.click()
    regions = meets(word)
    assert regions
    assert lit(explanation, "hg-region") == regions
    assert regions <= lit(explanation, "hg-node")
    expect(word).to_have_attribute("aria-pressed", "true")
    expect(explanation.locator(".hg-said")).to_have_text(str(word.get_attribute("data-say")))
    word.click()  # a second choice clears it
    visitor.page.mouse.move(0, 0)
    assert lit(explanation, "hg-region") == set()
    region = explanation.locator(f'.hg-region[data-key="{chip(explanation, "r").get_attribute("data-key")}"] .hg-under')
    region.click(force=True)  # another region may lie over its middle
    chosen = str(explanation.locator(".hg-region.hg-on").first.get_attribute("data-key"))
    assert chosen.startswith("r")
    own = explanation.locator(f'.hg-chip[data-key="{chosen}"]')
    expect(own).to_have_attribute("aria-pressed", "true")
    assert keys(explanation.locator('.hg-chip.hg-met[data-key^="w"]')) == meets(own)
    assert len(visitor.requests) == asked, "highlighting needs no round trip"


def test_pointer_shows_and_leaving_takes_it_away(visitor: Visit, explanation: Locator) -> None:
    asked = len(visitor.requests)
    word = chip(explanation, "w")
    word.hover()
    assert lit(explanation, "hg-region") == meets(word)
    cell = explanation.locator(".hg-matrix td").first
    cell.hover()
    assert set(str(cell.get_attribute("data-key")).split()) == keys(explanation.locator(".hg-chip.hg-on"))
    visitor.page.mouse.move(0, 0)
    expect(explanation).not_to_have_class("hg-choosing")
    assert len(visitor.requests) == asked


def test_keyboard_alone_reaches_every_word_and_region(visitor: Visit, explanation: Locator) -> None:
    press, focused = visitor.page.keyboard.press, visitor.page.locator(":focus")
    words = explanation.get_by_role("toolbar", name="Words of the sentence").locator(".hg-chip")
    words.first.focus()
    press("ArrowRight")
    expect(words.nth(1)).to_be_focused()
    assert lit(explanation, "hg-node") >= meets(words.nth(1))
    press("ArrowLeft")
    press("ArrowLeft")  # from the first word to the last
    expect(words.last).to_be_focused()
    press("Enter")
    expect(words.last).to_have_attribute("aria-pressed", "true")
    press("Tab")  # past the other words, which are one stop
    assert str(focused.get_attribute("data-key")).startswith("r") or focused.get_attribute("class") == "hg-scroll"
    press("Shift+Tab")
    press("Escape")
    expect(words.last).to_have_attribute("aria-pressed", "false")
    assert lit(explanation, "hg-region") == set()


def test_the_saved_page_is_linked_too_and_stands_alone(visitor: Visit, explanation: Locator, tmp_path: Path) -> None:
    expect(explanation).to_be_visible()
    path = visitor.download("Save as one HTML file", tmp_path)
    assert path.name == "hgan-explanation.html"
    visitor.context.set_offline(True)
    asked = len(visitor.requests)
    visitor.page.goto(path.as_uri())
    saved = visitor.page.locator(".hg-explained")
    word = chip(saved, "w")
    word.click()
    assert lit(saved, "hg-region") == meets(word)
    assert visitor.page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    assert [url for url in visitor.requests[asked:] if not url.startswith(("data:", path.as_uri()))] == []
    assert visitor.inaccessible() == []
