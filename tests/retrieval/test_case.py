from __future__ import annotations

import json
import shutil

import pytest

from hgan.gallery.store import Gallery
from hgan.retrieval.retriever import Retriever

STATE = {"page": "search", "q": "a red circle"}


@pytest.fixture(scope="module")
def query(tiny_retriever):
    return tiny_retriever.encode("a red circle")


def test_every_answer_becomes_a_case_that_opens_without_a_warning(tiny_retriever, query):
    search = tiny_retriever.search(query=query)
    first, second = (hit.id for hit in search.hits[:2])
    answers = {
        "search": search,
        "explain": tiny_retriever.explain(first, query=query),
        "compare": tiny_retriever.compare(first, second, query),
        "what-if": tiny_retriever.what_if(first, query, words_off=[0]),
        "errors": tiny_retriever.analyse(),
    }
    for kind, answer in answers.items():
        text = json.dumps(tiny_retriever.case(answer, STATE), allow_nan=False)
        case, warnings = tiny_retriever.read_case(text)
        assert warnings == []
        assert (case["kind"], case["state"]) == (kind, STATE)
        assert case["data"] == json.loads(json.dumps(answer.to_json()))


def test_a_case_of_another_gallery_or_model_says_so(tiny_retriever, tiny_gallery, tmp_path, query):
    case = tiny_retriever.case(tiny_retriever.search(query=query), STATE)
    folder = shutil.copytree(tiny_gallery, tmp_path / "other")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "name": "other"}))
    other = Retriever(tiny_retriever.model, tiny_retriever.processor, Gallery(folder))
    (warning,) = other.read_case(json.dumps(case))[1]
    assert "another gallery: shapes (" in warning
    assert "while this is other (" in warning
    case["model"] = {"name": "big", "sha256": "f" * 64}
    (warning,) = tiny_retriever.read_case(json.dumps(case))[1]
    assert "another model: big (ffffffffffff)" in warning


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"[]", b"{}", b"null", b"[" * 100_000, b'{"model": {"name": 1, "sha256": "x"}}'],
    ids=["empty", "binary", "list", "bare", "null", "deep", "wrong types"],
)
def test_a_file_that_is_no_case_is_refused(tiny_retriever, data):
    with pytest.raises(ValueError, match="no case"):
        tiny_retriever.read_case(data)


def test_a_case_of_a_later_format_is_refused(tiny_retriever, query):
    case = tiny_retriever.case(tiny_retriever.search(query=query), STATE)
    with pytest.raises(ValueError, match="format 99, but expected 1"):
        tiny_retriever.read_case(json.dumps({**case, "format": 99}))
