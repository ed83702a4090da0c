"""Search, explain, what if and evaluate on two devices. Each function gives what it measured and whether that will do."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from hgan.data.record import Record
from hgan.evaluation.evaluate import Scored, score_records
from hgan.retrieval.retriever import Query, Retriever

from .differences import Differences, order_kept

FIRST = 10  # of a ranking
ALL = 1_000_000  # hits: everything that is ranked
RSUM = 0.5  # that the rsum may differ by
NEAR = {"float32": 1e-4, "bfloat16": 0.02}  # scores closer than this may change places
MOVED = 0.01  # share of pictures that may have other detections in float32: a box at the threshold comes or goes


@dataclass(frozen=True)
class Pair:
    """One gallery behind two devices, and what is asked of both."""

    cpu: Retriever
    gpu: Retriever
    records: Sequence[Record]
    texts: Sequence[str]
    pictures: Sequence[Path]
    precision: str = "float32"

    @contextlib.contextmanager
    def half(self) -> Any:
        """The precision in question, on the GPU alone."""
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self.precision == "bfloat16"):
            yield

    def queries(self) -> list[tuple[Query, Query]]:
        """Every sentence and every picture, encoded on both."""
        asked: list[dict[str, Any]] = [{"text": text} for text in self.texts]
        asked += [{"image": path} for path in self.pictures]
        with self.half():
            others = [self.gpu.encode(**query) for query in asked]
        return list(zip([self.cpu.encode(**query) for query in asked], others, strict=True))


Check = Callable[[Pair], tuple[bool, dict[str, Any]]]


def search(pair: Pair) -> tuple[bool, dict[str, Any]]:
    """The score and the levels of everything in the gallery, and the first ten."""
    found, same, kept, moved = Differences(), 0, 0, 0
    queries = pair.queries()
    for one, other in queries:
        expected, got = pair.cpu.search(query=one, k=ALL), pair.gpu.search(query=other, k=ALL)
        first, ids = [hit.id for hit in expected.hits[:FIRST]], [hit.id for hit in got.hits[:FIRST]]
        if _moved(one, other):
            moved += 1
            continue
        same += first == ids
        kept += order_kept({hit.id: hit.score for hit in expected.hits}, ids, NEAR[pair.precision])
        found.add(*({hit.id: [hit.score, hit.levels, hit.contributions] for hit in r.hits} for r in (expected, got)))
        found.add(*((r.background, r.verdict.level, r.verdict.z) for r in (expected, got)), "of the whole")
    compared = len(queries) - moved
    report = {
        **found.to_json(), "queries": len(queries), "other_detections": moved, "first_ten_the_same": same,
        "first_ten_the_same_but_for_near_ties": kept, "near": NEAR[pair.precision],
    }  # fmt: skip
    near = pair.precision == "bfloat16" or found.within(NEAR["float32"])
    return near and kept == compared and _few(moved, len(pair.pictures), pair), report


def explain(pair: Pair) -> tuple[bool, dict[str, Any]]:
    """Every term of the best three matches of each query."""
    found, moved = Differences(), 0
    for one, other in pair.queries():
        if _moved(one, other):
            moved += 1
            continue
        for hit in pair.cpu.search(query=one, k=3).hits:
            answers = [r.explain(hit.id, query=q) for r, q in ((pair.cpu, one), (pair.gpu, other))]
            found.add(*(asdict(answer) for answer in answers), f"{hit.id}")
    return _near(found, moved, pair), {**found.to_json(), "other_detections": moved}


def what_if(pair: Pair) -> tuple[bool, dict[str, Any]]:
    """The best match of each query with a word, a region and two edges off, and with another sentence."""
    found, moved = Differences(), 0
    changes: list[dict[str, Any]] = [
        {"words_off": (0,)}, {"regions_off": (1,)}, {"edges_off": (("image", 0, 1), ("text", 0, 1))}, {"text": "a red boat"},
    ]  # fmt: skip
    for one, other in pair.queries():
        best = pair.cpu.search(query=one, k=1).hits[0].id
        for change in changes:
            expected = pair.cpu.what_if(best, one, **change)
            with pair.half():
                got = pair.gpu.what_if(best, other, **change)
            seen = [[region.label for region in answer.before.regions] for answer in (expected, got)]
            if seen[0] != seen[1]:  # the picture was encoded again
                moved += 1
            else:
                found.add(asdict(expected), asdict(got), f"{best} {change}")
    return _near(found, moved, pair), {**found.to_json(), "other_detections": moved}


@lru_cache(maxsize=1)
def reference(cpu: Retriever, records: tuple[Record, ...]) -> Scored:
    """The CPU's score table: the same for every precision of the GPU."""
    return score_records(cpu.model, cpu.processor, records)


def evaluate(pair: Pair) -> tuple[bool, dict[str, Any]]:
    """The whole score table of the records and its recalls."""
    expected = reference(pair.cpu, tuple(pair.records))
    with pair.half():
        got = score_records(pair.gpu.model, pair.gpu.processor, pair.records)
    rsums = [scored.metrics()["score"].rsum for scored in (expected, got)]
    apart = {
        name: (one - other).abs().amax(1)
        for name, one, other in (
            ("score", expected.table.score, got.table.score),
            *((name, level, got.table.levels[name]) for name, level in expected.table.levels.items()),
        )
    }
    worst = torch.stack(list(apart.values())).amax(0)  # (pictures,)
    moved = int((worst > NEAR["float32"]).sum())
    report = {
        "pictures": len(expected.records), "captions": expected.table.score.shape[1], "rsum_cpu": rsums[0],
        "rsum_gpu": rsums[1], "median_difference": worst.median().item(), "largest_difference": worst.max().item(),
        "pictures_above_1e-4": moved,
        "mean_difference": {name: values.mean().item() for name, values in apart.items()},
    }  # fmt: skip
    enough = pair.precision == "bfloat16" or _few(moved, len(worst), pair)
    return abs(rsums[0] - rsums[1]) <= RSUM and bool(worst.isfinite().all()) and enough, report


CHECKS: dict[str, Check] = {"search": search, "explain": explain, "what_if": what_if, "evaluate": evaluate}


def draw(records: Sequence[Record], count: int, seed: int) -> tuple[list[str], list[Path]]:
    """Sentences and pictures to ask with."""
    chosen = random.Random(seed).sample(range(len(records)), min(count, len(records)))
    texts = [records[n].captions[0] for n in chosen if records[n].captions]
    return texts, [records[n].path for n in chosen[: max(1, count // 2)]]


def _moved(one: Query, other: Query) -> bool:
    """Whether a picture has other detections on the GPU: every number that follows is another then."""
    if one.regions is None or other.regions is None:
        return False
    a, b = (query.regions.mask.sum().item() for query in (one, other) if query.regions is not None)
    labels = [q.regions.labels.tolist() for q in (one, other) if q.regions is not None]
    return a != b or labels[0] != labels[1]


def _few(moved: int, count: int, pair: Pair) -> bool:
    return pair.precision == "bfloat16" or moved <= max(1, MOVED * count)


def _near(found: Differences, moved: int, pair: Pair) -> bool:
    """In float32 to the tolerance; in bfloat16 the numbers are reported, and nothing may be missing."""
    if pair.precision == "bfloat16":
        return found.numbers > 0 and found.largest < float("inf")
    return found.within(NEAR["float32"]) and _few(moved, len(pair.pictures), pair)
