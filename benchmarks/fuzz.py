"""Damaged and hostile inputs of every kind, made with a seed: how many were tried, and how many went wrong. Wrong is anything but
a result or a refusal in plain words (ValueError), and whatever takes too long or too much memory.

    python -m benchmarks.fuzz                       about a minute on one core
    python -m benchmarks.fuzz --seconds 600 --seed 7 --json fuzz.json
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from unittest import mock

from hgan import settings as hgan_settings
from hgan.data.folder import LeftOut, read_dataset
from hgan.data.truth import read_truth
from hgan.demo.uploads.captions import read_captions
from hgan.demo.uploads.files import Upload, receive
from hgan.demo.uploads.limits import Limits
from hgan.io.images import open_image
from hgan.io.left_out import told
from hgan.io.places import file_place, json_with
from hgan.io.terminal import json_text, shown
from hgan.retrieval.case import Source, read_case

from .fuzz_inputs import lines, packed, picture, spoil, table

SECONDS, MEGABYTES = 5.0, 600.0  # that one input may take
NUMBERS = (
    "0",
    "-1",
    "1",
    "7",
    "9" * 400,
    "1e3",
    "²",
    "nan",
    "inf",
    "",
    " ",
    "1.5",
    "\u0664",
    "/dev/null",
    "\x1b[31m",
    "a" * 10_000,
)


@dataclass
class Tally:
    """What came of one kind of input."""

    tried: int = 0
    refused: int = 0
    slowest: float = 0.0  # seconds
    largest: float = 0.0  # megabytes
    wrong: list[str] = field(default_factory=list)


def try_picture(data: bytes, rng: random.Random, folder: Path) -> None:
    path = folder / f"a.{rng.choice(('png', 'jpg', 'tif', 'txt'))}"
    path.write_bytes(data)
    image = open_image(rng.choice((data, path)))
    if image.mode != "RGB" or 0 in image.size:
        raise AssertionError(f"got a picture of mode {image.mode}")


def try_captions(data: bytes, rng: random.Random, folder: Path) -> None:
    name = "c.jsonl" if data[:1] == b"{" or rng.random() < 0.1 else "c.csv"
    read_captions(data, name, left_out=rng.choice((None, [])))


def try_dataset(data: bytes, rng: random.Random, folder: Path) -> None:
    left_out: list[LeftOut] = []
    for name in ("captions.jsonl", "regions.jsonl", "caption_facts.jsonl", "scenes.jsonl"):
        if name == "captions.jsonl" or rng.random() < 0.4:
            (folder / name).write_bytes(rng.choice((data, spoil(data, rng), lines(rng))))
    try:
        json.dumps([record.id for record in read_dataset(folder, rng.choice((None, "dev")), left_out)]).encode()
        read_truth(folder, None, left_out)
    finally:
        "\n".join(told(left_out)).encode()


def try_zip(data: bytes, rng: random.Random, folder: Path) -> None:
    (folder / "in").mkdir()
    (folder / "up.zip").write_bytes(data)
    for record in receive(
        [Upload(folder / "up.zip", "up.zip")], folder / "in", Limits(pictures=50, megabytes=5)
    ).records:
        json.dumps([record.id, record.image, record.captions], ensure_ascii=False).encode()
    outside = [
        path for path in folder.rglob("*") if path.is_file() and path.parent != folder / "in" and path.name != "up.zip"
    ]
    if outside:
        raise AssertionError(f"got {outside[0]} outside the folder")


def try_case(data: bytes, rng: random.Random, folder: Path) -> None:
    read_case(data, Source("m", "0" * 64), Source("g", "0" * 64))


def try_setting(data: bytes, rng: random.Random, folder: Path) -> None:
    name, value = (
        rng.choice((*hgan_settings.TEXTS, *hgan_settings.NUMBERS)),
        rng.choice((*NUMBERS, data.decode("latin-1"))),
    )
    environment = {name: value.replace("\0", "")}
    settings = hgan_settings.Settings.from_environment(environment)  # refused by name, or read
    with mock.patch.dict(os.environ, environment):
        Limits.from_environment()
        hgan_settings.cache_folder()
    if settings.upload_pictures < 1 or not 0 <= (settings.port or 1) < 65_536:
        raise AssertionError("took a setting that cannot be used")


def try_terminal(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    if not shown(text).isprintable() and any(ord(c) < 32 for c in shown(text)):
        raise AssertionError("got a control character")
    file = io.TextIOWrapper(io.BytesIO(), encoding=rng.choice(("ascii", "cp1252", "utf-8")))
    if json.loads(json_text({"a": text}, file)) != {"a": text}:
        raise AssertionError("got another text back")


CASE = json.dumps(
    {
        "format": 1,
        "kind": "search",
        "state": {},
        "data": {},
        **{k: {"name": "n", "sha256": "0"} for k in ("model", "gallery")},
    }
)
KINDS: dict[str, tuple[Callable[[random.Random], bytes], Callable[[bytes, random.Random, Path], None]]] = {
    "pictures": (picture, try_picture),
    "captions": (lambda rng: rng.choice((lines, table))(rng), try_captions),
    "json lines": (lines, try_dataset),
    "zips": (packed, try_zip),
    "cases": (lambda rng: CASE.encode(), try_case),
    "settings": (lambda rng: rng.choice(NUMBERS).encode(), try_setting),
    "texts": (lines, try_terminal),
}


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """A folder that is empty at first, and again at the end."""
    inside = folder / "try"
    inside.mkdir()
    try:
        yield inside
    finally:
        shutil.rmtree(inside)


def attempt(kind: str, seed: str, folder: Path, tally: Tally) -> None:
    """One input, made from its seed alone."""
    make, use = KINDS[kind]
    rng = random.Random(seed)
    data = make(rng)
    data = data if rng.random() < 0.35 else spoil(data, rng)
    wrong = ""
    tracemalloc.reset_peak()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    try:
        with emptied(folder) as inside:
            use(data, rng, inside)
    except ValueError as error:
        tally.refused += 1
        if not str(error) or isinstance(error, UnicodeError):
            wrong = f"{type(error).__name__}: {error}"
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    took, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1] / 1e6
    peak = max(
        peak, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    )  # what Pillow took counts too
    tally.tried += 1
    tally.slowest, tally.largest = max(tally.slowest, took), max(tally.largest, peak)
    if took > SECONDS:
        wrong = wrong or f"{took:.1f} seconds"
    if peak > MEGABYTES:
        wrong = wrong or f"{peak:.0f} MB"
    if wrong:
        tally.wrong.append(f"{seed}: {shown(wrong, 200)}")


def run(seconds: float, seed: int, kinds: list[str]) -> dict[str, Tally]:
    """Every kind in turn, until the time is over."""
    tallies, end, number = {kind: Tally() for kind in kinds}, time.perf_counter() + seconds, 0
    tracemalloc.start()
    with tempfile.TemporaryDirectory() as folder:
        while time.perf_counter() < end:
            for kind in kinds:
                attempt(kind, f"{kind} {seed} {number}", Path(folder), tallies[kind])
            number += 1
    tracemalloc.stop()
    return tallies


def main(arguments: list[str] | None = None) -> int:
    """Prints a table; the exit status is 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=sorted(KINDS), action="append", help="only this kind; may be repeated")
    parser.add_argument("--json", metavar="FILE", help="write it as JSON too")
    options = parser.parse_args(arguments)
    if options.json:
        options.json = file_place(options.json, "python -m benchmarks.fuzz", json_with(("seed", "kinds")))
    tallies = run(options.seconds, options.seed, options.kind or list(KINDS))
    print(f"{'kind':12}{'tried':>8}{'refused':>9}{'wrong':>7}{'slowest s':>11}{'most MB':>9}")
    for kind, tally in tallies.items():
        print(f"{kind:12}{tally.tried:8}{tally.refused:9}{len(tally.wrong):7}{tally.slowest:11.2f}{tally.largest:9.1f}")
    wrong = [line for tally in tallies.values() for line in tally.wrong]
    print(f"{sum(t.tried for t in tallies.values()):,} tried, {len(wrong)} went wrong", *wrong[:20], sep="\n")
    if options.json:
        report = {"seed": options.seed, "kinds": {kind: asdict(tally) for kind, tally in tallies.items()}}
        Path(options.json).write_text(json_text(report) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
