"""What a host sets by environment variables: read, checked and named here alone.

An empty variable counts as one that is not set. Commands read what they need by `setting`, the app reads all at its start.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

PREFIX = "HGAN_"
LONGEST = 4_096  # characters of a text, as of a path
_said: set[str] = set()


@dataclass(frozen=True)
class Number:
    """A whole number that a host may set."""

    default: int | None
    least: int
    most: int
    unit: str


NUMBERS = {
    "HGAN_PORT": Number(None, 1, 65_535, "the number of a port"),
    "HGAN_UPLOAD_PICTURES": Number(500, 1, 100_000, "a number of pictures"),
    "HGAN_UPLOAD_MB": Number(200, 1, 100_000, "a number of megabytes"),
    "HGAN_WAITING_MB": Number(4_000, 1, 10_000_000, "a number of megabytes"),
    "HGAN_GALLERIES": Number(200, 2, 100_000, "a number of galleries"),
    "HGAN_GALLERIES_MB": Number(1_000, 1, 10_000_000, "a number of megabytes"),
    "HGAN_SESSIONS": Number(500, 2, 1_000_000, "a number of sessions"),
    "HGAN_QUEUE": Number(600, 2, 100_000, "a number of questions"),
    "HGAN_TRUST_PROXY": Number(0, 0, 10, "a number of proxies in front of the app"),
}
TEXTS = ("HGAN_CHECKPOINT", "HGAN_GALLERY", "HGAN_HOST", "HGAN_CACHE")


@dataclass(frozen=True)
class Settings:
    """Every setting. None where the default is somebody else's: gradio's, or the project's own model and gallery."""

    checkpoint: str | None = None
    gallery: str | None = None
    host: str | None = None
    port: int | None = None
    upload_pictures: int = 500  # in one upload
    upload_mb: int = 200  # of one upload, all files together
    waiting_mb: int = 4_000  # of all uploads that have not been used yet; half of it for one address
    galleries: int = 200  # of visitors, at once; half of them for one address
    galleries_mb: int = 1_000  # of visitors, on disk; half of it for one address
    sessions: int = 500  # whose state is kept; two fifths of them for one address
    queue: int = 600  # questions that wait or run; a quarter of them for one address
    trust_proxy: int = 0  # proxies before the app, each of which adds to X-Forwarded-For; 0 believes nobody
    cache: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """All settings, checked. A name that starts with HGAN_ and is none of them gets a warning on standard error.

        Raises:
            ValueError: a setting that cannot be used.
        """
        known = os.environ if environment is None else environment
        warn_of_unknown(known)
        read = {field.name: setting(PREFIX + field.name.upper(), known) for field in fields(cls)}
        return cls(**read)


def setting(name: str, environment: Mapping[str, str] | None = None) -> Any:
    """One setting: its text or number, or its default (None for a text).

    Raises:
        ValueError: it cannot be used.
    """
    if environment is None:
        warn_of_unknown(os.environ)
    value = (os.environ if environment is None else environment).get(name, "")
    if name in TEXTS:
        return _text(name, value)
    number = NUMBERS[name]
    if not value:
        return number.default
    if not re.fullmatch(r"[0-9]{1,12}", value, re.ASCII) or not number.least <= int(value) <= number.most:
        raise ValueError(
            f"got {name}={_shown(value)}, but expected {number.unit}, a whole number from {number.least:,} to {number.most:,}: "
            "change it or remove it"
        )
    return int(value)


def _text(name: str, value: str) -> str | None:
    if not value:
        return None
    faults = {
        "white space alone": not value.strip(),
        "white space at the start or end": value != value.strip(),
        f"more than {LONGEST:,} characters": len(value) > LONGEST,
        "a character that cannot be printed": not value.isprintable(),
    }
    fault = next((fault for fault, there in faults.items() if there), None)
    if fault:
        raise ValueError(
            f"got {name}={_shown(value)}, which has {fault}, but expected a plain name: correct it or remove it"
        )
    return value


def _shown(value: str) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 60 else f"{shown[:50]}…' ({len(value):,} characters)"


def warn_of_unknown(environment: Mapping[str, str]) -> None:
    """Says once of each name that looks like a setting that it is none, and which was probably meant."""
    names = [*TEXTS, *NUMBERS]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else "docs/hosting.md lists them"
            say_once(f"{_shown(name)[1:-1]} is not a setting and has no effect; {hint}")


def say_once(message: str) -> None:
    """One line on standard error, the first time only: what is done without is said, but not at each question."""
    if message not in _said:
        _said.add(message)
        print(f"hgan: {' '.join(message.split())}", file=sys.stderr)


def cache_folder() -> Path | None:
    """Where this package keeps what it can make again: HGAN_CACHE, or hgan in XDG_CACHE_HOME, or ~/.cache/hgan. None where there
    is no such place, as for a user without a home; then nothing is kept.

    Raises:
        ValueError: HGAN_CACHE cannot be used as a name.
    """
    own = setting("HGAN_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(shared):  # by its specification, any other is to be passed over
        return Path(shared) / "hgan"
    try:
        return Path.home() / ".cache" / "hgan"
    except (RuntimeError, KeyError):
        say_once(
            "there is no home folder for encoded captions, so they are encoded again at each start; set HGAN_CACHE to keep them"
        )
        return None
