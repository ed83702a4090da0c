"""Links and files that would like to put a form or a picture from outside into a message: it stays text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.driving import Visit

OUTSIDE = "http://outside.invalid"
CODE = (
    f'<img src="{OUTSIDE}/x.png" onerror="window.hacked=1"><form action="{OUTSIDE}"><input type="password"></form>'
    f"<script>window.hacked=1</script>![a]({OUTSIDE}/y.png) [b](javascript:window.hacked=1)<svg onload=window.hacked=1>"
)


def assert_text_only(visitor: Visit) -> None:
    said = visitor.page.get_by_test_id("toast-body")
    assert said.locator("img, form, input, script, svg[onload], a, iframe, style").count() == 0, said.first.inner_html()
    assert visitor.page.evaluate("window.hacked") is None
    assert not [url for url in visitor.requests if url.startswith(OUTSIDE)]


@pytest.mark.parametrize(
    "name", ["w", "k", "id", "picture", "gallery", "tab", "a", "b", "text", "words", "edges", "case", "tag"]
)
def test_a_link_puts_nothing_but_text_into_a_message(visit: Callable[..., Visit], name: str) -> None:
    usual = {"q": "a red circle"} if name not in ("picture",) else {}
    tab = {
        "a": "compare",
        "b": "compare",
        "text": "what-if",
        "words": "what-if",
        "edges": "what-if",
        "case": "classroom",
    }
    at = {"tab": tab[name]} if name in tab else {}
    visitor = visit().open(**{**usual, **at, name: CODE})
    if name in ("w", "k", "id", "picture", "a", "b", "words", "edges"):
        said = visitor.page.get_by_test_id("toast-text").first
        expect(said).to_contain_text("expected")
        expect(said).not_to_contain_text("&lt;")  # shown as it was written, not as code for it
    visitor.page.wait_for_timeout(300)
    assert_text_only(visitor)


def test_a_case_file_puts_nothing_but_text_into_a_message(visit: Callable[..., Visit], tmp_path: Path) -> None:
    source = {"name": CODE, "sha256": "0" * 64}
    case = {"format": 1, "kind": "search", "state": {"q": "a dog"}, "data": {}, "model": source, "gallery": source}
    for number, content in enumerate((case, {**case, "format": CODE}, {**case, "kind": CODE})):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(content))
        visitor = visit().open()
        visitor.page.locator("input[type=file][accept='.json']").set_input_files(path)
        expect(visitor.page.get_by_test_id("toast-text").first).to_contain_text(
            "but expected" if number else "another model"
        )
        assert_text_only(visitor)


def test_a_file_name_puts_nothing_but_text_into_a_message(visit: Callable[..., Visit], tmp_path: Path) -> None:
    visitor = visit().open().go("my-gallery")
    upload = {
        "name": '<img src="x" onerror="window.hacked=1">.zip',
        "mimeType": "application/zip",
        "buffer": b"PK no zip",
    }
    visitor.page.locator("input[type=file][accept*='.zip']").set_input_files(upload)  # type: ignore[arg-type]
    expect(visitor.page.get_by_text(".zip").first).to_be_visible()
    visitor.page.get_by_role("button", name="Build").click()
    expect(visitor.page.get_by_test_id("toast-text").first).to_contain_text("cannot be opened as a zip")
    assert_text_only(visitor)
