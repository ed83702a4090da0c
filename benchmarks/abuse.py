"""One visitor tries to harm the others: `python -m benchmarks.abuse [--out FILE.json] [--only NAME ...]`.

The real app in a process of its own, on loopback, and bounded. An attacker at one address does what stands in
`benchmarks.attacks`, one after the other. Meanwhile a second visitor at another address, who has a gallery of their own, and a
classmate at the attacker's own address search twice a second. Reported for each attack: what came of it, the most memory that
the app took, and the longest that each of the two waited. Status 1 if memory went above 2.5 GB, an answer took more than 2 s,
something of theirs was lost, the log holds what somebody wrote, or a private folder is left after SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hgan.io.places import file_place, json_with

from .attacker import ATTACKER, a_zip
from .attacks import ATTACKS, attack
from .server import Server, Session, connections, running

MOST_MB, MOST_SECONDS = 2_500, 2.0
WAITING_MB = 400  # so that the disk is not filled in earnest
PAUSE = 0.5
SECOND = "127.0.0.3"
SAMPLE_SECONDS = 0.02


class Bystander:
    """Somebody who searches meanwhile, in a gallery of their own, and whose upload waits to be used."""

    def __init__(self, server: Server, name: str, address: str) -> None:
        self.session, self.event = Session(server, name, connections(server, address)), server.event("by_sentence")
        self.settings = server.defaults(self.event)[1:]
        build = server.event("build_gallery")
        made = self.session.call(build, [[self.session.upload("mine.zip", a_zip(3, seed=99))], None])
        self.download = made[2]["path"]
        self.waiting = self.session.upload("later.zip", a_zip(2, seed=7))  # the attacker has the same file
        self.matches = server.component("matches")
        self.place = self.event["outputs"].index(self.matches)
        self.seconds: list[float] = []
        self.lost: list[str] = []

    def search(self) -> None:
        """One search, timed; what goes wrong is noted."""
        start = time.perf_counter()
        try:
            page = self.session.call(self.event, ["a dog on the grass", *self.settings])[self.place]
            if 'data-id="0"' not in page:
                self.lost.append("the own gallery is not searched")
        except (httpx.HTTPError, RuntimeError) as error:
            self.lost.append(f"a search: {error!s:.120}")
        self.seconds.append(time.perf_counter() - start)

    def check(self) -> None:
        """Whether everything of theirs is still there."""
        for what, path in (("download", self.download), ("upload", self.waiting["path"])):
            status = self.session.http.get(f"/file={path}").status_code
            if status != 200:
                self.lost.append(f"the {what} is gone ({status})")


@dataclass
class Result:
    """What came of one attack."""

    attack: str
    outcome: str
    peak_mb: float = 0.0
    second_s: float = 0.0
    classmate_s: float = 0.0
    lost: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[str]:
        """What must not be."""
        faults = list(self.lost)
        if self.peak_mb > MOST_MB:
            faults.append(f"{self.peak_mb:,.0f} MB")
        if max(self.second_s, self.classmate_s) > MOST_SECONDS:
            faults.append(f"an answer after {max(self.second_s, self.classmate_s):.1f} s")
        return faults


@contextmanager
def watched(server: Server, bystanders: list[Bystander], result: Result) -> Iterator[None]:
    """Bystanders search and memory is sampled meanwhile."""
    over = threading.Event()

    def sample() -> None:
        while not over.is_set():
            result.peak_mb = max(result.peak_mb, server.memory_mb())
            time.sleep(SAMPLE_SECONDS)

    def search(one: Bystander) -> None:
        while not over.is_set():
            one.search()
            over.wait(PAUSE)

    for one in bystanders:
        one.seconds, one.lost = [], []
    threads = [threading.Thread(target=sample), *(threading.Thread(target=search, args=(one,)) for one in bystanders)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        time.sleep(1.0)
        over.set()
        for thread in threads:
            thread.join()
        for one in bystanders:
            one.check()
            result.lost += [f"{one.session.name}: {what}" for what in dict.fromkeys(one.lost)]
        result.second_s, result.classmate_s = (max(one.seconds, default=0.0) for one in bystanders)


def attack_all(server: Server, temporary: Path, names: list[str]) -> list[Result]:
    """Each attack, with what came of it."""
    bystanders = [Bystander(server, "second", SECOND), Bystander(server, "classmate", ATTACKER)]
    results = []
    # In another process: what the attacker computes would keep the bystanders waiting here.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for name in names:
            results.append(one_attack(server, temporary, name, bystanders, pool))
    return results


def one_attack(server: Server, temporary: Path, name: str, bystanders: list[Bystander], pool: Any) -> Result:
    """One attack while others search, printed."""
    result = Result(name, "")
    with watched(server, bystanders, result):
        result.outcome = pool.apply(attack, (name, server, temporary))
    if result.outcome.startswith("broken"):
        result.lost.append(result.outcome)
    print(
        f"{name:>20}: {result.peak_mb:6,.0f} MB  second {result.second_s:4.2f} s  classmate {result.classmate_s:4.2f} s  "
        f"{result.outcome}{'  BROKEN: ' + '; '.join(result.broken) if result.broken else ''}",
        flush=True,
    )
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="JSON of the results")
    parser.add_argument("--only", nargs="+", choices=list(ATTACKS), default=list(ATTACKS))
    options = parser.parse_args()
    if options.out:
        options.out = file_place(options.out, "python -m benchmarks.abuse", json_with(("attacks", "limits")))
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        temporary, log = Path(name) / "tmp", Path(name) / "log.txt"
        temporary.mkdir()
        with running(
            log, TMPDIR=str(temporary), GRADIO_TEMP_DIR=str(temporary / "gradio"), HGAN_WAITING_MB=str(WAITING_MB)
        ) as server:
            start = time.monotonic()
            idle = server.memory_mb()
            health = httpx.get(f"{server.url}/health").json()
            results = attack_all(server, temporary, options.only)
            after, took = server.memory_mb(), time.monotonic() - start
        left = [str(p.relative_to(temporary)) for p in temporary.rglob("hgan-private-*")]
        said = log.read_text(errors="replace")
    if left:
        faults.append(f"private folders are left after SIGTERM: {left[:3]}")
    if "Traceback" in said or "password" in said or "a dog on" in said:
        faults.append(f"the log holds a traceback or what somebody wrote: {said[-500:]}")
    faults += [f"{result.attack}: {fault}" for result in results for fault in result.broken]
    print(f"{len(results)} attacks in {took:.0f} s; memory {idle:,.0f} MB before, {after:,.0f} after")
    for fault in faults:
        print(f"BROKEN: {fault}")
    if options.out:
        report: dict[str, Any] = {
            "model": {"name": health["model"], "sha256": health["model_sha256"]},
            "attacks": [asdict(result) | {"broken": result.broken} for result in results],
            "memory_mb": {"before": idle, "after": after},
            "limits": {"memory_mb": MOST_MB, "seconds": MOST_SECONDS},
            "broken": faults,
        }
        options.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
