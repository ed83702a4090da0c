"""The demo over a tiny model: the same numbers as the retriever's, plain errors, escaped text."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from hgan.cli.main import main as cli
from hgan.demo.pages import explain, search
from hgan.demo.parts import cases
from hgan.demo.parts.cases import read_case_file
from hgan.demo.parts.context import PAGES, Context
from hgan.demo.parts.links import from_query
from hgan.demo.shell import build_demo
from hgan.retrieval.results import Hit
from hgan.retrieval.retriever import Retriever
from hgan.visualize.matches import moves
from tests.common import SCRIPT, SENTENCE, assert_safe


def without_time(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "timing_ms"}


def test_search_by_sentence_gives_the_retrievers_numbers(client: Client, retriever: Retriever) -> None:
    answer = client.predict(text=SENTENCE, k=5, api_name="/search")
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3, 4, 5]
    for hit in answer["hits"]:
        assert sum(hit["contributions"].values()) == pytest.approx(hit["score"], abs=1e-5)
    assert without_time(answer) == without_time(retriever.search(text=SENTENCE, k=5).to_json())
    assert set(answer["timing_ms"]) == {"encode", "search"}


def test_search_by_picture_gives_captions(client: Client, retriever: Retriever, red_circle: Path) -> None:
    answer = client.predict(picture=handle_file(red_circle), k=3, api_name="/search_by_picture")
    assert without_time(answer) == without_time(retriever.search(image=red_circle, k=3).to_json())
    assert all(hit["caption"] for hit in answer["hits"])


def test_explanation_adds_up(client: Client, retriever: Retriever) -> None:
    id_ = client.predict(text=SENTENCE, k=1, api_name="/search")["hits"][0]["id"]
    answer = client.predict(id=id_, text=SENTENCE, picture=None, api_name="/explain")
    assert answer["check"]["sum_error"] <= 1e-5
    parts = answer["contributions"]["global"] + sum(map(sum, answer["local_terms"]))
    parts += sum(node["cross"] for node in answer["words"] + answer["regions"])
    assert parts == pytest.approx(answer["score"], abs=1e-5)
    assert without_time(answer) == without_time(json.loads(json.dumps(retriever.explain(id_, text=SENTENCE).to_json())))


def test_picture_query_is_explained_with_its_best_caption(client: Client, red_circle: Path) -> None:
    hit = client.predict(picture=handle_file(red_circle), k=1, api_name="/search_by_picture")["hits"][0]
    answer = client.predict(id=hit["id"], text="", picture=handle_file(red_circle), api_name="/explain")
    assert (answer["id"], answer["caption"]) == (hit["id"], hit["caption"])
    assert answer["score"] == pytest.approx(hit["score"], abs=1e-5)


def test_command_line_and_app_agree(
    client: Client, tiny_checkpoint: Path, gallery: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--gallery", str(gallery), "--checkpoint", str(tiny_checkpoint), "--device", "cpu", "--json"]
    assert cli(["search", "--text", SENTENCE, "-k", "4", *options]) == 0
    assert without_time(json.loads(capsys.readouterr().out)) == without_time(
        client.predict(text=SENTENCE, k=4, api_name="/search")
    )


@pytest.mark.parametrize("text", ["", "   \n"])
def test_empty_sentence_is_a_plain_error(client: Client, text: str) -> None:
    with pytest.raises(AppError, match="expected"):
        client.predict(text=text, k=3, api_name="/search")


def test_no_picture_is_a_plain_error(client: Client) -> None:
    with pytest.raises(AppError, match="got no picture"):
        client.predict(picture=None, k=3, api_name="/search_by_picture")


@pytest.mark.parametrize("name", ["notes.txt", "notes.png"])
def test_text_file_as_picture_is_a_plain_error(client: Client, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no picture")
    with pytest.raises(AppError, match=f"{name}: got a file that cannot be decoded, but expected a picture"):
        client.predict(picture=handle_file(tmp_path / name), k=3, api_name="/search_by_picture")


def test_only_uploaded_files_are_read(client: Client, red_circle: Path) -> None:
    marked = {"path": str(red_circle), "meta": {"_type": "gradio.FileData"}}
    bare = {"path": str(red_circle)}
    inline = {"path": None, "url": "data:image/png;base64," + base64.b64encode(red_circle.read_bytes()).decode()}
    call = f"{client.src}gradio_api/call/search_by_picture"  # not by the client, which would upload the file first
    for payload in (marked, bare, inline):
        event = httpx.post(call, json={"data": [payload, 3, None]}).json()["event_id"]
        answer = httpx.get(f"{call}/{event}", timeout=30).text
        assert answer.startswith("event: error"), payload
        assert "uploaded" in answer


def test_unknown_id_is_a_plain_error(client: Client) -> None:
    with pytest.raises(AppError, match="not in gallery"):
        client.predict(id="<b>nobody</b>", text=SENTENCE, picture=None, api_name="/explain")


def test_long_sentence_is_cut_with_a_notice(client: Client) -> None:
    answer = client.predict(text="red circle " * 5000, k=2, api_name="/search")
    assert "cut" in answer["notices"][0]
    assert len(answer["hits"]) == 2


def test_only_the_named_endpoints_are_public(client: Client) -> None:
    named = set(client.view_api(return_format="dict")["named_endpoints"])
    own = {"/search", "/search_by_picture", "/explain"}
    assert named == own | {"/compare", "/what_if", "/evaluate", "/build_gallery"}


def test_level_weights_reach_search_and_explanation(client: Client, retriever: Retriever) -> None:
    weights = {"global": 1, "local": 0, "cross": 0}
    answer = client.predict(text=SENTENCE, k=4, weights=weights, api_name="/search")
    assert [hit["score"] for hit in answer["hits"]] == pytest.approx(
        [hit["levels"]["global"] for hit in answer["hits"]]
    )
    id_ = answer["hits"][0]["id"]
    told = client.predict(id=id_, text=SENTENCE, picture=None, weights=weights, api_name="/explain")
    assert told["score"] == pytest.approx(answer["hits"][0]["score"], abs=1e-5)
    for wrong in ([1, 0, 0], {"global": "much"}, {"global": 0, "local": 0, "cross": 0}):
        with pytest.raises(AppError, match="weights"):
            client.predict(text=SENTENCE, k=4, weights=wrong, api_name="/search")


@pytest.fixture(scope="module")
def page(retriever: Retriever) -> search.Handlers:
    return search.Handlers(Context(retriever))


@pytest.fixture(scope="module")
def settings(page: search.Handlers) -> list[Any]:
    """Three matches, sliders where the learned weights are, no gallery of one's own."""
    return [3, *page.learned(None), None]


def shown_ids(matches: str) -> list[str]:
    return [part.split('"')[0] for part in matches.split('hg-match" data-id="')[1:]]


def test_page_shows_text_from_outside_escaped(page: search.Handlers, settings: list[Any]) -> None:
    asked, chosen, weights, matches, link = page.by_sentence(SCRIPT, *settings)
    why, why_link = explain.Handlers(page.context).show(asked, chosen, weights, None)
    for drawn in (matches, why, link, why_link):
        assert_safe(drawn)
    assert "&lt;script&gt;alert(1)" in matches


def test_page_of_a_picture_query_shows_that_picture(
    page: search.Handlers, settings: list[Any], red_circle: Path
) -> None:
    asked, chosen, weights, matches, _ = page.by_picture(str(red_circle), *settings)
    why, _ = explain.Handlers(page.context).show(asked, chosen, weights, None)
    assert asked.picture.uri in why
    assert "and picture <b>00_red_circle.png</b>" in why
    assert matches.count('class="hg-match"') == 3
    assert matches.count('aria-pressed="true"') == 1


def test_page_survives_words_unknown_to_the_model(page: search.Handlers, settings: list[Any]) -> None:
    for text in ("😀😀", "qzx", "a"):
        asked, chosen, weights, _, _ = page.by_sentence(text, *settings)
        assert "hg-explained" in explain.Handlers(page.context).show(asked, chosen, weights, None)[0]


def test_sliders_rank_anew_and_say_what_moved(page: search.Handlers, settings: list[Any], retriever: Retriever) -> None:
    asked, chosen, weights, matches, link = page.by_sentence(SENTENCE, *settings)
    assert weights is None
    assert "hg-move" not in matches
    assert "w" not in from_query(link)
    one_level = {"global": 0.0, "local": 0.0, "cross": 1.0}
    _, _, weights, matches, link = page.again(asked, chosen, 12, *one_level.values(), None)
    assert weights == one_level
    assert from_query(link)["w"] == "0,0,1"
    new = retriever.search(text=SENTENCE, k=12, weights=one_level).hits
    assert shown_ids(matches) == [hit.id for hit in new]
    places = moves(retriever.search(text=SENTENCE, k=12).hits, new)
    assert any(places.values())
    assert sum(bool(places[hit.id]) for hit in new) == matches.count("hg-move")


def test_moves_count_places_gained() -> None:
    hits = {id_: Hit(rank, id_, 0.0, {}, {}) for rank, id_ in enumerate("abcd", 1)}
    after = [Hit(rank, id_, 0.0, {}, {}) for rank, id_ in enumerate("dabx", 1)]
    assert moves(list(hits.values()), after) == {"d": 3, "a": -1, "b": -1, "x": None}


def test_link_opens_the_same_state_again(page: search.Handlers, retriever: Retriever) -> None:
    *_, matches, link = page.by_sentence(SENTENCE, 5, 0.2, 0.3, 0.9, None)
    opened = page.open(from_query(link), None)
    assert opened[2:7] == (SENTENCE, 5, 0.2, 0.3, 0.9)
    asked, _, weights, reopened, link_again = opened[7:]
    assert link_again == link
    assert shown_ids(reopened) == shown_ids(matches)
    last = retriever.search(text=SENTENCE, k=12).hits[-1].id  # none of the five shown
    _, link = explain.Handlers(page.context).show(asked, last, weights, None)
    opened = page.open(from_query(link), None)
    assert opened[1].selected == "explain"
    assert opened[8] == last


def test_link_of_a_gallery_picture_opens_that_picture(page: search.Handlers, settings: list[Any]) -> None:
    gallery = page.context.retriever.gallery
    *_, link = page.by_picture(str(gallery.thumbnail(2)), *settings)
    assert from_query(link)["picture"] == gallery.items[2].id
    opened = page.open(from_query(link), None)
    assert opened[7].source == gallery.items[2].id
    assert opened[-1] == link


@pytest.mark.parametrize(
    "parameters",
    [
        {"q": SENTENCE, "k": "many"},
        {"q": SENTENCE, "k": "0"},
        {"q": SENTENCE, "w": "1,2"},
        {"q": SENTENCE, "w": "nan,1,1"},
        {"q": SENTENCE, "id": "nobody"},
        {"picture": "nobody"},
        {"image": "data:image/webp;base64,%%%"},
        {"image": "data:image/webp;base64,AAAA"},
    ],
)
def test_damaged_link_is_a_plain_error(page: search.Handlers, parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        page.open(parameters, None)


def test_saved_case_opens_again_and_warns_of_another_model(
    page: search.Handlers, settings: list[Any], retriever: Retriever, red_circle: Path, tmp_path: Path
) -> None:
    asked, chosen, weights, _, _ = page.by_picture(str(red_circle), *settings)
    _, answer, link, _, _ = explain.Handlers(page.context).shown(asked, chosen, weights, None)
    case = retriever.case(answer, cases.state_of(asked, link))
    (tmp_path / "case.json").write_text(json.dumps(case))
    state, warnings = read_case_file(str(tmp_path / "case.json"), retriever)
    assert warnings == []
    opened = page.open(state, None)
    assert opened[7].picture is not None
    assert opened[8] == chosen
    case["model"]["sha256"] = "0" * 64
    (tmp_path / "case.json").write_text(json.dumps(case))
    assert len(read_case_file(str(tmp_path / "case.json"), retriever)[1]) == 1


def test_every_page_has_its_tab(retriever: Retriever) -> None:
    tabs = [block for block in build_demo(retriever).blocks.values() if block.get_block_name() == "tabitem"]
    assert [tab.id for tab in tabs if tab.id in PAGES] == list(PAGES)


def test_missing_checkpoint_or_gallery_is_one_line_and_status_2(
    tiny_checkpoint: Path,
    gallery: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for checkpoint, folder in ((tiny_checkpoint, tmp_path / "none"), (tmp_path / "none", gallery)):
        monkeypatch.setenv("HGAN_CHECKPOINT", str(checkpoint))
        monkeypatch.setenv("HGAN_GALLERY", str(folder))
        assert app.main() == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hgan:")]
        assert len(lines) == 1
        assert "none" in lines[0]
