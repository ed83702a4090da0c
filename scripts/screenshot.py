"""Makes the pictures of the running demo in docs/, one WebP a page.

    python -m scripts.screenshot [--sentence S] [--rank N] [--case ID] [--only NAME ...] [--out FOLDER] [--dark]

    screenshot.webp   a search, and its first match          compare.webp     why the first is above the second
    explain.webp      one match taken apart, a word chosen   what-if.webp     the score without a word
    errors.webp       the error analysis                     classroom.webp   a case, revealed
    phone.webp        search, explanation and classroom on a phone, side by side

Needs playwright (requirements-dev.txt) and a Chromium (`python -m scripts.chromium`). The checkpoint and the gallery are the
demo's own, or those that HGAN_CHECKPOINT and HGAN_GALLERY name.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from app import build_demo, launch_options
from hgan.retrieval.retriever import Retriever

from .chromium import find

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 150_000
WAIT_MS = 60_000
DESKTOP, PHONE = (1280, 1000), (390, 844)
GAP = 24  # px between pictures side by side


class Camera:
    """Opens links of the demo in a browser and takes pictures of them."""

    def __init__(self, page: Page, url: str, options: argparse.Namespace, ids: list[str]) -> None:
        self.page, self.url, self.options, self.ids = page, url, options, ids
        self.theme = "dark" if options.dark else "light"

    def open(self, ready: str, **parameters: str) -> Page:
        """A state by its link, as soon as `ready` (a CSS selector) is there."""
        self.page.goto(f"{self.url}?{urlencode(parameters | {'__theme': self.theme})}")
        self.page.wait_for_selector(ready)
        return self.page

    def search(self) -> None:
        self.open("#matches .hg-match", tab="search", q=self.options.sentence)

    def explain(self) -> None:
        id_ = self.ids[self.options.rank - 1]
        page = self.open("#why .hg-explained", tab="explain", q=self.options.sentence, id=id_)
        page.locator(".hg-sentence .hg-chip:not([data-meets=''])").last.click()

    def compare(self) -> None:
        self.open("#compared .hg-compared", tab="compare", q=self.options.sentence)

    def what_if(self) -> None:
        last = str(len(self.options.sentence.split()) - 1)
        self.open("#changed .hg-changed", tab="what-if", q=self.options.sentence, id=self.ids[0], words=last)

    def errors(self) -> None:
        page = self.open("#metrics", tab="errors")
        page.get_by_role("button", name="Analyse").click()
        page.wait_for_selector("#failures table")

    def classroom(self) -> None:
        case = {"case": self.options.case} if self.options.case else {}
        page = self.open("#case .hg-case", tab="classroom", **case)
        for n, votes in enumerate(("4", "11", "3", "6")):
            page.locator(".hg-card input").nth(n).fill(votes)
        page.get_by_role("button", name="Reveal").click()

    def shoot(self, top: str | None = None) -> Image.Image:
        """A screen at rest: the first one, or the one that begins with what the selector `top` finds."""
        self.page.mouse.move(0, 0)
        self.page.evaluate("document.activeElement.blur()")
        self.page.wait_for_timeout(1000)  # progress marks fade, smooth scrolling ends
        self.page.evaluate("window.scrollTo(0, 0)")
        if top:
            self.page.locator(top).evaluate("(part) => part.scrollIntoView({behavior: 'instant'})")
        self.page.wait_for_timeout(300)
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")


SCENES: dict[str, Callable[[Camera], None]] = {
    "screenshot": Camera.search,
    "explain": Camera.explain,
    "compare": Camera.compare,
    "what-if": Camera.what_if,
    "errors": Camera.errors,
    "classroom": Camera.classroom,
}
ON_PHONE = {"screenshot": "#matches", "explain": "#why", "classroom": "#case"}  # scene -> what its screen begins with


def side_by_side(images: list[Image.Image]) -> Image.Image:
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    sheet = Image.new("RGB", (width, max(image.height for image in images)), "#888888")
    for n, image in enumerate(images):
        sheet.paste(image, (n * (images[0].width + GAP), 0))
    return sheet


def save(image: Image.Image, out: Path) -> None:
    """As WebP of the best quality that keeps within MAX_BYTES."""
    out.parent.mkdir(parents=True, exist_ok=True)
    for quality in range(90, 20, -5):
        image.save(out, "WEBP", quality=quality, method=6)
        if out.stat().st_size <= MAX_BYTES:
            break
    print(f"{out}: {image.width} x {image.height}, {out.stat().st_size:,} bytes, quality {quality}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentence", help="default: the gallery's first caption")
    parser.add_argument("--rank", type=int, default=1, help="of the match to explain")
    parser.add_argument("--case", help="id of the classroom's case; default: the first")
    parser.add_argument("--only", nargs="+", choices=[*SCENES, "phone"], default=[*SCENES, "phone"])
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    retriever = Retriever.open()
    options.sentence = options.sentence or retriever.gallery.items[0].captions[0]
    ids = [hit.id for hit in retriever.search(text=options.sentence, k=50).hits]
    chromium = find()
    demo = build_demo(retriever)
    _, url, _ = demo.launch(**launch_options(), prevent_thread_lock=True, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])

        def shots(size: tuple[int, int], scenes: dict[str, str | None]) -> list[Image.Image]:
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            page.set_default_timeout(WAIT_MS)
            camera, taken = Camera(page, url, options, ids), []
            for name, top in scenes.items():
                SCENES[name](camera)
                taken.append(camera.shoot(top))
            page.close()
            return taken

        wanted = {name: None for name in SCENES if name in options.only}
        for name, image in zip(wanted, shots(DESKTOP, wanted), strict=True):
            save(image, options.out / f"{name}.webp")
        if "phone" in options.only:
            save(side_by_side(shots(PHONE, {**ON_PHONE})), options.out / "phone.webp")
        browser.close()
    demo.close()


if __name__ == "__main__":
    main()
