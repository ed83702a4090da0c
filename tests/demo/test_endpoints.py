"""The endpoints for programs: the same answers as the Python API, and plain errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from hgan.retrieval.error_filter import ANY
from hgan.retrieval.retriever import Retriever
from tests.common import SENTENCE


def without_time(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {key: without_time(value) for key, value in answer.items() if key != "timing_ms"}
    return [without_time(value) for value in answer] if isinstance(answer, list) else answer


def as_json(answer: Any) -> Any:
    return without_time(json.loads(json.dumps(answer.to_json())))


def test_compare_by_program(client: Client, retriever: Retriever) -> None:
    query = retriever.encode(text=SENTENCE)
    a, b = (hit.id for hit in retriever.search(query=query, k=2).hits)
    answer = client.predict(a=a, b=b, text=SENTENCE, picture=None, api_name="/compare")
    assert without_time(answer) == as_json(retriever.compare(a, b, query=query))
    assert sum(step["value"] for step in answer["words"]) == pytest.approx(answer["difference"], abs=1e-5)


def test_what_if_by_program(client: Client, retriever: Retriever, red_circle: Path) -> None:
    id_, query = retriever.gallery.items[0].id, retriever.encode(text=SENTENCE)
    given = {"id": id_, "text": SENTENCE, "picture": None, "words_off": [], "regions_off": [], "edges_off": []}
    answer = client.predict(**given, new_text="a blue square", api_name="/what_if")
    assert without_time(answer) == as_json(retriever.what_if(id_, query=query, text="a blue square"))
    answer = client.predict(
        **given | {"words_off": ["1"], "edges_off": ["text:0:1"]}, new_text=None, api_name="/what_if"
    )
    assert answer["change"] == pytest.approx(answer["after"]["score"] - answer["before"]["score"])
    assert answer["after"]["words"][1]["total"] == 0
    pictured = given | {"text": None, "picture": handle_file(red_circle)}
    assert client.predict(**pictured, new_text="green", api_name="/what_if")["after"]["caption"] == "green"


def test_evaluate_by_program(client: Client, retriever: Retriever) -> None:
    analysis = retriever.analyse()
    answer = client.predict(
        direction=ANY, lost_by=ANY, tag=ANY, failures_only=False, api_name="/evaluate"
    )  # fmt: skip
    assert answer["metrics"] == as_json(analysis)["metrics"]
    assert len(answer["rows"]) == len(analysis.rows)
    failed = client.predict(
        direction="text_to_image", lost_by="global", tag=ANY, failures_only=True, api_name="/evaluate"
    )
    assert all(r["rank"] > 1 and r["lost_by"] == "global" for r in failed["rows"])


@pytest.mark.parametrize(
    ("door", "given"),
    [
        ("/compare", {"a": "nobody", "b": "nobody", "text": SENTENCE, "picture": None}),
        ("/compare", {"a": "nobody", "b": "nobody", "text": "", "picture": None}),
        ("/what_if", {"words_off": ["99"]}),
        ("/what_if", {"edges_off": ["image:0"]}),
        ("/what_if", {"words_off": ["<b>"]}),
    ],
)
def test_wrong_input_is_a_plain_error(client: Client, retriever: Retriever, door: str, given: dict[str, Any]) -> None:
    if door == "/what_if":
        known = {"id": retriever.gallery.items[0].id, "text": SENTENCE, "picture": None, "new_text": None}
        given = {**known, "words_off": [], "regions_off": [], "edges_off": [], **given}
    with pytest.raises(AppError, match="expected"):
        client.predict(**given, api_name=door)
