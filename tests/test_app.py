"""The demo over a tiny model: the same numbers as the retriever's, plain errors, escaped text."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from hgan import visualize
from hgan.build import load
from hgan.charts import escape, stacked_bar, sum_text
from hgan.cli import main as cli
from hgan.data.folder import read_dataset
from hgan.drawings import image_edges, numbered, read_picture, shrink_picture, strongest
from hgan.gallery_build import build_gallery
from hgan.retriever import Retriever

SENTENCE = "a red circle on the left of a blue square"
SCRIPT = '<script>alert(1)</script> a red "circle" ${1+1} {{value}} <img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def gallery(tiny_checkpoint: Path, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "shapes"
    build_gallery(*load(str(tiny_checkpoint), "cpu"), read_dataset(tiny_dataset), folder, "tiny")
    return folder


@pytest.fixture(scope="module")
def retriever(tiny_checkpoint: Path, gallery: Path) -> Retriever:
    return Retriever.open(str(tiny_checkpoint), gallery, "cpu")


@pytest.fixture(scope="module")
def client(retriever: Retriever) -> Iterator[Client]:
    demo = app.build_demo(retriever)
    options = app.launch_options() | {"server_name": "127.0.0.1", "server_port": None}
    _, url, _ = demo.launch(**options, prevent_thread_lock=True, quiet=True)
    yield Client(url, verbose=False)
    demo.close()


@pytest.fixture(scope="module")
def red_circle(tiny_dataset: Path) -> Path:
    return tiny_dataset / "images" / "00_red_circle.png"


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
        event = httpx.post(call, json={"data": [payload, 3]}).json()["event_id"]
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
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {
        "/search",
        "/search_by_picture",
        "/explain",
    }


def test_page_shows_text_from_outside_escaped(retriever: Retriever) -> None:
    handlers = app.Handlers(retriever)
    asked, matches, why = handlers.by_sentence(SCRIPT, 3)
    for page in (matches, why, handlers.why(asked, retriever.gallery.items[1].id)):
        assert "<script" not in page
        assert "<img src=x" not in page
        assert "${" not in page
        assert "{{" not in page
    assert "&lt;script&gt;alert(1)" in matches


def test_drawings_show_the_strongest_regions_and_their_edges(retriever: Retriever) -> None:
    explanation = retriever.explain(retriever.gallery.items[0].id, text=SENTENCE)
    totals = [region.total for region in strongest(explanation.regions)]
    assert totals == sorted(totals, reverse=True)
    place = numbered(explanation.regions)
    assert sorted(place.values()) == list(range(1, len(place) + 1))
    first = max(explanation.regions, key=lambda region: region.total)
    assert place[first.index] == 1
    graph, edges = image_edges(explanation)
    assert all(weight == graph.edges[i, j]["weight"] for i, j, weight in edges)
    both = explanation.image_edges[0][first.index + 1] + explanation.image_edges[first.index + 1][0]
    assert graph.edges[0, first.index + 1]["weight"] == pytest.approx(both / 2)
    assert {0, first.index + 1} <= {node for edge in edges for node in edge[:2]}
    page = visualize.explanation_page(explanation, read_picture(retriever.gallery.thumbnail(0)))
    for region in explanation.regions[:5]:
        assert f"{place[region.index]} {region.label}" in page


def test_page_of_a_picture_query_shows_that_picture(retriever: Retriever, red_circle: Path) -> None:
    asked, matches, why = app.Handlers(retriever).by_picture(str(red_circle), 2)
    assert asked.picture is not None
    assert asked.picture.uri in why
    assert "with picture <b>00_red_circle.png</b>" in why
    assert matches.count('class="hg-match"') == 2
    assert matches.count('aria-pressed="true"') == 1


def test_page_survives_words_unknown_to_the_model(retriever: Retriever) -> None:
    for text in ("😀😀", "qzx", "a"):
        assert "hg-explained" in app.Handlers(retriever).by_sentence(text, 2)[2]


@pytest.mark.parametrize("size", [(2000, 3), (3, 2000), (1, 1)])
def test_page_survives_extreme_pictures(retriever: Retriever, picture: Any, size: tuple[int, int]) -> None:
    image = picture(size=(64, 64)).resize(size)
    explanation = retriever.explain(retriever.gallery.items[0].id, image=image)
    assert "hg-drawing" in visualize.explanation_page(explanation, shrink_picture(image))


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


def test_negative_parts_are_drawn_left_of_zero_and_hatched() -> None:
    bar = stacked_bar({"global": 0.2, "local": -0.1, "cross": 0.2}, (-0.1, 0.4))
    assert "left:20.000%;width:40.000%" in bar  # global from zero
    assert 'hg-minus" style="left:0.000%;width:20.000%' in bar
    assert "left:60.000%;width:40.000%" in bar  # cross after global
    assert 'hg-sum" style="left:80.000%' in bar  # 0.3 on an axis from -0.1 to 0.4
    assert sum_text([0.2, -0.1, 0.2], 0.3, 1) == "0.2 − 0.1 + 0.2 = 0.3"
    assert sum_text([0.214, 0.168, 0.1649], 0.5465, 2) == "0.21 + 0.17 + 0.16 ≈ 0.55"
    assert escape("<${x}>`") == "&lt;&#36;&#123;x&#125;&gt;&#96;"
