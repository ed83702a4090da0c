"""The hard splits of Toy Town: groups that differ in one thing, captions that tell their scenes apart, and what is kept back."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from scripts.toytown import hard, telling, wordings
from scripts.toytown.caption_files import build_more, refresh
from scripts.toytown.captions import mentions_fit
from scripts.toytown.check_hard import telling_faults
from scripts.toytown.kept import is_kept
from scripts.toytown.lines import read_lines, write_lines
from scripts.toytown.phrases import UnsayableError
from scripts.toytown.rivals import group_faults
from scripts.toytown.truth import Claim, Node, Split, holds
from scripts.toytown.world import HARD_SPLITS, SPLITS, Scene

# Numbers of groups that are soon drawn: relation, count, swapped attributes.
GROUPS = {"hard": (3, 1, 2), "hard-dev": (6, 1, 2), "hard-train": (2, 1, 3)}


@pytest.fixture(scope="module", params=HARD_SPLITS)
def scenes(request: pytest.FixtureRequest) -> list[Scene]:
    """Three groups of a split, numbered as if they were all of it."""
    drawn = [staged.scene for number in GROUPS[request.param] for staged in hard.group(request.param, number)]
    for number, scene in enumerate(drawn):
        scene.id = f"{request.param}-{number:04d}"
    return drawn


def test_groups_differ_in_one_thing(scenes: list[Scene]) -> None:
    differ = [scene.group["differs"] for scene in scenes[::4]]
    assert differ == ["relation", "count", "swapped attributes"]
    numbers, wrong = group_faults({scenes[0].split: Split(scenes)}, {scene.id for scene in scenes})
    assert numbers["groups"] == 3
    assert not wrong
    for place, weather in {(s.place, s.weather) for s in scenes[:4]}:
        assert all((s.place, s.weather, s.camera) == (place, weather, scenes[0].camera) for s in scenes[:4])


def test_a_group_is_drawn_the_same_by_itself() -> None:
    first, again = (hard.group("hard-train", 3) for _ in range(2))
    assert [staged.scene.to_json() for staged in first] == [staged.scene.to_json() for staged in again]
    assert (
        [staged.scene.id for staged in first]
        == hard.ids("hard-train", 3)
        == [f"hard-train-00{n}" for n in range(12, 16)]
    )


def test_groups_that_are_not_there() -> None:
    with pytest.raises(ValueError, match="got group 0 of 'test', but expected one of hard, hard-dev, hard-train"):
        hard.group("test", 0)
    with pytest.raises(ValueError, match=f"got group {SPLITS['hard'] // 4} of 'hard'"):
        hard.group("hard", SPLITS["hard"] // 4)


def test_four_captions_tell_a_scene_from_its_group(scenes: list[Scene]) -> None:
    split, taken = Split(scenes), set[str]()
    for number, scene in enumerate(scenes):
        group = scenes[number // 4 * 4 : number // 4 * 4 + 4]
        texts, facts = telling.five(scene, group, split, taken)
        assert len(set(texts)) == 5
        assert not list(telling_faults(texts, facts, scene))
        for text, fact in zip(texts[:4], facts[:4], strict=True):
            true = [other for other in group if holds(Claim.from_json(fact["claim"]), other)]
            assert scene in true
            assert len(true) < 4
            assert mentions_fit(fact, text, scene)
        kept = ["wording" in fact.get("kept", ()) for fact in facts[:4]]
        assert kept == [False, False, scene.split != "hard-train", scene.split != "hard-train"]
        if scene.split == "hard-train":
            links = [[fact["claim"]["nodes"][end]["kind"] for end in (link[0], link[2])]
                     for fact in facts for link in fact["claim"].get("links", [])]  # fmt: skip
            assert not any(is_kept(*pair) for pair in links)


@pytest.mark.parametrize("scenes", ["hard-train"], indirect=True)  # the other splits have pairs of both sorts
def test_relation_groups_of_training_are_of_pairs_that_may_be_told(scenes: list[Scene]) -> None:
    telling_pairs = [
        {scene.things[int(end[1:])].kind for end in (r.subject, r.object)}
        for scene in scenes[:4]
        for r in scene.relations
        if any(r not in other.relations for other in scenes[:4])
    ]
    assert any(not is_kept(*pair) for pair in telling_pairs if len(pair) == 2)


@pytest.mark.parametrize("wording", wordings.RELATIONS, ids=lambda w: f"{w.predicate}-{w.name}")
def test_a_wording_names_both_things_and_says_its_relation(wording: wordings.Wording) -> None:
    things = {
        "holding": ("person", "ball"),
        "riding": ("person", "horse"),
        "on": ("cat", "table"),
        "under": ("dog", "table"),
    }
    a, b = things.get(wording.predicate, ("dog", "car"))
    claim = Claim(nodes=(Node(a), Node(b)), links=((0, wording.predicate, 1),))
    found = {}
    for seed in range(300):
        text, mentions, name = wordings.write(claim, "relations", random.Random(seed), wording.kept)
        found[name] = text, mentions
    text, mentions = found[wording.name]
    assert {node for _, _, node in mentions} == {0, 1}
    words = text.rstrip(".").split()
    for start, end, node in mentions:
        named = " ".join(words[start:end]).lower()
        assert named.rstrip(",;") in (f"a {(a, b)[node]}", "it"), text
    assert text[0].isupper()
    assert text.endswith(".")
    assert "{" not in text


def test_the_turned_relation_is_said_by_the_same_wordings() -> None:
    one = Claim(nodes=(Node("dog"), Node("car")), links=((0, "left of", 1),))
    other = Claim(nodes=(Node("car"), Node("dog")), links=((0, "right of", 1),))
    said = [{wordings.write(c, "relations", random.Random(s), True)[0] for s in range(300)} for c in (one, other)]
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("claim", "tag", "kept", "expected"),
    [
        (Claim(nodes=(Node("ball", "red", n=3),), exactly=(Node("ball", "red", n=3),)), "objects", True,
         {"Red balls: three.", "The number of red balls is three."}),
        (Claim(nodes=(Node("sheep"),), exactly=(Node("sheep"),)), "objects", True,
         {"Sheep: one.", "The number of sheep is one."}),
        (Claim(nodes=(Node("car", "red"), Node("person", clothes="blue"))), "attributes", True,
         {"A car, red, and a person, dressed in blue.", "A person, dressed in blue, and a car, red.",
          "A car whose colour is red and a person whose shirt is blue.",
          "A person whose shirt is blue and a car whose colour is red."}),
    ],
)  # fmt: skip
def test_numbers_and_colours_in_kept_wordings(claim, tag, kept, expected) -> None:
    assert {wordings.write(claim, tag, random.Random(seed), kept)[0] for seed in range(80)} == expected


def test_what_no_wording_says() -> None:
    with pytest.raises(UnsayableError):
        wordings.write(Claim(nodes=(Node("car"), Node("dog"))), "relations", random.Random(0), False)


def test_a_third_of_the_wordings_is_kept_back() -> None:
    kept, taught = wordings.names(True), wordings.names(False)
    assert not set(kept) & set(taught)
    assert 0.3 < len(kept) / (len(kept) + len(taught)) < 0.4


def rendered_but_for_one(scenes: list[Scene], folder: Path) -> None:
    """All have pictures but the last; of the second nothing stands in any relation once it is rendered."""
    (folder / "all" / "images").mkdir()
    (folder / "work").mkdir()
    for scene in scenes[:-1]:
        (folder / "all" / "images" / f"{scene.id}.webp").touch()
    bare = Scene.from_json(scenes[1].to_json() | {"relations": []})
    (folder / "work" / f"{bare.id}.json").write_text(json.dumps(bare.to_json()))


def test_training_folder_joins_both_splits_and_says_nothing_kept_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = [staged.scene for number in (2, 3) for staged in hard.group("hard-train", number)]
    single = Scene.from_json(
        group[0].to_json() | {"id": "train-0000", "split": "train", "group": None, "time": "sunset"}
    )
    for number, scene in enumerate(group):
        scene.id = f"hard-train-{number:04d}"
    monkeypatch.setitem(SPLITS, "train", 1)
    monkeypatch.setitem(SPLITS, "hard-train", len(group))
    write_lines(tmp_path / "all" / "scenes.jsonl", [scene.to_json() for scene in (single, *group)])
    assert build_more(tmp_path / "all", tmp_path / "more", 2) > 5 * 2 * 9
    rows, facts = (read_lines(tmp_path / "more" / name) for name in ("captions.jsonl", "caption_facts.jsonl"))
    assert (
        {row["split"] for row in rows}
        == {"train"}
        == {row["split"] for row in read_lines(tmp_path / "more" / "scenes.jsonl")}
    )
    assert [row.get("group") for row in rows] == [None, *["hard-train-g002"] * 4, *["hard-train-g003"] * 4]
    scenes = [single, *group]
    rendered_but_for_one(scenes, tmp_path)
    kept, gone = refresh(tmp_path / "more", tmp_path / "work")
    now = read_lines(tmp_path / "more" / "captions.jsonl")
    assert gone > 0
    assert kept == sum(len(row["captions"]) for row in now)
    assert [row["id"] for row in now] == [scene.id for scene in scenes[:-1]]
    assert [len(row["captions"]) == len(old["captions"]) for row, old in zip(now, rows, strict=False)] == [
        number != 1 for number in range(len(now))
    ]
    for number, row in enumerate(facts):
        for fact in row["captions"]:
            claim = Claim.from_json(fact["claim"])
            assert fact["true_of"] == [n for n, scene in enumerate(scenes) if holds(claim, scene)]
            assert number in fact["true_of"]
            assert "kept" not in fact
            assert fact.get("wording") not in wordings.names(True)
            assert not any(is_kept(claim.nodes[s].kind, claim.nodes[o].kind) for s, _, o in claim.links)
