"""A visitor of the demo: what the browser tests do on its pages, and what they watch meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, expect

from hgan.demo.parts.context import PAGES

WAIT_MS = 40_000  # generous: a busy machine is no fault
PHONE = 600  # px: narrower screens are touched
FAULTS = ("serious", "critical")
QUIET_MS = 400  # for the page to come to rest before it is judged

expect.set_options(timeout=WAIT_MS)


class Visit:
    """One browser context on the demo.

    Args:
        width: of the screen in px.
        theme: "light" or "dark".
    """

    def __init__(self, browser: Browser, site: str, width: int, theme: str) -> None:
        self.site, self.theme = site, theme
        phone = width < PHONE
        size: Any = {"width": width, "height": 844 if phone else 900}
        self.context = browser.new_context(viewport=size, has_touch=phone, is_mobile=phone, accept_downloads=True)
        self.context.set_default_timeout(WAIT_MS)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.faults: list[str] = []
        self.context.on("request", lambda request: self._asked(request.url))
        self.context.on("console", lambda message: self._said(message.type, message.text))
        self.context.on("weberror", lambda error: self.faults.append(f"script error: {error.error}"))
        self.context.on("dialog", self._opened)

    def _asked(self, url: str) -> None:
        self.requests.append(url)
        if urlsplit(url).scheme not in ("data", "blob", "file") and not url.startswith(self.site):
            self.faults.append(f"a request left the machine: {url:.200}")

    def _said(self, type: str, text: str) -> None:
        if type == "error":
            self.faults.append(f"console: {text:.500}")

    def _opened(self, dialog: Any) -> None:
        self.faults.append(f"a dialog opened: {dialog.message}")
        dialog.dismiss()

    def open(self, **parameters: str) -> Visit:
        """Loads the page with a link's parameters."""
        self.page.goto(f"{self.site}?{urlencode(parameters | {'__theme': self.theme})}")
        expect(self.page.locator("#pages [role=tab][aria-selected=true]").first).to_be_visible()
        # Until the address has been read, the first tab must stay.
        self.page.wait_for_function("window.hganOpened === true")
        return self

    def go(self, id: str) -> Visit:
        """Chooses a page by its tab, or by the menu of those that a narrow screen has no room for."""
        tab = self.page.locator(f'#pages > .tab-wrapper [role=tab][data-tab-id="{id}"]')
        if tab.is_visible():
            tab.click()
        else:
            self.page.get_by_label("More tabs").first.click()
            self.page.locator("#pages > .tab-wrapper .overflow-dropdown").get_by_text(PAGES[id], exact=True).click()
        expect(tab).to_have_attribute("aria-selected", "true")
        return self

    def search(self, sentence: str) -> Locator:
        """Asks for a sentence; the matches."""
        page = self.page
        page.get_by_label("Sentence").first.fill(sentence)
        page.get_by_role("button", name="Search", exact=True).first.click()
        expect(page.locator("#matches h2")).to_contain_text(sentence[:40])
        return page.locator("#matches .hg-match")

    def weigh(self, **levels: float) -> None:
        """Opens what holds the sliders and moves some of them."""
        self.page.get_by_text("Adjust level weights").click()
        slider = {level: self.page.get_by_label(f"range slider for {level}") for level in levels}
        for level in levels:
            expect(slider[level]).to_be_visible()
        # What the address set while they were hidden is set on them a moment after they are shown; no hand is there sooner.
        self.page.wait_for_timeout(QUIET_MS)
        for level, value in levels.items():
            slider[level].fill(str(value))

    def ids(self) -> list[str]:
        """Of the matches on the page, in their order."""
        matches = self.page.locator("#matches .hg-match")
        return [str(value) for value in matches.evaluate_all("all => all.map((one) => one.dataset.id)")]

    def explain(self, place: int = 0) -> Locator:
        """Chooses a match; its explanation."""
        match = self.page.locator("#matches .hg-match").nth(place)
        id_ = match.get_attribute("data-id")
        match.click()
        return self.explained(str(id_))

    def explained(self, id: str) -> Locator:
        """The explanation of a match, as soon as it is there."""
        explanation = self.page.locator(f'#why .hg-explained[data-id="{id}"]')
        expect(explanation).to_be_visible()
        return explanation

    def download(self, button: str, folder: Path) -> Path:
        """Presses a button that saves a file."""
        with self.page.expect_download() as started:
            self.page.get_by_role("button", name=button).locator("visible=true").click()
        path = folder / started.value.suggested_filename
        started.value.save_as(path)
        return path

    @property
    def address(self) -> dict[str, str]:
        """The parameters that the address bar shows."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def overflow(self) -> int:
        """By how many px the page is wider than the screen."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def inaccessible(self) -> list[str]:
        """What axe-core finds wrong on the page, of the serious kinds; what is gone a moment later was a page still drawing."""
        return self._faults_now() and self._faults_now()

    def _faults_now(self) -> list[str]:
        """Of the page as it is. axe's script comes from the package, not from the net."""
        self.page.wait_for_timeout(QUIET_MS)
        found = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{fault['id']}: {node['target']} {node['html']:.200}"
            for fault in found
            if fault["impact"] in FAULTS
            for node in fault["nodes"]
        ]

    def close(self) -> None:
        """The visit ends."""
        self.context.close()

    def check(self) -> None:
        """Fails where something was requested from elsewhere, a script failed or a dialog opened."""
        assert self.faults == []
