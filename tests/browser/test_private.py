"""A visitor's own pictures, and text that would like to be a program."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.driving import Visit

SCRIPT = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>${window.hacked=1}{{window.hacked=1}}'
NAME = "<img src=x onerror=window.hacked=1>.png"


def as_png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def pictures(path: Path, picture: Callable[..., Image.Image], names: list[str]) -> Path:
    """A zip of pictures, each with a caption in which there is script."""
    captions = [json.dumps({"image": name, "captions": [f"number {n} {SCRIPT}"]}) for n, name in enumerate(names)]
    with zipfile.ZipFile(path, "w") as archive:
        for n, name in enumerate(names):
            archive.writestr(name, as_png(picture(n)))
        archive.writestr("captions.jsonl", "\n".join(captions))
    return path


def assert_nothing_ran(visitor: Visit) -> None:
    assert visitor.page.evaluate("window.hacked") is None
    assert not [url for url in visitor.requests if url.endswith("/x")]


def test_own_pictures_are_searched_and_nobody_else_sees_them(
    visit: Callable[..., Visit], picture: Callable[..., Image.Image], tmp_path: Path
) -> None:
    visitor = visit().open().go("my-gallery")
    page = visitor.page
    archive = pictures(tmp_path / "mine.zip", picture, ["mine-1.png", "mine-2.png", NAME])
    page.locator("input[type=file][accept*='.zip']").set_input_files(archive)
    expect(page.get_by_text("mine.zip").first).to_be_visible()
    page.get_by_role("button", name="Build").click()
    thumbs = page.locator("#my-pictures .hg-thumbs button")
    expect(thumbs).to_have_count(3)
    assert visitor.inaccessible() == []
    assert visitor.overflow() <= 0
    mine = {str(id_) for id_ in thumbs.evaluate_all("all => all.map((one) => one.dataset.id)")}
    assert_nothing_ran(visitor)
    thumbs.first.click()  # words for a picture of one's own
    expect(page.locator("#my-words .hg-match").first).to_be_visible()
    assert_nothing_ran(visitor)
    page.get_by_role("button", name="Search these pictures").click()
    visitor.search("a red circle")
    assert set(visitor.ids()) == mine
    visitor.explain(0)
    page.wait_for_function("location.search.includes('gallery=own')")
    assert_nothing_ran(visitor)

    friend = visit()
    friend.page.goto(page.url)
    expect(friend.page.get_by_text("which is private").first).to_be_visible()
    friend.go("search")
    friend.search("a red circle")
    assert not set(friend.ids()) & mine
    expect(friend.page.get_by_label("My own")).to_be_hidden()

    saved = visitor.go("my-gallery").download("Download as a gallery folder", tmp_path)
    assert zipfile.ZipFile(saved).testzip() is None
    page.get_by_role("button", name="Remove my gallery").click()
    expect(page.locator("#my-pictures .hg-hint")).to_contain_text("removed")
    visitor.go("search")
    expect(page.get_by_label("My own")).to_be_hidden()
    visitor.search("a blue square")
    assert not set(visitor.ids()) & mine


def test_script_in_a_question_does_not_run(
    visit: Callable[..., Visit], picture: Callable[..., Image.Image], tmp_path: Path
) -> None:
    visitor = visit().open()
    page = visitor.page
    visitor.search(SCRIPT)
    visitor.explain(0)
    visitor.go("compare")
    expect(page.locator("#compared .hg-compared")).to_be_visible()
    assert_nothing_ran(visitor)
    saved = visitor.download("Save as one HTML file", tmp_path)
    visitor.go("search")
    page.get_by_role("tab", name="By picture").click()
    upload = {"name": NAME, "mimeType": "image/png", "buffer": as_png(picture(1))}
    page.locator("input[type=file][accept='image/*']").first.set_input_files(upload)  # type: ignore[arg-type]
    expect(page.locator(".image-frame img")).to_be_visible()
    page.get_by_role("button", name="Search", exact=True).locator("visible=true").click()
    expect(page.locator("#matches .hg-caption").first).to_be_visible()
    assert_nothing_ran(visitor)
    page.goto(saved.as_uri())
    expect(page.locator(".hg-compared")).to_be_visible()
    assert_nothing_ran(visitor)


def test_wrong_input_is_said_in_plain_words(visit: Callable[..., Visit]) -> None:
    visitor = visit().open()
    page = visitor.page
    page.get_by_role("button", name="Search", exact=True).first.click()
    said = page.get_by_test_id("toast-text").first
    expect(said).to_contain_text("expected")
    expect(said).not_to_contain_text("Traceback")
    damaged = visit().open(q="a red circle", id="nobody")
    expect(damaged.page.get_by_test_id("toast-text").first).to_contain_text("nobody")
