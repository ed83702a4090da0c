"""A running app, asked as by hand."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import gradio as gr
import httpx

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
