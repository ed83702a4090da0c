"""One visitor cannot harm another: shares, doors, uploads of one's own, and messages that are neither HTML nor raw errors."""

from __future__ import annotations

import io
import json
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio_client import Client, handle_file

import app
from hgan.checkpoint import load
from hgan.data.folder import read_dataset
from hgan.demo.pages import my_gallery
from hgan.demo.pages.what_if import MOST_WORDS, words_to_tick
from hgan.demo.parts.context import Context
from hgan.demo.serving.doors import Doors
from hgan.demo.serving.fair_queue import FairQueue
from hgan.demo.serving.messages import as_error, plain
from hgan.demo.serving.uploading import UPLOADS
from hgan.demo.serving.values import MOST_TEXT, event_id, refusal
from hgan.demo.serving.visitor import address_of
from hgan.demo.shell import build_demo
from hgan.demo.uploads import private
from hgan.demo.uploads.files import Upload
from hgan.demo.uploads.galleries import GALLERIES
from hgan.demo.uploads.shares import Shares, Visitor
from hgan.gallery.build import build_gallery
from hgan.retrieval.retriever import Retriever
from hgan.settings import Settings

SENTENCE = "a red circle"
FEW = Settings(sessions=100, queue=160, galleries=8, waiting_mb=200, upload_mb=100)
META = {"_type": "gradio.FileData"}


class Site:
    """A running app, asked as by hand."""

    def __init__(self, url: str, demo: gr.Blocks, temporary: Path) -> None:
        self.url, self.demo, self.temporary = url, demo, temporary
        self.config = httpx.get(f"{url}config").json()

    def event(self, name: str) -> dict[str, Any]:
        return next(d for d in self.config["dependencies"] if d["api_name"] == name)

    def http(self, address: str = "127.0.0.1") -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=address, verify=False)
        return httpx.Client(base_url=f"{self.url}gradio_api", transport=transport, timeout=60)

    def join(self, name: str, data: list[Any], session: str, address: str = "127.0.0.1", **more: Any) -> httpx.Response:
        body = {"data": data, "fn_index": self.event(name)["id"], "session_hash": session, **more}
        with self.http(address) as http:
            return http.post("/queue/join", json=body)

    def ask(self, name: str, data: list[Any], session: str, address: str = "127.0.0.1", **more: Any) -> dict[str, Any]:
        """The last message of an event: its `output`, and whether it was a success."""
        return self.answer(self.join(name, data, session, address, **more), session, address)

    def answer(self, joined: httpx.Response, session: str, address: str = "127.0.0.1") -> dict[str, Any]:
        assert joined.status_code == 200, joined.text
        with self.http(address) as http, http.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("event_id") == joined.json()["event_id"] and message["msg"] == "process_completed":
                    return message
        raise AssertionError("no answer")

    def error(self, name: str, data: list[Any], **more: Any) -> str:
        answer = self.ask(name, data, f"odd{id(data)}", **more)
        return "" if answer["success"] else answer["output"]["error"]

    def run(self, name: str, data: list[Any], session: str, address: str = "127.0.0.1") -> httpx.Response:
        body = {"data": data, "fn_index": self.event(name)["id"], "session_hash": session}
        with self.http(address) as http:
            return http.post("/run/predict", json=body)

    def upload(self, name: str, data: bytes, address: str = "127.0.0.1") -> dict[str, Any]:
        with self.http(address) as http:
            answer = http.post("/upload", files={"files": (name, data)})
        assert answer.status_code == 200, answer.text
        return {"path": answer.json()[0], "orig_name": name, "meta": META}

    def served(self, path: str) -> int:
        with self.http() as http:
            return http.get(f"/file={path}").status_code


@pytest.fixture(scope="module")
def site(tiny_checkpoint: Path, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    model, processor = load(str(tiny_checkpoint), "cpu")
    gallery = build_gallery(
        model, processor, read_dataset(tiny_dataset), tmp_path_factory.mktemp("g") / "shapes", "tiny"
    )
    temporary = tmp_path_factory.mktemp("tmp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setenv("GRADIO_TEMP_DIR", str(temporary / "gradio"))
        demo = build_demo(Retriever(model, processor, gallery), FEW)
        options = app.launch_options(FEW) | {"server_name": "127.0.0.1", "server_port": None}
        _, url, _ = demo.launch(**options, prevent_thread_lock=True, quiet=True)
        yield Site(url, demo, temporary)
        demo.close()
        private.FOLDERS.remove_all()
        app.launch_options()  # the limits of other tests


def png(picture: Any, seed: int = 0) -> bytes:
    data = io.BytesIO()
    picture(seed).save(data, "PNG")
    return data.getvalue()


def zipped(picture: Any, *seeds: int) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for seed in seeds:
            archive.writestr(zipfile.ZipInfo(f"{seed}.png"), png(picture, seed))
    return data.getvalue()


# --- shares -------------------------------------------------------------------------------------------------------------


def test_ones_own_oldest_goes_first() -> None:
    shares = Shares(total=10, address=4, session=2)
    a, b, other = Visitor("1", "a"), Visitor("1", "b"), Visitor("2", "c")
    assert [shares.add(n, a) for n in range(3)] == [[], [], [0]]
    assert shares.add(3, b) == shares.add(4, b) == shares.add(5, other) == []
    assert shares.add(6, Visitor("1", "d")) == [1]  # of the address
    shares.touch(2)
    assert shares.add(7, Visitor("1", "e")) == [3]
    assert 5 in shares


def test_when_all_is_full_the_address_with_most_gives_up() -> None:
    shares = Shares(total=6, address=5)
    for n in range(4):
        shares.add(f"many{n}", Visitor("1", str(n)))
    shares.add("one", Visitor("2", "x"))
    shares.add("two", Visitor("3", "y"))
    assert shares.add("new", Visitor("4", "z")) == ["many0"]
    assert {"one", "two", "new"} <= set(shares.keys())


def test_what_is_busy_stays_and_too_much_changes_nothing() -> None:
    shares = Shares(total=100, address=50)
    shares.add("a", Visitor("1"), 30)
    shares.busy("a", True)
    for size in (21, 51, 1_000):
        with pytest.raises(ValueError, match="than there is room for"):
            shares.add("b", Visitor("1"), size)
        assert shares.keys() == ["a"]
    shares.busy("a", False)
    assert shares.add("b", Visitor("1"), 40) == ["a"]


@pytest.mark.parametrize(
    ("client", "said", "proxies", "address"),
    [
        ("9.9.9.9", ["1.1.1.1"], 0, "9.9.9.9"),  # believed by nobody unless the host says so
        ("127.0.0.1", ["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),  # what a visitor wrote stands to the left
        ("127.0.0.1", ["6.6.6.6", "1.1.1.1"], 1, "1.1.1.1"),
        ("127.0.0.1", ["6.6.6.6, 1.1.1.1, 10.0.0.1"], 2, "1.1.1.1"),
        ("127.0.0.1", [], 1, "127.0.0.1"),
        ("::ffff:9.9.9.9", [], 0, "9.9.9.9"),
        ("2001:db8:1:2:3:4:5:6", [], 0, "2001:db8:1:2::/64"),  # one machine has a whole network
        ("127.0.0.1", ["<script>" * 100], 1, ("<script>" * 8)),
    ],
)
def test_whose_address_is_believed(client: str, said: list[str], proxies: int, address: str) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in said]
    assert address_of({"client": (client, 1), "headers": headers}, proxies) == address


# --- the queue and the doors ----------------------------------------------------------------------------------------------


def test_nothing_that_works_passes_by_the_queue(site: Site) -> None:
    queued = [d for d in site.config["dependencies"] if d["backend_fn"] and d["queue"] is not False]
    assert len(queued) > 20
    with site.http() as http:
        for event in queued:
            for path in ("/run/predict", f"/run/{event['api_name']}", f"/api/{event['api_name']}"):
                body = {"data": [None] * len(event["inputs"]), "fn_index": event["id"], "session_hash": "direct"}
                answer = http.post(path, json=body)
                assert answer.status_code == 404, (path, answer.text)
                assert "queue" in answer.json()["detail"]


def test_programs_and_pages_still_get_answers(site: Site) -> None:
    assert site.ask("search", [SENTENCE, 3, None], "plain")["success"]
    assert site.run("words_to_tick", ["a dog"], "plain").status_code == 200
    assert len(Client(site.url, verbose=False).predict(SENTENCE, 3, api_name="/search")["hits"]) == 3


def test_one_visitor_cannot_fill_the_queue(site: Site) -> None:
    with ThreadPoolExecutor(16) as pool:
        got = Counter(
            pool.map(
                lambda n: site.join("search", [SENTENCE, 3, None], f"flood{n}", "127.0.0.2").status_code, range(60)
            )
        )
    assert got[429] >= 20
    assert got[503] == 0
    assert site.ask("search", [SENTENCE, 3, None], "second", "127.0.0.3")["success"]
    assert site.ask("search", [SENTENCE, 3, None], "plain", "127.0.0.2")["success"]  # known there before


def test_one_session_cannot_fill_its_address(site: Site) -> None:
    statuses = [site.join("search", [SENTENCE, 3, None], "alone", "127.0.0.4").status_code for _ in range(20)]
    assert 429 in statuses
    answer = site.join("search", [SENTENCE, 3, None], "alone", "127.0.0.4")
    assert "wait until some are answered" in answer.json()["detail"]
    assert site.ask("search", [SENTENCE, 3, None], "neighbour", "127.0.0.4")["success"]


def test_visitors_take_turns(site: Site) -> None:
    class Holder:
        known = staticmethod(lambda session: session.startswith("known"))

    class Event:
        def __init__(self, name: str) -> None:
            self.session_hash, self.fn, self._id = name, fn, name

    fn = type("Fn", (), {"batch": False, "max_batch_size": 1})()
    queue = FairQueue(site.demo._queue)
    queue.blocks = type("Blocks", (), {"state_holder": Holder})  # type: ignore[assignment]
    names = ["x1", "x2", "x3", "known-x", "x4", "y1", "known-z"]
    queue._asker = {name: Visitor(name.removeprefix("known-")[0], name) for name in names}
    queue._asker["known-z"] = Visitor("x", "known-z")
    waiting = type("Waiting", (), {"concurrency_limit": 1, "current_concurrency": 0})()
    waiting.queue = [Event(name) for name in names]
    queue.event_queue_per_concurrency_id = {"model": waiting}
    served = []
    while waiting.queue:
        found = queue.get_events()
        assert found is not None
        served.append(found[0][0]._id)
    # y, from another address, waits for one; those who were there before for one another, not for all who are new.
    assert served == ["x1", "y1", "known-x", "known-z", "x2", "x3", "x4"]


@pytest.mark.parametrize(
    "body", [b'"' + b"x" * 2_000_000 + b'"', b"[" * 400_000, b"[" + b"[]," * 200_000 + b"1]", b"x" * 3_000_000]
)
def test_a_long_body_is_refused_before_it_is_read(site: Site, body: bytes) -> None:
    event = site.event("search")
    for path in ("/queue/join", "/run/predict", "/call/search", "/cancel"):
        with site.http() as http:
            content = b'{"fn_index": %d, "session_hash": "big", "data": [' % event["id"] + body + b"]}"
            answer = http.post(path, content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 413, path
        assert "shorten it" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/deep_link?session_hash=plain", "/file=http://127.0.0.1/x", "/file=HTTPS://127.0.0.1/x", "/proxy=http://127.0.0.1/",
        "/file/http://127.0.0.1/x", "/custom_component/a/client/b/typed",
        "/run-history/buckets", "/runs", "/stream/a/b/c/playlist.m3u8",
    ],
)  # fmt: skip
def test_what_the_app_does_not_use_is_shut(site: Site, path: str) -> None:
    with site.http() as http:
        assert http.get(path).status_code == 404
        for posted in ("/component_server", "/process_recording", "/vibe-edit", "/stream/x", "/login", "/elsewhere"):
            assert http.post(posted, json={}).status_code == 404, posted


@pytest.mark.parametrize(
    "path", ["/gradio_api/deep_link", "/lab/gradio_api/deep_link", "/lab/gradio_api/file/http://a/"]
)
def test_what_is_shut_is_shut_under_a_sub_path_too(path: str) -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it came through")

    demo = FastAPI(root_path="/lab")
    demo.add_middleware(Doors)
    demo.mount("/gradio_api", inner)
    with TestClient(demo) as http:
        assert http.get(path).status_code == 404


def test_an_open_page_under_a_sub_path_is_known_as_one() -> None:
    doors, seen = Doors(SimpleNamespace()), []  # type: ignore[arg-type]
    scope = {
        "type": "http",
        "method": "GET",
        "root_path": "/lab",
        "path": "/lab/gradio_api/heartbeat/me",
        "headers": [],
    }

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append((doors.open["pages"].total(), doors.sessions.total()))

    doors.app = inner
    with ThreadPoolExecutor(1) as pool:  # the browser tests leave a loop running in this thread
        pool.submit(anyio.run, doors, scope, None, None).result()
    assert seen == [(1, 1)]


def test_a_link_to_a_page_that_is_not_there_is_answered_plainly(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    answer = httpx.get(site.url, params={"page": "<b>SECRET", "q": SENTENCE})
    assert answer.status_code == 404
    assert "remove `page`" in answer.json()["detail"]
    assert "SECRET" not in answer.text
    assert "reference" not in capfd.readouterr().err


def test_questions_for_what_is_not_there_are_answered_plainly(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    with site.http() as http:
        for path in ("/call/SECRET", "/call/v2/SECRET", "/run/SECRET"):
            answer = http.post(path, json={"data": []})
            assert answer.status_code == 404, path
            assert "SECRET" not in answer.text
        answer = http.post("/queue/join", json={"data": [], "fn_index": 9_999, "session_hash": "x"})
        assert answer.status_code == 404
        assert http.post("/call/v2/search", json={"nonsense": "SECRET"}).status_code == 400
    said = capfd.readouterr()
    assert "SECRET" not in said.err + said.out
    assert "Traceback" not in said.err


# --- what is kept ---------------------------------------------------------------------------------------------------------


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


# --- uploads --------------------------------------------------------------------------------------------------------------


def test_two_visitors_with_the_same_file_do_not_share_it(site: Site, picture: Any) -> None:
    data = zipped(picture, 1, 2)
    first, second = site.upload("class.zip", data), site.upload("class.zip", data)
    assert first["path"] != second["path"]
    assert site.ask("build_gallery", [[first], None], "pupil1")["success"]
    assert not Path(first["path"]).exists()
    assert site.served(second["path"]) == 200
    assert site.ask("build_gallery", [[second], None], "pupil2")["success"]


def test_an_example_outlives_whoever_builds_from_it(site: Site) -> None:
    cells = [
        cell
        for component in site.config["components"]
        if component["type"] == "dataset"
        for row in component["props"]["samples"]
        for cell in row
        if isinstance(cell, dict) and "path" in cell
    ]
    assert cells
    for cell in cells:
        site.ask("build_gallery", [[{"path": cell["path"], "orig_name": "a.png", "meta": META}], None], "thief")
        assert Path(cell["path"]).is_file()
        assert site.served(cell["path"]) == 200


def test_unused_uploads_have_a_limit_and_the_largest_of_an_address_go_first(site: Site, picture: Any) -> None:
    small = site.upload("small.zip", zipped(picture, 8), "127.0.0.2")
    other = site.upload("other.zip", bytes(30_000_000), "127.0.0.3")
    big = [site.upload(f"{n}.zip", bytes(40_000_000), "127.0.0.2") for n in range(5)]
    there = [Path(file["path"]).exists() for file in big]
    assert there == [False, False, False, True, True]
    assert Path(small["path"]).exists()
    assert Path(other["path"]).exists()
    for file in (*big, other, small):
        UPLOADS.discard(Path(file["path"]))


def test_too_large_or_odd_uploads_are_refused_and_leave_nothing(site: Site) -> None:
    before = {p for p in site.temporary.rglob("*") if p.is_file()}
    with site.http() as http:
        assert http.post("/upload", files={"files": ("a.zip", bytes(102_000_000))}).status_code == 413
        assert http.post("/upload", data={"note": "x" * 1000}, files={"files": ("a", b"x")}).status_code == 400
        assert http.post("/upload", content=b"x", headers={"content-type": "text/plain"}).status_code == 400
        odd = http.post("/upload", files={"files": ("../../../etc/passwd", b"x")})
    assert odd.status_code == 200
    path = Path(odd.json()[0])
    assert path.is_relative_to(site.temporary)
    UPLOADS.discard(path)
    assert {p for p in site.temporary.rglob("*") if p.is_file()} == before


def test_unused_uploads_have_an_age(site: Site) -> None:
    file = site.upload("a.png", b"x")
    UPLOADS.sweep()
    assert Path(file["path"]).exists()
    UPLOADS.sweep(-1)
    assert not Path(file["path"]).exists()


def test_an_upload_serves_pictures_and_builds_by_the_client(site: Site, picture: Any, tmp_path: Path) -> None:
    (tmp_path / "a dog.png").write_bytes(png(picture))
    client = Client(site.url, verbose=False)
    found = client.predict(handle_file(tmp_path / "a dog.png"), 2, api_name="/search_by_picture")
    assert found["query"] == {"image": "a dog.png"}
    report, _ = client.predict([handle_file(tmp_path / "a dog.png")], api_name="/build_gallery")
    assert report["ids"] == ["a dog"]


# --- what is said ---------------------------------------------------------------------------------------------------------

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


def test_messages_are_text_without_folders_and_bounded() -> None:
    assert plain('<img src="http://a/x.png"> & <form>') == '&lt;img src="http://a/x.png"&gt; &amp; &lt;form&gt;'
    assert plain("Cannot move /srv/hgan/tmp/gradio/ab/x.png to /tmp/y") == "Cannot move …/x.png to …/y"
    assert len(plain("a" * 10_000)) <= 600
    assert "\x1b" not in plain("\x1b[31m")


def test_what_nobody_expected_is_a_reference_into_a_log_without_inputs(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(kind: type[Exception], *args: Any) -> gr.Error:
        try:
            raise kind(*args)
        except Exception as error:
            return as_error(error)

    for kind, args in ((KeyError, ("SECRET",)), (ValueError, ("SECRET",)), (OSError, (13, "SECRET", "/srv/SECRET"))):
        said = fail(kind, *args)
        assert "something went wrong (reference " in said.message
        assert "SECRET" not in said.message
        reference = said.message.split("reference ")[1][:4]
        log = capfd.readouterr().err
        assert f"reference {reference}: " in log
        assert "SECRET" not in log
        assert len(log.splitlines()) == 1
    assert "got a full disk" in fail(OSError, 28, "No space left on device", "/srv/SECRET").message


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


def test_the_queue_goes_on_after_a_fault_and_after_visitors_who_left(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = site.demo._queue
    assert isinstance(queue, FairQueue)
    whole = queue.broadcast_estimations

    def broken(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(queue, "broadcast_estimations", whole)
        raise KeyError("a fault of the loop")

    assert site.join("search", [SENTENCE, 3, None], "left").status_code == 200
    queue.pending_messages_per_session.pop("left", None)
    monkeypatch.setattr(queue, "get_events", broken)
    for _ in range(100):
        if queue.broadcast_estimations is whole:
            break
        time.sleep(0.05)
    monkeypatch.undo()
    assert site.ask("search", [SENTENCE, 3, None], "stayed")["success"]


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
