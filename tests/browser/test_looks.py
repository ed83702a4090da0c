"""Every page on a desktop and a phone, light and dark: it fits, it can be read, and axe-core finds no serious fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from hgan.demo.parts.context import PAGES
from tests.browser.driving import Visit

SENTENCE = "a red circle on the left of a blue square"


def fill(visitor: Visit, id: str) -> None:
    """Makes a page show what it is for."""
    page = visitor.page
    if id == "search":
        visitor.search(SENTENCE)
        visitor.weigh(cross=1)
        expect(page.locator("#matches")).to_contain_text("Your level weights")
    elif id == "explain":
        page.locator("#why .hg-explained .hg-chip").first.click()
        expect(page.locator("#why .hg-choosing")).to_be_visible()
    elif id == "compare":
        expect(page.locator("#compared .hg-compared")).to_be_visible()
    elif id == "what-if":
        page.get_by_role("tab", name="Switch parts off").click()
        page.locator("fieldset", has_text="Words, with their contributions").get_by_role("checkbox").nth(1).check()
        page.get_by_role("button", name="Run without what is ticked").click()
        expect(page.locator("#changed .hg-changed")).to_be_visible()
    elif id == "errors":
        page.get_by_role("button", name="Analyse").click()
        expect(page.locator("#failures table")).to_be_visible()
        expect(page.locator(".matplotlib img")).to_have_count(2)
    elif id == "classroom":
        page.locator(".hg-vote").first.click()
        page.get_by_role("button", name="Reveal").click()
        expect(page.locator(".hg-answer")).to_be_visible()
    else:
        expect(page.locator({"my-gallery": "#my-pictures", "about": "#card"}[id])).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_and_can_be_read_by_all(visit: Callable[..., Visit], width: int, theme: str) -> None:
    visitor = visit(width, theme).open()
    assert visitor.page.locator("body.dark").count() == (theme == "dark")
    faults = {}
    for id_ in PAGES:
        visitor.go(id_)
        fill(visitor, id_)
        faults[id_] = visitor.inaccessible()
        if (wider := visitor.overflow()) > 0:
            faults[id_].append(f"{wider} px wider than the screen")
    assert {id_: found for id_, found in faults.items() if found} == {}


def test_empty_pages_say_what_to_do(visit: Callable[..., Visit]) -> None:
    visitor = visit().open()
    first = {"search": "#matches", "explain": "#why", "compare": "#compared", "what-if": "#changed",
             "errors": "#metrics", "my-gallery": "#my-pictures"}  # fmt: skip
    for id_, place in first.items():
        visitor.go(id_)
        hint = visitor.page.locator(f"{place} .hg-hint")
        expect(hint).to_be_visible()
        assert len(hint.inner_text()) > 20
