"""The classroom's cases: made from a gallery through the retriever, kept in a file, drawn with the answer hidden."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hgan.retrieval.classroom import CaseFile, ClassCase, read_cases, write_cases
from hgan.retrieval.retriever import Retriever
from hgan.visualize.classroom import case_page, case_title
from scripts import classroom as script

SCRIPT = '<script>alert(1)</script> a red "circle" ${1+1} {{value}} <img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def retriever(tiny_retriever: Retriever) -> Retriever:
    return tiny_retriever


def assert_safe(page: str) -> None:
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "${" not in page
    assert "{{" not in page


@pytest.fixture(scope="module")
def toy(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny dataset with facts about its captions, and its first four pictures as a hard group."""
    folder = tmp_path_factory.mktemp("toy")
    lines = [json.loads(line) for line in (tiny_dataset / "captions.jsonl").read_text().splitlines()]
    ids = [Path(line["image"]).stem for line in lines]
    facts = [
        {"id": id_, "captions": [{"tag": "full", "true_of": [n]}, {"tag": "objects", "true_of": [n]}]}
        for n, id_ in enumerate(ids)
    ]
    scenes = [
        {"id": id_, "split": "test", "group": {"id": "g1", "differs": "attribute"} if n < 4 else None}
        for n, id_ in enumerate(ids)
    ]
    for line in lines:
        line["split"] = "test"
    for name, content in (("captions", lines), ("caption_facts", facts), ("scenes", scenes)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in content))
    return folder


@pytest.fixture(scope="module")
def cases(retriever: Retriever, toy: Path) -> CaseFile:
    return script.make_cases(retriever, toy, number=5, seed=1)


def test_cases_have_one_true_picture_and_the_models_order(cases: CaseFile, retriever: Retriever) -> None:
    assert len(cases.cases) == 5
    assert {case.kind for case in cases.cases} == {"attribute", script.LOOK_ALIKES}
    assert len({case.id for case in cases.cases}) == 5
    for case in cases.cases:
        assert sum(picture.true for picture in case.pictures) == 1
        assert sorted(picture.rank for picture in case.pictures) == [1, 2, 3, 4]
        hits = {hit.id: hit for hit in retriever.search(text=case.sentence, k=12).hits}
        for picture in case.pictures:
            assert picture.score == pytest.approx(hits[picture.id].score, abs=1e-6)
            assert picture.gallery_rank == hits[picture.id].rank
        scores = [case.pictures[n].score for n in case.order]
        assert scores == sorted(scores, reverse=True)
        for steps in (case.levels, case.words):
            assert sum(step.value for step in steps) == pytest.approx(scores[0] - scores[1], abs=1e-5)


def test_cases_are_the_same_each_time(cases: CaseFile, retriever: Retriever, toy: Path) -> None:
    assert script.make_cases(retriever, toy, number=5, seed=1) == cases


def test_cases_survive_their_file_and_name_another_model(cases: CaseFile, tmp_path: Path) -> None:
    write_cases(cases, tmp_path / "cases.json")
    read = read_cases(tmp_path / "cases.json")
    assert read == cases
    assert read.warnings(cases.model["sha256"], cases.gallery["sha256"]) == []
    (warning,) = read.warnings("0" * 64, cases.gallery["sha256"])
    assert cases.model["name"] in warning
    assert read.case("no such case") == read.cases[0]
    assert read.case(read.cases[2].id) == read.cases[2]


@pytest.mark.parametrize("damage", ["{}", "[]", "no json", '{"format": 1, "cases": []}', '{"format": 9}'])
def test_damaged_cases_are_plain_errors(damage: str, tmp_path: Path) -> None:
    (tmp_path / "cases.json").write_text(damage)
    with pytest.raises(ValueError, match="expected"):
        read_cases(tmp_path / "cases.json")
    with pytest.raises(ValueError, match="expected"):
        read_cases(tmp_path / "none.json")


def test_case_page_hides_the_answer_and_escapes(cases: CaseFile) -> None:
    case: ClassCase = replace(cases.cases[0], sentence=SCRIPT, kind=SCRIPT, id=SCRIPT)
    page = case_page(case, "?tab=classroom&case=x", [SCRIPT])
    assert_safe(page)
    assert page.count('class="hg-card"') == 4
    assert '<div class="hg-answer" hidden>' in page
    assert case_title(1, cases.cases[0]).startswith("1. ")
