"""Kill -9 at random moments of whatever writes: nothing is lost, what stands is whole, and the next start goes on.

    python -m benchmarks.kills [--times 20] [--seed 0] [--json]

Four kinds of work, each struck so many times at random moments: a build, `average`, the saves of a training run, and a rebuild of
a gallery that this process has open. The work runs in a forked copy of this process, so that a strike meets the work
and not the loading of libraries. Exit status 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from hgan.checkpoint import load, save_checkpoint, soup
from hgan.data.folder import read_dataset
from hgan.gallery.build import build_gallery
from hgan.gallery.store import Gallery, verify
from hgan.retrieval.retriever import ROOT, Retriever
from hgan.training.config import TrainConfig
from hgan.training.trainer import Trainer

CHECKPOINT = ROOT / "checkpoints" / "hgan-mini"
PICTURES = 96


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="strikes of each kind of work (default 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # threads do not survive a fork
    rng, results = random.Random(options.seed), {}
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), rng, options.times)
        for kind in (bench.build, bench.average, bench.train, bench.rebuild):
            results[kind.__name__] = kind()
    lost = sum(len(result["wrong"]) for result in results.values())
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        for kind, result in results.items():
            print(f"{kind:8} struck {result['struck']} of {result['tries']} times within {result['seconds']:.1f} s of work: "
                  f"{result['wrong'] or 'nothing lost, everything whole'}")  # fmt: skip
    return 1 if lost else 0


class Bench:
    """The four kinds of work over one temporary folder."""

    def __init__(self, folder: Path, rng: random.Random, times: int) -> None:
        self.folder, self.rng, self.times = folder, rng, times
        self.model, self.processor = load(CHECKPOINT, "cpu")
        self.a, self.b = (draw(folder / name, seed) for name, seed in (("A", 0), ("B", 9000)))
        self.owned = hashes(self.a) | hashes(self.b)

    def build(self) -> dict[str, Any]:
        """A build of a new gallery; after every fifth strike it is let through and a new place is taken."""
        place = self.folder / "built"
        seconds = timed(lambda: self._gallery(self.a, place))
        pictures = whole(place)

        def check() -> list[str]:
            return self._sources() + (verify(place) if place.exists() else [])

        def strike(n: int) -> tuple[bool, list[str]]:
            nonlocal place
            struck, wrong = self._strike(lambda: self._gallery(self.a, place), seconds, check)
            if n % 5 == 4 or not struck:
                fork(lambda: self._gallery(self.a, place), None)
                wrong += check() + (
                    [] if whole(place) == pictures else ["other pictures than those of an unbroken build"]
                )
                place = self.folder / f"built-{n}"
            return struck, wrong

        return self._all(strike, seconds)

    def average(self) -> dict[str, Any]:
        """`average` over a checkpoint that is there."""
        out = self.folder / "mean"

        def work() -> None:
            save_checkpoint(*soup({str(CHECKPOINT): 1.0}), out)

        seconds = timed(work)
        (out / "README.md").write_text("a card that a person wrote")
        expected = hashes(out)

        def check() -> list[str]:
            return [] if hashes(out) == expected else ["the checkpoint is not as it was"]

        return self._all(lambda n: self._strike(work, seconds, check), seconds)

    def train(self) -> dict[str, Any]:
        """A run that saves after every step; each strike is followed by the next start."""
        config = self._run_config()
        seconds = timed(lambda: Trainer(config, progress=False))
        saved = 0

        def check() -> list[str]:
            nonlocal saved
            path = Path(config.out) / "state.pt"
            step = int(torch.load(path, weights_only=True)["step"]) if path.exists() else 0
            wrong = [f"step {step} after step {saved}"] if step < saved else []
            saved = max(saved, step)
            if (best := Path(config.out) / "best").exists():
                load(best, "cpu")
            return wrong + self._sources()

        def work() -> None:
            Trainer(config, progress=False).run()

        result = self._all(lambda n: self._strike(work, seconds + 8, check), seconds + 8)
        return {**result, "steps": saved}

    def rebuild(self) -> dict[str, Any]:
        """A gallery that is open here is rebuilt from other pictures of the same names."""
        place = self.folder / "open"
        seconds = timed(lambda: self._gallery(self.a, place))
        known = [whole(place)]
        fork(lambda: self._gallery(self.b, place), None)
        known.append(whole(place))
        retriever = Retriever(self.model, self.processor, Gallery(place))
        pictures, hits = shown(retriever.gallery), retriever.search(text="a red ball").hits

        def check() -> list[str]:
            wrong = verify(place) + self._sources()
            if whole(place) not in known:
                wrong.append("a mixture of both")
            if shown(retriever.gallery) != pictures or retriever.search(text="a red ball").hits != hits:
                wrong.append("the open gallery answers otherwise")
            return wrong

        sources = (self.a, self.b)
        return self._all(lambda n: self._strike(lambda: self._gallery(sources[n % 2], place), seconds, check), seconds)

    def _gallery(self, source: Path, place: Path) -> None:
        build_gallery(self.model, self.processor, read_dataset(source), place, "hgan-mini")

    def _run_config(self) -> TrainConfig:
        data = self.folder / "data"
        draw(data, 17, 16)
        lines = [{"image": f"{n:03d}.jpg", "split": split, "captions": [f"picture {n}"]}
                 for n, split in enumerate(["train"] * 12 + ["dev"] * 4)]  # fmt: skip
        (data / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return TrainConfig(
            data={str(data): 1}, dev=(str(data),), out=str(self.folder / "run"), start=str(CHECKPOINT),
            epochs=100, patience=100, batch_size=4, captions=1, save_minutes=0.0, precision="float32",
        )  # fmt: skip

    def _sources(self) -> list[str]:
        return [] if hashes(self.a) | hashes(self.b) == self.owned else ["a picture of a person is gone or changed"]

    def _strike(
        self, work: Callable[[], Any], seconds: float, check: Callable[[], list[str]]
    ) -> tuple[bool, list[str]]:
        struck = fork(work, self.rng.uniform(0, seconds))
        try:
            return struck, check()
        except Exception as error:  # what cannot be read is lost
            return struck, [f"{type(error).__name__}: {error}"]

    def _all(self, strike: Callable[[int], tuple[bool, list[str]]], seconds: float) -> dict[str, Any]:
        struck, wrong = 0, []
        tries = 0
        while struck < self.times and tries < 3 * self.times:  # a strike after the end of the work does not count
            hit, found = strike(tries)
            struck, tries = struck + hit, tries + 1
            wrong += found
        return {"tries": tries, "struck": struck, "seconds": seconds, "wrong": wrong}


def fork(work: Callable[[], Any], seconds: float | None) -> bool:
    """Runs work in a copy of this process and kills it after so many seconds; whether it had not ended by then."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return bool(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL)


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    fork(work, None)
    return time.perf_counter() - start


def whole(place: Path) -> list[str]:
    return shown(Gallery(place))


def shown(gallery: Gallery) -> list[str]:
    return [hashlib.sha256(gallery.read_thumbnail(row)).hexdigest() for row in range(len(gallery.items))]


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def draw(folder: Path, seed: int, count: int = PICTURES) -> Path:
    folder.mkdir()
    for n in range(count):
        rng = random.Random(seed + n)
        image = Image.new("RGB", (160, 120), tuple(rng.randrange(256) for _ in range(3)))
        for _ in range(5):
            x, y = rng.randrange(160), rng.randrange(120)
            ImageDraw.Draw(image).ellipse([x, y, x + 40, y + 40], fill=tuple(rng.randrange(256) for _ in range(3)))
        image.save(folder / f"{n:03d}.jpg")
    return folder


if __name__ == "__main__":
    sys.exit(main())
