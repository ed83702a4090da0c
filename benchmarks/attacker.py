"""Who attacks the running app in `benchmarks.attacks`, and what is sent: small files that are large once they are read."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from .server import Server, Session, connections

ATTACKER = "127.0.0.2"


class World:
    """The running app, and who attacks it: sessions at one address, as many as wanted."""

    def __init__(self, server: Server, temporary: Path, name: str) -> None:
        self.server, self.temporary, self.name = server, temporary, name
        self.http = connections(server, ATTACKER)
        self._count = itertools.count()

    def session(self) -> Session:
        """A session that the app has never seen."""
        return Session(self.server, f"{self.name}{next(self._count)}", self.http)

    def post(self, path: str, body: Any, session: Session | None = None) -> httpx.Response:
        """A request by hand; no answer at all counts as status 0."""
        try:
            return (session or self.session()).http.post(path, json=body)
        except httpx.HTTPError:
            return httpx.Response(0)

    def many(self, number: int, act: Callable[[int], Any], at_once: int = 16) -> Counter[Any]:
        """Does something many times; counts what came of it."""
        with ThreadPoolExecutor(at_once) as pool:
            return Counter(pool.map(act, range(number)))

    def disk_mb(self) -> float:
        """What lies in the app's folder for temporary files."""
        return sum(p.stat().st_size for p in self.temporary.rglob("*") if p.is_file()) / 1e6


def outcome(counts: Counter[Any]) -> str:
    """Statuses or messages with how often each came."""
    return ", ".join(f"{count} x {what}" for what, count in counts.most_common(4))


def said(call: Callable[[], Any]) -> str:
    """What a question was answered with, in short."""
    try:
        call()
    except (RuntimeError, httpx.HTTPError) as error:
        text = str(error)
        return "refused" if "got " in text or "429" in text or "413" in text else f"failed: {text[:120]}"
    return "answered"


def deep_picture(width: int = 7_000, height: int = 7_000) -> bytes:
    """95 kB that are 98 MB of 16-bit grey, and more once they are numbers."""
    data = io.BytesIO()
    Image.fromarray(np.full((height, width), 40_000, np.uint16)).save(data, "PNG")
    return data.getvalue()


def a_false_gallery(items: str) -> bytes:
    """A zip with a picture, and a gallery's manifest beside these items."""
    model = {"name": "m", "sha256": "0", "dim": 1}
    manifest = {
        "format": 1,
        "name": "g",
        "count": 1,
        "model": model,
        "files": {},
        "captions": 0,
        "regions": 0,
        "skipped": [],
    }
    data = io.BytesIO(a_zip(1))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("g/manifest.json", json.dumps(manifest))
        archive.writestr("g/items.jsonl", items)
    return data.getvalue()


def a_zip(pictures: int = 1, captions: str | None = None, seed: int = 0) -> bytes:
    """A zip of small pictures."""
    data, chance = io.BytesIO(), np.random.default_rng(seed)
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(pictures):
            one = io.BytesIO()
            Image.fromarray(chance.integers(0, 255, (48, 48, 3), np.uint8)).save(one, "PNG")
            archive.writestr(f"{number}.png", one.getvalue())
        if captions is not None:
            archive.writestr("captions.jsonl", captions)
    return data.getvalue()
