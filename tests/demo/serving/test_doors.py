"""The doors: what the app does not use is shut, and what is too long is refused before it is read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hgan.demo.serving.doors import Doors
from tests.demo.serving.site import SENTENCE, Site


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
