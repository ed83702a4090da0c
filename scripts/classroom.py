"""Makes assets/classroom/cases.json: what the classroom page shows, made beforehand so that a class waits for nothing.

    python -m scripts.classroom [--data FOLDER] [--out FILE] [--number N] [--seed N]

Each case is a sentence and four pictures of the gallery, exactly one of which it is true of (as `caption_facts.jsonl` says):
the four scenes of a hard group, which differ in one thing, or a scene with the three that the model takes for it most.
Checkpoint and gallery are the demo's own, or those that HGAN_CHECKPOINT and HGAN_GALLERY name; the file says which they were.
Run it again after either has changed.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from hgan.data.folder import CaptionFact, Record, read_dataset, read_jsonl
from hgan.io.images import open_image
from hgan.io.places import file_place, json_with
from hgan.retrieval.classroom import PICTURES, CaseFile, CasePicture, ClassCase, write_cases
from hgan.retrieval.retriever import ROOT, Retriever
from hgan.visualize.pictures import shrink_picture

LONGEST = 320  # pixels of a picture's longer side
LOOK_ALIKES = "look-alikes"


@dataclass(frozen=True)
class Candidate:
    """What could become a case: a sentence, the scene it was written for, and the three others."""

    kind: str
    sentence: str
    ids: tuple[str, ...]  # the true one first
    name: str


def groups_of(data: Path) -> dict[str, tuple[str, list[str]]]:
    """Hard groups of a Toy Town folder: id -> what their scenes differ in, and the scenes."""
    groups: dict[str, tuple[str, list[str]]] = {}
    for _, scene in read_jsonl(data / "scenes.jsonl"):
        group = scene.get("group")
        if group:
            id = f"{scene['split']}-{group['id']}"  # every split counts its groups from one
            groups.setdefault(id, (group["differs"], []))[1].append(scene["id"])
    return groups


def _captions(record: Record) -> Iterator[tuple[str, CaptionFact]]:
    yield from zip(record.captions, record.facts or (), strict=True)


def group_candidates(records: dict[str, Record], groups: dict[str, tuple[str, list[str]]]) -> list[Candidate]:
    """Every caption of a hard group's scene that is true of this scene alone among the four, one a scene."""
    found = []
    for group, (differs, ids) in groups.items():
        if len(ids) != PICTURES or not all(id in records for id in ids):
            continue
        for id in ids:
            fitting = [text for text, fact in _captions(records[id]) if fact.true_of & set(ids) == {id}]
            if fitting:
                shortest = min(fitting, key=len)  # the more a sentence says, the less it asks for what differs
                others = [other for other in ids if other != id]
                found.append(Candidate(differs, shortest, (id, *others), f"{differs.replace(' ', '-')}-{group}-{id}"))
    return found


def look_alike_candidates(records: dict[str, Record], retriever: Retriever, most: int) -> Iterator[Candidate]:
    """A scene's sentence that is true of it alone, with the three pictures that the model takes for it most."""
    for id, record in list(records.items())[:most]:
        for text, fact in _captions(record):
            if fact.true_of & records.keys() == {id} and fact.tag != "full":
                hits = retriever.search(text=text, k=PICTURES).hits
                others = [hit.id for hit in hits if hit.id != id][: PICTURES - 1]
                yield Candidate(LOOK_ALIKES, text, (id, *others), f"alike-{id}")
                break


def make_case(candidate: Candidate, retriever: Retriever, seed: int) -> ClassCase:
    """Asks the retriever everything that the page shows of a case."""
    query = retriever.encode(text=candidate.sentence)
    every = retriever.search(query=query, k=len(retriever.gallery.items)).hits
    ranked = [hit for hit in every if hit.id in candidate.ids]
    first, second = ranked[0].id, ranked[1].id
    comparison = retriever.compare(first, second, query=query)
    shown = list(candidate.ids)
    random.Random(f"{seed} {candidate.name}").shuffle(shown)
    pictures = []
    for id in shown:
        hit = next(hit for hit in ranked if hit.id == id)
        thumbnail = open_image(retriever.gallery.read_thumbnail(retriever.row(id)))
        pictures.append(
            CasePicture(
                id=id,
                uri=shrink_picture(thumbnail, LONGEST).uri,
                true=id == candidate.ids[0],
                rank=ranked.index(hit) + 1,
                gallery_rank=hit.rank,
                score=hit.score,
                contributions=hit.contributions,
            )
        )
    return ClassCase(candidate.name, candidate.kind, candidate.sentence, pictures, comparison.levels, comparison.words)


def choose(cases: list[ClassCase], number: int, seed: int) -> list[ClassCase]:
    """As even a mix as there is of kinds, and within a kind of cases that the model gets right and wrong."""
    piles: dict[tuple[str, bool], list[ClassCase]] = defaultdict(list)
    rng = random.Random(seed)
    for case in rng.sample(cases, len(cases)):
        piles[case.kind, next(p.true for p in case.pictures if p.rank == 1)].append(case)
    chosen: list[ClassCase] = []
    used: set[frozenset[str]] = set()  # the same four pictures come once
    while len(chosen) < number and any(piles.values()):
        for kind in sorted({kind for kind, _ in piles}):
            right = sum(1 for case in chosen if case.kind == kind) % 2 == 0
            pile = piles[kind, right] or piles[kind, not right]
            while pile and len(chosen) < number:
                case = pile.pop()
                ids = frozenset(picture.id for picture in case.pictures)
                if ids not in used:
                    used.add(ids)
                    chosen.append(case)
                    break
    return chosen


def make_cases(retriever: Retriever, data: Path, number: int, seed: int) -> CaseFile:
    """The cases of a gallery that was built from a Toy Town folder.

    Raises:
        ValueError: nothing in the gallery fits.
    """
    known = retriever.gallery.row_of
    records = {record.id: record for record in read_dataset(data) if record.id in known and record.facts}
    candidates = group_candidates(records, groups_of(data)) + list(
        look_alike_candidates(records, retriever, 4 * number)
    )
    made = [make_case(candidate, retriever, seed) for candidate in candidates if len(candidate.ids) == PICTURES]
    if not made:
        raise ValueError(
            f"got no sentence of {data} that is true of one of four pictures in gallery {retriever.gallery.name}"
        )
    model, gallery = (asdict(source) for source in retriever.sources)
    return CaseFile(model, gallery, choose(made, number, seed))


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the classroom's cases.")
    parser.add_argument("--data", type=Path, default=ROOT / "assets" / "toytown", help="Toy Town folder with the truth")
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "classroom" / "cases.json")
    parser.add_argument("--number", type=int, default=24)
    parser.add_argument("--seed", type=int, default=17)
    options = parser.parse_args()
    own = json_with(("format", "model", "gallery", "cases"))
    options.out = file_place(options.out, "python -m scripts.classroom", own, [options.data])
    cases = make_cases(Retriever.open(), options.data, options.number, options.seed)
    write_cases(cases, options.out)
    right = sum(picture.true and picture.rank == 1 for case in cases.cases for picture in case.pictures)
    kinds = sorted({case.kind for case in cases.cases})
    print(f"{options.out}: {len(cases.cases)} cases, the model right in {right}, kinds: {', '.join(kinds)}")
    print(f"{options.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
