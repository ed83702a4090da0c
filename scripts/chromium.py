"""Finds a Chromium for the browser tests, or installs one: `python -m scripts.chromium`.

Looked for on the PATH, then among Playwright's own. Where there is none, Debian's package is installed (as root, where apt-get
is), else Playwright's build (where the network allows). Exit status 1, or 0 outside CI, when none could be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 900  # that installing may take
MISSING = """
******************************************************************************************************
* NO CHROMIUM: the tests that look at the demo in a real browser are NOT RUN.                        *
* Install Debian's package `chromium`, or run `python -m playwright install chromium`.               *
******************************************************************************************************
"""


def find() -> str | None:
    """The path of a Chromium on this machine; None when there is none, or no playwright to drive it."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def ways_to_install() -> list[list[list[str]]]:
    """Commands that install one, the better way first. Debian's package brings the libraries that a browser needs."""
    debian = [["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]]
    own = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    return [debian, own] if os.geteuid() == 0 and shutil.which("apt-get") else [own]


def install() -> None:
    """Tries one way after the other until there is a Chromium. What fails says so on stderr."""
    for commands in ways_to_install():
        try:
            for command in commands:
                print(f"no Chromium yet: {' '.join(command)}", file=sys.stderr)
                subprocess.run(command, check=True, timeout=SECONDS, stdout=subprocess.DEVNULL)
        except (subprocess.SubprocessError, OSError) as error:
            print(error, file=sys.stderr)
        if find():
            return


def in_ci() -> bool:
    """Whether a missing browser is a failure."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def main() -> int:
    """Prints the path of a Chromium."""
    if not find():
        install()
    path = find()
    print(path or MISSING, file=sys.stdout if path else sys.stderr)
    return 1 if path is None and in_ci() else 0


if __name__ == "__main__":
    sys.exit(main())
