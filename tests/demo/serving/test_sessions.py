"""What is kept for a session is bounded, and goes with it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from hgan.demo.pages import my_gallery
from hgan.demo.pages.what_if import MOST_WORDS, words_to_tick
from hgan.demo.parts.context import Context
from hgan.demo.serving.values import MOST_TEXT
from hgan.demo.uploads.files import Upload
from hgan.demo.uploads.galleries import GALLERIES
from hgan.retrieval.retriever import Retriever
from tests.demo.serving.site import FEW, SENTENCE, Site, zipped


def test_long_text_is_bounded_at_every_door(site: Site) -> None:
    long = "x y " * 100_000
    for event in site.config["dependencies"]:
        if not event["backend_fn"] or not event["inputs"] or event["api_name"] == "analyse":
            continue
        data = [long] * len(event["inputs"])
        if event["queue"] is False:
            answer = site.run(event["api_name"], [long[:300_000]] * len(data), "long")
            assert answer.status_code in (413, 500), event["api_name"]
            assert "shorten it" in answer.text, event["api_name"]
        else:
            joined = site.join(event["api_name"], [long], "long")
            assert joined.status_code in (200, 429), event["api_name"]
            if joined.status_code == 200:
                said = site.ask(event["api_name"], data[:1], f"long{event['id']}", "127.0.0.9")
                assert "shorten it" in said["output"]["error"], event["api_name"]
    assert "long" not in site.demo.state_holder or not _largest_text(site.demo.state_holder["long"]) > MOST_TEXT


def _largest_text(state: Any) -> int:
    choices = [getattr(block, "choices", None) or [] for block in state.blocks_config.blocks.values()]
    return max(sum(len(str(choice)) for choice in some) for some in choices)


def test_words_to_tick_are_few_and_the_rest_is_named(site: Site) -> None:
    made = words_to_tick("word " * 900)
    assert len(made.choices) == MOST_WORDS
    assert "the first 200 of 900" in made.label
    with pytest.raises(gr.Error, match="shorten it"):
        words_to_tick("x" * 5_001)
    assert site.run("words_to_tick", ["word " * 900], "wordy").status_code == 200
    state = site.demo.state_holder["wordy"]
    assert not state.config_values
    assert _largest_text(state) < 10_000


def test_fresh_sessions_push_out_none_but_each_other(site: Site, picture: Any) -> None:
    file = site.upload("a.zip", zipped(picture, 3), "127.0.0.5")
    made = site.ask("build_gallery", [[file], None], "owner", "127.0.0.5")
    download = made["output"]["data"][2]["path"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: site.run("words_to_tick", ["a b"], f"fresh{n}", "127.0.0.5"), range(120)))
        list(pool.map(lambda n: site.run("words_to_tick", ["a b"], f"others{n}", "127.0.0.6"), range(120)))
    assert len(site.demo.state_holder.session_data) <= FEW.sessions
    found = site.ask("by_sentence", by_sentence(site), "owner", "127.0.0.5")["output"]["data"]
    assert 'data-id="3"' in json.dumps(found).replace('\\"', '"')
    assert site.served(download) == 200


def by_sentence(site: Site) -> list[Any]:
    values = {c["id"]: c["props"].get("value") for c in site.config["components"]}
    return [SENTENCE, *[values[number] for number in site.event("by_sentence")["inputs"][1:]]]


def test_a_session_that_goes_takes_its_gallery_with_it(site: Site, picture: Any) -> None:
    file = site.upload("a.zip", zipped(picture, 4), "127.0.0.7")
    made = site.ask("build_gallery", [[file], None], "leaver", "127.0.0.7")
    path = made["output"]["data"][2]["path"]
    assert site.served(path) == 200
    site.demo.state_holder.drop("leaver")
    assert site.served(path) != 200
    assert "leaver" not in site.demo.state_holder


def test_galleries_of_one_visitor_push_out_their_own(site: Site, picture: Any) -> None:
    def build(session: str, address: str, seed: int) -> str:
        file = site.upload("a.zip", zipped(picture, seed), address)
        return str(site.ask("build_gallery", [[file], None], session, address)["output"]["data"][2]["path"])

    for folder in list(GALLERIES.opened):  # of other tests
        GALLERIES.close(folder)
    mine = build("mine", "127.0.0.8", 5)
    theirs = [build(f"greedy{n}", "127.0.0.9", n) for n in range(7)]
    assert site.served(mine) == 200
    assert [site.served(path) for path in theirs] == [403] * 3 + [200] * 4


def test_a_build_is_stopped_while_it_unpacks(
    tiny_retriever: Retriever, picture: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers, request = my_gallery.Handlers(Context(tiny_retriever)), SimpleNamespace(session_hash="stopper")
    (tmp_path / "a.zip").write_bytes(zipped(picture, *range(30)))
    monkeypatch.setattr(gr, "Info", lambda *_: None)

    def progress(*_: Any, **__: Any) -> None:  # the first thing that is said, before anything is unpacked
        handlers.stop(request)

    monkeypatch.setattr(handlers, "encode", lambda *_: pytest.fail("went on to encode"))
    with pytest.raises(gr.Error, match="stopped: nothing was kept"):
        handlers.build([Upload(tmp_path / "a.zip", "a.zip")], None, request, progress)
