"""Many people at once: `python -m benchmarks.load [--sessions 50] [--seconds 60] [--json]`.

The real app in a process of its own, on loopback. Each session is a thread that does what a browser tab does, by the same queue:
it searches for a sentence, chooses a match, looks at its explanation, pauses as a person would, and goes on. Reported are the
requests, how many were lost (status 1 if any), how long answers took, and the app's memory before and after.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from .server import Server, Session, running

SENTENCES = [
    "a person flying a kite on the beach", "a red car in front of a house", "two dogs in the snow", "a cat on a table",
    "a lamp and a bush", "an umbrella on a bench", "a white house with a tree", "a black horse on a farm",
]  # fmt: skip
WARM_SECONDS = (
    15  # of clicking by the same sessions before: what is loaded lazily and kept for a visitor is there by then
)
REST_SECONDS = 10
RETURNED = 1.1  # memory after the load, as a share of that before, counts as the same level


@dataclass
class Tally:
    """What came of the requests; shared by all sessions."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"search": [], "choose": [], "explain": []})
    lost: Counter[str] = field(default_factory=Counter)


def click(server: Server, number: int, until: float, pause: float, tally: Tally) -> None:
    """One session, clicking until the time is over."""
    chance = random.Random(number)
    session = Session(server, f"load{number}")
    matches, why = server.component("matches"), server.component("why")
    search = server.event("by_sentence")
    choose = next(e for e in server.config["dependencies"] if e["targets"] == [[matches, "select"]])
    explain = server.events("select", why)[0]
    settings, place = server.defaults(search)[1:], search["outputs"].index(matches)

    def timed(kind: str, event: dict[str, Any], data: list[Any], event_data: Any = None) -> list[Any]:
        start = time.perf_counter()
        answer = session.call(event, data, event_data)
        tally.seconds[kind].append(time.perf_counter() - start)
        return answer

    time.sleep(chance.uniform(0, 2 * pause))
    while time.monotonic() < until:
        try:
            page = timed("search", search, [chance.choice(SENTENCES), *settings])[place]
            id_ = chance.choice(re.findall(r'data-id="([^"]+)"', page))
            time.sleep(chance.uniform(0, 2 * pause))
            timed("choose", choose, [], {"id": id_})
            if "hg-explained" not in timed("explain", explain, [None] * len(explain["inputs"]))[0]:
                raise RuntimeError("an answer without an explanation")
        except (httpx.HTTPError, RuntimeError, IndexError) as error:
            tally.lost[f"{type(error).__name__}: {error!s:.200}"] += 1
        time.sleep(chance.uniform(0, 2 * pause))


def load(server: Server, sessions: int, seconds: float, pause: float) -> tuple[Tally, float]:
    """All sessions at once; what came of it, and the most memory seen meanwhile in MB."""
    tally, until, most = Tally(), time.monotonic() + seconds, 0.0
    threads = [threading.Thread(target=click, args=(server, n, until, pause, tally)) for n in range(sessions)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, server.memory_mb())
        time.sleep(0.5)
    return tally, most


def summary(seconds: list[float]) -> dict[str, float]:
    """Of answer times, in ms."""
    if len(seconds) < 2:
        return {"requests": len(seconds)}
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "requests": len(seconds),
        "p50_ms": 1000 * cuts[49],
        "p95_ms": 1000 * cuts[94],
        "max_ms": 1000 * max(seconds),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=3.0, help="mean seconds between a visitor's clicks")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with running() as server:
        alone = server.memory_mb()
        load(server, options.sessions, WARM_SECONDS, options.pause)
        before = server.memory_mb()
        start = time.monotonic()
        tally, most = load(server, options.sessions, options.seconds, options.pause)
        took = time.monotonic() - start
        time.sleep(REST_SECONDS)
        after = server.memory_mb()
    report: dict[str, Any] = {kind: summary(seconds) for kind, seconds in tally.seconds.items()}
    report["all"] = summary([s for seconds in tally.seconds.values() for s in seconds])
    report["lost"] = dict(tally.lost)
    report["answers_per_s"] = report["all"]["requests"] / took
    report["memory_mb"] = {"alone": alone, "before": before, "most": most, "after": after}
    report["memory_returned"] = after <= RETURNED * before
    report["settings"] = vars(options)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print(f"{options.sessions} sessions, {took:.0f} s, {sum(tally.lost.values())} lost {dict(tally.lost) or ''}")
        for kind in ("search", "choose", "explain", "all"):
            print(f"{kind:>8}: " + ", ".join(f"{name} {value:,.0f}" for name, value in report[kind].items()))
        print(
            f"{report['answers_per_s']:.1f} answers a second; memory before {before:.0f} MB, most {most:.0f}, after {after:.0f}"
        )
    return 1 if tally.lost or not report["memory_returned"] else 0


if __name__ == "__main__":
    sys.exit(main())
