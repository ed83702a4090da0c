"""What one visitor may try against the others, for `benchmarks.abuse`: each a function from a `World` to what came of it.

They are what was tried, and others of their kind. Nothing here leaves loopback, and each takes some seconds.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from .attacker import World, a_false_gallery, a_zip, deep_picture, outcome, said
from .server import Server

HTML = '<img src="http://127.0.0.9/x.png"><form><input type=password></form>'


def past_the_queue(world: World) -> str:
    """Three large pictures at once, by a direct request."""
    event = world.server.event("search_by_picture")
    picture = deep_picture()

    def ask(_: int) -> int:
        session = world.session()
        file = session.upload("deep.png", picture)
        return world.post("/run/search_by_picture", session.body(event, [file, 3, None]), session).status_code

    return outcome(world.many(3, ask))


def large_pictures(world: World) -> str:
    """Twelve of them by the queue, to each door that takes a picture."""
    picture = deep_picture()
    doors = {"search_by_picture": [None, 3, None], "explain": ["test-0000", None, None, None]}

    def ask(number: int) -> str:
        session, door = world.session(), list(doors)[number % 2]
        data = list(doors[door])
        data[0 if door == "search_by_picture" else 2] = session.upload("deep.png", picture)
        return said(lambda: session.call(world.server.event(door), data))

    return outcome(world.many(12, ask))


def long_text(world: World) -> str:
    """0.8 MB of text, and as much as is let in, typed into What if? by 60 sessions."""
    words = [e for e in world.server.config["dependencies"] if e["api_name"] == "words_to_tick"]

    def ask(number: int) -> int:
        session = world.session()
        text = "x y " * (200_000 if number % 2 else 1_200)
        return world.post("/run/predict", session.body(words[0], [text]), session).status_code

    return outcome(world.many(60, ask))


def long_bodies(world: World) -> str:
    """Megabytes of JSON: long, deep, wide, and numbers of 400 digits."""
    event = world.server.event("search")
    bodies: list[Any] = ["x" * 5_000_000, json.loads("[" * 500 + "]" * 500), [[] for _ in range(200_000)], 10**400]

    def ask(number: int) -> int:
        session = world.session()
        return world.post("/queue/join", session.body(event, [bodies[number % 4], 3, None]), session).status_code

    return outcome(world.many(24, ask))


def one_long_line(world: World) -> str:
    """Captions of a single picture in one line of JSON, 40,000 of them."""
    line = json.dumps({"image": "0.png", "captions": [f"word {n}" for n in range(40_000)]})
    session = world.session()
    return said(
        lambda: session.call(world.server.event("build_gallery"), [[session.upload("a.zip", a_zip(1, line))], None])
    )


def false_galleries(world: World) -> str:
    """Zips that look like galleries, with millions of lines for their items; and 99,000 names for one picture's captions."""
    event = world.server.event("build_gallery")
    names = "\n".join(f'{{"image": "{n}/0.png", "captions": ["a"]}}' for n in range(99_000))
    zips = [a_false_gallery("x\n" * 4_900_000), a_false_gallery("{}\n" * 3_300_000), a_zip(1, names)]

    def build(number: int) -> str:
        session = world.session()
        return said(lambda: session.call(event, [[session.upload("a.zip", zips[number])], None]))

    return outcome(world.many(len(zips), build))


def endless_lines(world: World) -> str:
    """Eight pictures that are one line of millions of pixels."""
    event, picture = world.server.event("search_by_picture"), deep_picture(49_000_000, 1)

    def ask(_: int) -> str:
        session = world.session()
        return said(lambda: session.call(event, [session.upload("line.png", picture), 3, None]))

    return outcome(world.many(8, ask))


def others_files(world: World) -> str:
    """An example's file is named as one's own, and built from; then it is asked for as before."""
    samples = [c["props"]["samples"] for c in world.server.config["components"] if c["type"] == "dataset"]
    example = next(
        cell for rows in samples for row in rows for cell in row if isinstance(cell, dict) and "path" in cell
    )
    session = world.session()
    file = {"path": example["path"], "orig_name": "a.png", "meta": {"_type": "gradio.FileData"}}
    answer = said(lambda: session.call(world.server.event("build_gallery"), [[file], None]))
    status = session.http.get(f"/file={example['path']}").status_code
    if status != 200:
        raise AssertionError(f"the example is gone: {status}")
    return f"{answer}; the example is still served"


def many_galleries(world: World) -> str:
    """40 small galleries, each in a session of its own."""
    event = world.server.event("build_gallery")

    def build(number: int) -> str:
        session = world.session()
        return said(lambda: session.call(event, [[session.upload("a.zip", a_zip(seed=number))], None]))

    return outcome(world.many(40, build, at_once=8))


def many_sessions(world: World) -> str:
    """600 cheap requests, each in a session of its own."""
    event = next(
        e for e in world.server.config["dependencies"] if e["queue"] is False and e["api_name"] == "words_to_tick"
    )

    def ask(_: int) -> int:
        session = world.session()
        return world.post("/run/predict", session.body(event, ["a b"]), session).status_code

    return outcome(world.many(600, ask, at_once=8))


def full_queue(world: World) -> str:
    """300 questions at once, whose answers nobody reads."""
    event = world.server.event("search")

    def ask(_: int) -> int:
        session = world.session()
        return world.post("/queue/join", session.body(event, ["a dog on the grass", 3, None]), session).status_code

    counts = world.many(300, ask, at_once=32)
    time.sleep(5)
    return outcome(counts)


def one_sessions_flood(world: World) -> str:
    """200 questions of one session."""
    event, session = world.server.event("search"), world.session()

    def ask(_: int) -> int:
        return world.post("/queue/join", session.body(event, ["a dog", 3, None]), session).status_code

    return outcome(world.many(200, ask))


def unused_uploads(world: World) -> str:
    """600 MB of files that are never used."""
    data, before = bytes(20_000_000), world.disk_mb()

    def upload(_: int) -> int:
        return world.session().http.post("/upload", files={"files": ("a.png", data)}).status_code

    counts = world.many(30, upload, at_once=4)
    return f"{outcome(counts)}; {world.disk_mb() - before:,.0f} MB lie on the disk"


def form_fields(world: World) -> str:
    """An upload that holds a long text in place of a file, which would be kept in memory."""

    def upload(_: int) -> int:
        try:
            return (
                world.session().http.post("/upload", data={"a": "x" * 50_000_000}, files={"f": ("a", b"x")}).status_code
            )
        except httpx.HTTPError:
            return 0

    return outcome(world.many(4, upload))


def a_false_case(world: World) -> str:
    """40 MB of JSON as a saved case."""
    event = next(e for e in world.server.config["dependencies"] if e["api_name"] == "open_case")
    session = world.session()
    file = session.upload("case.json", b"[" + b"[]," * 13_000_000 + b"1]")
    return said(lambda: session.call(event, [file, None]))


def analyses(world: World) -> str:
    """The analysis of the whole gallery, by six sessions at once."""
    event = world.server.event("evaluate")
    return outcome(world.many(6, lambda _: said(lambda: world.session().call(event, ["any", "any", "any", True])), 6))


def many_streams(world: World) -> str:
    """500 open pages."""
    until = time.monotonic() + 6
    statuses: Counter[int] = Counter()

    def watch() -> None:
        try:
            session = world.session()
            with session.http.stream("GET", f"/heartbeat/{session.name}") as stream:
                statuses[stream.status_code] += 1
                while stream.status_code == 200 and time.monotonic() < until:
                    time.sleep(0.2)
        except httpx.HTTPError:
            statuses[0] += 1

    threads = [threading.Thread(target=watch) for _ in range(500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome(statuses)


def odd_values(world: World) -> str:
    """None, wrong types, too few and too many values for every handler: each answer in plain words."""
    odd: list[Any] = [None, True, "<b>", [], {}, [{"a": 1}], 2.5, -1, HTML]
    bad: list[str] = []

    def ask(number: int) -> str:
        event, value = events[number % len(events)], odd[number // len(events)]
        session = world.session()
        try:
            session.call(event, [value] * len(event["inputs"]), None)
        except RuntimeError as error:
            if any(mark in str(error) for mark in ("Traceback", "<img", "NoneType", "object is not")):
                bad.append(f"{event['api_name']} of {value!r}: {error}")
            return "refused"
        except httpx.HTTPStatusError as error:
            if "<img" in error.response.text:
                bad.append(error.response.text)
            return "refused"
        return "answered"

    # One that stops a build or runs an analysis is asked elsewhere.
    events = [
        e
        for e in world.server.config["dependencies"]
        if e["backend_fn"] and e["api_name"] not in ("analyse", "evaluate")
    ]
    counts = world.many(len(events) * len(odd), ask, at_once=8)
    if bad:
        raise AssertionError(f"{len(bad)} raw answers, such as {bad[0][:300]}")
    return outcome(counts)


def shut_addresses(world: World) -> str:
    """What gradio has and this app does not use: state as files, fetching for others, an editor."""
    session = world.session()
    paths = [
        "/deep_link?session_hash=second",
        "/file=http://127.0.0.9/x",
        "/proxy=http://127.0.0.9/",
        "/run-history/buckets",
    ]
    statuses = Counter(session.http.get(path).status_code for path in paths)
    statuses.update(
        world.post(path, {}).status_code for path in ("/component_server", "/vibe-edit", "/process_recording")
    )
    if set(statuses) != {404}:
        raise AssertionError(f"open: {statuses}")
    return outcome(statuses)


ATTACKS: dict[str, Callable[[World], str]] = {
    one.__name__: one
    for one in (
        past_the_queue, large_pictures, long_text, long_bodies, one_long_line, false_galleries, endless_lines, others_files,
        many_galleries, many_sessions, full_queue, one_sessions_flood, unused_uploads, form_fields, a_false_case, analyses,
        many_streams, odd_values, shut_addresses,
    )
}  # fmt: skip


def attack(name: str, server: Server, temporary: Path) -> str:
    """Does one of them: what came of it, or what is broken."""
    try:
        return ATTACKS[name](World(server, temporary, name))
    except (AssertionError, httpx.HTTPError, RuntimeError) as error:
        return f"broken: {error!s:.300}"
