"""Toy Town's language half: the meaning of claims, the grammar's promises, masks, and the files."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgan.data.folder import read_dataset
from hgan.data.truth import read_truth
from scripts.toytown import everyday, lexicon, rle
from scripts.toytown.caption_files import build_more
from scripts.toytown.captions import five, mentions_fit
from scripts.toytown.check import check
from scripts.toytown.grammar import TAGS
from scripts.toytown.lines import read_lines
from scripts.toytown.plan import Planner, unique
from scripts.toytown.rivals import signature
from scripts.toytown.skeletons import skeleton
from scripts.toytown.truth import Claim, Node, Split, bind, holds, true_of
from scripts.toytown.world import (
    COLOURS,
    HARD_SPLITS,
    KINDS,
    PLACES,
    SIZES,
    SPLITS,
    STATES,
    TIMES,
    WEATHERS,
    Relation,
    Scene,
    Thing,
)

FOLDER = Path(__file__).parents[2] / "assets" / "toytown"
EVERYDAY = Path(__file__).parents[2] / "assets" / "captions" / "everyday.jsonl"


def thing(number: int, kind: str, colour: str | None = "red", size: str = "medium", **more: str) -> Thing:
    return Thing(f"t{number}", kind, colour, size, **more)


def hand_made() -> Scene:
    """Three ducks, of which two are yellow, left of a red car; a person who holds a kite."""
    things = [
        thing(0, "duck", "yellow"),
        thing(1, "duck", "yellow"),
        thing(2, "duck", "white", "large"),
        thing(3, "car", "red"),
        thing(4, "person", None, clothes="blue", pose="holding"),
        thing(5, "kite", "green"),
    ]
    relations = [Relation(f"t{k}", "left of", "t3") for k in range(3)]
    relations += [Relation("t4", "holding", "t5"), Relation("t4", "behind", "t3"), Relation("t2", "next to", "t4")]
    return Scene("test-0000", "test", "beach", "day", "clear", things, relations)


def random_scene(rng: random.Random, number: int) -> Scene:
    things = []
    for kind in rng.sample(KINDS, rng.randint(2, 4)):
        for _ in range(rng.choice((1, 1, 2))):
            person = kind == "person"
            things.append(
                Thing(
                    f"t{len(things)}",
                    kind,
                    None if person else rng.choice(COLOURS),
                    rng.choice(SIZES),
                    rng.choice(("standing", "sitting", "arms up")) if person else None,
                    rng.choice(STATES[kind]) if kind in STATES else None,
                    rng.choice(COLOURS) if person else None,
                )
            )
    order = rng.sample(range(len(things)), len(things))
    relations = [Relation(things[a].id, "left of", things[b].id) for a, b in pairwise(order)]
    relations.append(Relation(things[order[0]].id, rng.choice(("behind", "next to")), things[order[1]].id))
    return Scene(
        f"test-{number:04d}", "test", rng.choice(PLACES), rng.choice(TIMES), rng.choice(WEATHERS), things, relations
    )


@pytest.mark.parametrize(
    ("claim", "truth"),
    [
        (Claim(place="beach", time="day"), True),
        (Claim(place="lake"), False),
        (Claim(nodes=(Node("duck", "white"), Node("duck"))), True),
        (Claim(nodes=(Node("car"), Node("car"))), False),  # two cars need two things
        (Claim(nodes=(Node("duck", n=3),), exactly=(Node("duck", n=3),)), True),
        (Claim(nodes=(Node("duck", n=2),), exactly=(Node("duck", n=2),)), False),  # "two ducks" where there are three
        (Claim(nodes=(Node("duck", "yellow", n=2),), exactly=(Node("duck", "yellow", n=2),)), True),
        (Claim(exactly=(Node("dog", n=0),)), True),
        (Claim(exactly=(Node("duck", "white", n=0),)), False),
        (Claim(exactly=(Node("animal", n=3),)), True),
        (Claim(nodes=(Node("duck", n=3), Node("car")), links=((0, "left of", 1),)), True),  # each of the three
        (Claim(nodes=(Node("car"), Node("duck")), links=((0, "right of", 1),)), True),  # the inverse is known
        (Claim(nodes=(Node("car"), Node("duck")), links=((0, "left of", 1),)), False),
        (Claim(nodes=(Node("person", clothes="blue"), Node("duck")), links=((0, "next to", 1),)), True),
        (Claim(nodes=(Node("duck", "yellow"), Node("person")), links=((0, "next to", 1),)), False),
        (Claim(nodes=(Node("person"), Node("kite")), links=((0, "holding", 1),)), True),
        (Claim(nodes=(Node("kite"), Node("person")), links=((0, "holding", 1),)), False),
    ],
)
def test_holds(claim: Claim, truth: bool) -> None:
    assert holds(claim, hand_made()) is truth
    assert Claim.from_json(claim.to_json()) == claim
    assert Split([hand_made()]).true_of(claim) == ([0] if truth else [])


def test_bind_names_the_things() -> None:
    claim = Claim(nodes=(Node("duck"), Node("person")), links=((0, "next to", 1),))
    assert bind(claim, hand_made()) == [("t2",), ("t4",)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_captions_are_true_and_well_formed(seed: int) -> None:
    rng = random.Random(seed)
    scenes = [random_scene(rng, number) for number in range(8)]
    split = Split(scenes)
    for number, scene in enumerate(scenes[:2]):
        if unique(Planner(scene, random.Random(seed)), split, number) is None:
            continue  # chance made two scenes of one meaning
        texts, facts = five(scene, split, set(), seed)
        assert [fact["tag"] for fact in facts] == list(TAGS)
        for text, fact in zip(texts, facts, strict=True):
            claim = Claim.from_json(fact["claim"])
            assert holds(claim, scene)
            assert fact["true_of"] == [
                int(i[-4:]) for i in true_of(claim, scenes)
            ]  # the index finds what the plain search finds
            assert mentions_fit(fact, text, scene)
            assert re.fullmatch(r"[A-Z][^⟦⟧]*\.", text), text
            assert "  " not in text
            assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]", text), text
            says_what_it_names(text, fact, scene)
        assert facts[-1]["true_of"] == [number]


def says_what_it_names(text: str, fact: dict, scene: Scene) -> None:
    """Each mention has a noun of the kind; all colours of the claim come up, and no others."""
    words = text.lower().replace(",", "").replace(".", "").replace(";", "").replace(":", "").split()
    kinds = {t.id: t.kind for t in scene.things}
    for mention in fact["mentions"]:
        named = " ".join(words[slice(*mention["words"])])
        forms = {form for pair in lexicon.NOUNS[kinds[mention["things"][0]]] for form in pair}
        assert named in ("it", "them") or forms & set(named.split()), (named, text)
    claimed = {
        colour
        for node in fact["claim"].get("nodes", [])
        for colour in (node.get("colour"), node.get("clothes"))
        if colour
    }
    meadow = {"green"} if fact["claim"].get("place") == "meadow" else set()  # "in a green meadow"
    assert claimed <= set(words) & set(COLOURS) <= claimed | meadow, text


def test_signature_knows_equal_scenes() -> None:
    first, second = hand_made(), hand_made()
    second.things.reverse()
    second.relations[0] = Relation("t3", "right of", "t0")
    assert signature(first) == signature(second)
    second.things[0].colour = "black"
    assert signature(first) != signature(second)


def test_skeleton_masks_names_colours_and_places() -> None:
    assert skeleton("An orange lorry stands on a foggy beach.") == skeleton("A red boat stands at the lake.")


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.randoms(use_true_random=False))
def test_rle_round_trip_and_box(height: int, width: int, rng: random.Random) -> None:
    rows = [[int(rng.random() < 0.3) for _ in range(width)] for _ in range(height)]
    mask = rle.encode(rows)
    assert rle.decode(mask) == rows
    assert rle.area(mask) == sum(map(sum, rows))
    ys = [y for y in range(height) for x in range(width) if rows[y][x]]
    xs = [x for y in range(height) for x in range(width) if rows[y][x]]
    expected = (min(xs) / width, min(ys) / height, (max(xs) + 1) / width, (max(ys) + 1) / height) if xs else None
    assert rle.box(mask) == expected


def test_rle_is_written_as_pycocotools_writes_it() -> None:
    counts = [5, 3, 2, 20, 40, 10]
    assert rle.compress(counts) == "532a0V1F"
    assert rle.runs({"counts": "532a0V1F"}) == counts


def test_rle_that_does_not_fill_the_picture() -> None:
    with pytest.raises(ValueError, match="got runs of 5 pixels but expected 2 x 3"):
        rle.box({"size": [2, 3], "counts": rle.compress([1, 4])})


def test_everyday_sentences() -> None:
    rows = everyday.sentences(700)
    assert len({row["text"] for row in rows}) == 700
    assert {row["topic"] for row in rows} == set(everyday.TOPICS)
    for row in rows:
        assert everyday.SHORTEST <= len(row["text"].split()) <= everyday.LONGEST
        assert not re.search(r"\b[Aa] [aeiou]|[{}]", row["text"]), row


def test_everyday_on_disk() -> None:
    assert read_lines(EVERYDAY) == everyday.sentences()


def test_more_captions_of_a_split_are_a_dataset_folder_with_its_truth(tmp_path: Path) -> None:
    count = build_more(FOLDER, tmp_path / "more", 2, "dev")
    records, truth = read_dataset(tmp_path / "more", "dev"), read_truth(tmp_path / "more", "dev")
    assert count == sum(len(record.captions) for record in records)
    assert all(10 <= len(record.captions) <= 12 for record in records)  # two wordings more where there is a relation
    assert all(record.path.is_file() for record in records)
    scenes = {row["id"]: Scene.from_json(row) for row in read_lines(FOLDER / "scenes.jsonl") if row["split"] == "dev"}
    for row in read_lines(tmp_path / "more" / "caption_facts.jsonl"):
        for fact in row["captions"]:
            assert holds(Claim.from_json(fact["claim"]), scenes[row["id"]])
    for record in records:
        assert len(set(record.captions)) > 7
        assert all(record.id in fact.true_of for fact in record.facts)
        assert len(truth[record.id].mentions) == len(record.captions)


def test_assets_keep_their_promises() -> None:
    here = Counter(row["split"] for row in read_lines(FOLDER / "scenes.jsonl"))
    assert all(here[name] == total or (name in HARD_SPLITS and not here[name]) for name, total in SPLITS.items())
    stands, wrong = check(FOLDER)
    assert stands
    assert not wrong, "\n".join(wrong[:20])


def test_what_stands_in_front_has_the_lower_edge_further_down_in_nearly_all_relations():
    agreed = []
    for line in read_lines(FOLDER / "scenes.jsonl"):
        bottom = {thing["id"]: thing["box"][3] for thing in line["things"]}
        for relation in line["relations"]:
            if relation["predicate"] in ("in front of", "behind"):
                nearer = bottom[relation["subject"]] > bottom[relation["object"]]
                agreed.append(nearer == (relation["predicate"] == "in front of"))
    assert len(agreed) > 1000
    assert sum(agreed) / len(agreed) > 0.94  # what hgan.data.spatial teaches depth by
