"""Values that no page sends are refused in plain words."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest

from hgan.demo.serving.values import event_id, refusal
from tests.demo.serving.site import META, SENTENCE, Site

ODD: list[Any] = [
    None, True, 7, 2.5, -1, "x", "<img src=x>", [], [None], [{"a": 1}], {}, {"a": [1]}, 2**60, "NaN", [["a"]], {"path": 3},
]  # fmt: skip


RAW = (
    "Traceback",
    "NoneType",
    "object is not",
    "unhashable",
    "'<' not",
    "has no attribute",
    "site-packages",
    "<img",
    "pydantic",
)


@pytest.mark.parametrize(
    "name", ["search", "search_by_picture", "explain", "compare", "what_if", "evaluate", "build_gallery"]
)
def test_endpoints_refuse_odd_values_in_plain_words(site: Site, name: str) -> None:
    count = len(site.event(name)["inputs"])
    for place in range(count):
        for value in ODD:
            usual = {"search": [SENTENCE, 3, None], "search_by_picture": [None, 3, None]}.get(name, [None] * count)
            data = [value if n == place else old for n, old in enumerate(usual)]
            said = site.error(name, data)
            assert not any(raw in said for raw in RAW), (value, said)
            assert not said or "expected" in said or "no captions" in said, (value, said)


@pytest.mark.parametrize("extra", [-3, -1, 1, 50])
def test_too_few_and_too_many_values_are_counted(site: Site, extra: int) -> None:
    said = site.error("search", [SENTENCE, 3, None, *[0] * 60][: 3 + extra])
    assert f"got {3 + extra} values, but expected 3 (text, k, weights)" in said


@pytest.mark.parametrize(
    ("k", "good"),
    [(3, True), (3.0, True), (2.5, False), (True, False), (None, False), ("3", False), (51, False), (0, False)],
)
def test_how_many_is_a_whole_number(site: Site, k: Any, good: bool) -> None:
    said = site.error("search", [SENTENCE, k, None])
    assert (not said) == good
    assert good or "as k, but expected a whole number from 1 to 50" in said


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 400, "-" + "9" * 400])
def test_numbers_beyond_bounds_are_refused(site: Site, number: str) -> None:
    session, event = f"n{abs(hash(number))}", site.event("search")["id"]
    content = f'{{"fn_index": {event}, "session_hash": "{session}", "data": ["a", 3, {{"global": {number}}}]}}'
    with site.http() as http:
        joined = http.post("/queue/join", content=content, headers={"content-type": "application/json"})
    answer = site.answer(joined, session)
    assert not answer["success"]
    assert "number" in answer["output"]["error"]
    assert "but expected" in answer["output"]["error"]


def test_every_private_handler_refuses_odd_values_in_plain_words(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    handlers = [
        d for d in site.config["dependencies"] if d["backend_fn"] and d["api_name"] not in ("analyse", "evaluate")
    ]
    for event in handlers:
        for value in ("<img src=x> SECRET", None, {"SECRET": []}, [{"a": 1}]):
            data = [value] * len(event["inputs"])
            for more in ({}, {"event_data": None}, {"event_data": {"id": 7}}, {"event_data": [1]}):
                if event["queue"] is False:
                    body = {"data": data, "fn_index": event["id"], "session_hash": "odd", **more}
                    with site.http() as http:
                        answer = http.post("/run/predict", json=body)
                        said = answer.text if answer.status_code != 200 else ""
                else:
                    said = site.error(event["api_name"], data, **more)
                assert not any(raw in said for raw in RAW), (event["api_name"], value, said)
    said_out = capfd.readouterr()
    assert "SECRET" not in said_out.err + said_out.out
    assert "Traceback" not in said_out.err + said_out.out


@pytest.mark.parametrize(
    "data", [None, {}, {"id": None}, {"id": 7}, {"id": ["a"]}, {"id": ""}, {"id": "x" * 2_000}, [1], "x"]
)
def test_an_event_without_an_id_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="expected the id of a match"):
        event_id(gr.EventData(None, data))
    assert event_id(gr.EventData(None, {"id": "a#1"})) == "a#1"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x" * 100_001, "characters"), ([0] * 2_001, "values"), (json.loads("[" * 20 + "]" * 20), "deep"),
        (float("nan"), "finite"), (float("inf"), "finite"), (10**400, "digits"), ({"x" * 100_001: 1}, "characters"),
        ("\ud800", "half a character"), (["x" * 60_000, {"a": "x" * 60_000}], "characters"),
    ],
)  # fmt: skip
def test_too_much_of_anything_is_refused(value: Any, said: str) -> None:
    assert said in str(refusal([value]))


def test_five_hundred_uploaded_files_are_not_too_much() -> None:
    file = {
        "path": "/tmp/" + "x" * 300,
        "url": "http://a/" + "x" * 400,
        "orig_name": "a",
        "size": 3,
        "mime_type": "",
        "meta": META,
    }
    assert refusal([[file] * 501, None]) is None
    assert refusal([[{"path": "x" * 5_000}] * 60]) is not None


def test_a_false_case_is_refused_by_its_size(site: Site) -> None:
    said = site.error("open_case", [site.upload("case.json", b"[" + b"[]," * 2_000_000 + b"1]"), None])
    assert "but expected a saved case of at most 5,000,000" in said
