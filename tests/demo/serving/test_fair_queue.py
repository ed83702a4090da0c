"""The queue: nobody fills it, everybody has a turn, and it goes on after a fault."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from gradio_client import Client

from hgan.demo.serving.fair_queue import FairQueue
from hgan.demo.uploads.shares import Visitor
from tests.demo.serving.site import SENTENCE, Site


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
