"""Makes docs/screenshot.webp: the running demo after a search, with a match explained.

    python -m scripts.screenshot [--sentence S] [--rank N] [--out FILE] [--width PIXELS] [--height PIXELS] [--dark]

Needs playwright (requirements-dev.txt) and a Chromium, such as Debian's package `chromium`. The checkpoint and the gallery are
the demo's own, or those that HGAN_CHECKPOINT and HGAN_GALLERY name.
"""

from __future__ import annotations

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from app import build_demo, launch_options
from hgan.retriever import Retriever

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 250_000
WAIT_MS = 60_000


def shoot(url: str, options: argparse.Namespace) -> Image.Image:
    """Searches on the page at `url`, chooses the match of the wanted rank, and takes the picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": options.width, "height": options.height})
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{url}?__theme={'dark' if options.dark else 'light'}")
        page.get_by_label("Sentence").fill(options.sentence)
        page.keyboard.press("Enter")
        match = page.locator(".hg-match").nth(options.rank - 1)
        match.click()
        name = match.get_attribute("data-id")
        page.wait_for_function("name => document.querySelector('.hg-explained')?.dataset.id === name", arg=name)
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        page.wait_for_timeout(1000)  # progress marks fade
        data = page.screenshot(full_page=options.full)
        browser.close()
    return Image.open(io.BytesIO(data)).convert("RGB")


def save(image: Image.Image, out: Path) -> None:
    """As WebP of the best quality that keeps within MAX_BYTES."""
    out.parent.mkdir(parents=True, exist_ok=True)
    for quality in range(90, 20, -5):
        image.save(out, "WEBP", quality=quality, method=6)
        if out.stat().st_size <= MAX_BYTES:
            break
    print(f"{out}: {image.width} x {image.height}, {out.stat().st_size:,} bytes, quality {quality}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Takes the demo's screenshot.")
    parser.add_argument("--sentence", help="default: the first example")
    parser.add_argument("--rank", type=int, default=1, help="of the match to explain")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshot.webp")
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--height", type=int, default=1150)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--full", action="store_true", help="the whole page, not the first screen")
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    options = parser.parse_args()
    retriever = Retriever.open()
    options.sentence = options.sentence or retriever.gallery.items[0].captions[0]
    demo = build_demo(retriever)
    _, url, _ = demo.launch(**launch_options(), prevent_thread_lock=True, quiet=True)
    try:
        save(shoot(url, options), options.out)
    finally:
        demo.close()


if __name__ == "__main__":
    main()
