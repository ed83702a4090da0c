"""The app in a process of its own on loopback, for the benchmarks that ask it as a browser does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180


@dataclass(frozen=True)
class Server:
    """A running app: its address, its process, and how its events are called."""

    url: str
    pid: int
    config: dict[str, Any]

    def memory_mb(self) -> float:
        """Resident memory (VmRSS), in MB of 2**20 bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def component(self, elem_id: str) -> int:
        """The number of a component."""
        return next(c["id"] for c in self.config["components"] if c["props"].get("elem_id") == elem_id)

    def event(self, api_name: str) -> dict[str, Any]:
        """An event by the name of its handler."""
        return next(event for event in self.config["dependencies"] if event["api_name"] == api_name)

    def events(self, trigger: str, output: int) -> list[dict[str, Any]]:
        """Events of a kind ("select") that write to a component."""
        return [e for e in self.config["dependencies"] if e["targets"][0][1] == trigger and output in e["outputs"]]

    def defaults(self, event: dict[str, Any]) -> list[Any]:
        """What the page would send for an event before anybody touched it."""
        values = {c["id"]: c["props"].get("value") for c in self.config["components"]}
        return [values[number] for number in event["inputs"]]


class Session:
    """What one browser tab asks: events by the queue, each answered on a stream of server-sent events."""

    def __init__(self, server: Server, name: str, http: httpx.Client | None = None) -> None:
        """
        Args:
            http: as `connections` gives it; one of its own by default.
        """
        self.server, self.name, self.http = server, name, http or connections(server)

    def call(self, event: dict[str, Any], data: list[Any], event_data: Any = None) -> list[Any]:
        """Sends one event and waits for what comes of it.

        Raises:
            RuntimeError: the app said that it failed, or never answered.
            httpx.HTTPError: the request itself was lost.
        """
        body = self.body(event, data, event_data)
        if event["queue"] is False:
            answer = self.http.post("/run/predict", json=body)
            answer.raise_for_status()
            return answer.json()["data"]
        self.http.post("/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", "/queue/data", params={"session_hash": self.name}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    if not message["success"]:
                        raise RuntimeError(f"the app failed: {message['output']}")
                    return message["output"]["data"]
        raise RuntimeError("the stream ended without an answer")

    def body(self, event: dict[str, Any], data: list[Any], event_data: Any = None) -> dict[str, Any]:
        """What a page sends for an event."""
        return {"data": data, "fn_index": event["id"], "session_hash": self.name, "event_data": event_data}

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """Uploads a file; returns what a page names it by."""
        answer = self.http.post("/upload", files={"files": (name, data)})
        answer.raise_for_status()
        return {"path": answer.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def connections(server: Server, address: str | None = None) -> httpx.Client:
    """Connections to the app, as many as wanted.

    Args:
        address: that they come from, one of 127.0.0.0/8.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    transport = httpx.HTTPTransport(
        local_address=address, limits=limits, verify=False
    )  # it would read all certificates
    return httpx.Client(base_url=f"{server.url}/gradio_api", timeout=120, transport=transport)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(log: Path | None = None, **settings: str) -> Iterator[Server]:
    """Starts app.py as a host would, waits until it is up and warm, and stops it in the end.

    Args:
        log: where what it prints goes.
        settings: environment variables.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {"HGAN_HOST": "127.0.0.1", "HGAN_PORT": str(port)} | settings
    with Path(log or os.devnull).open("w") as out:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        for _ in range(START_SECONDS * 5):
            if process.poll() is not None:
                raise RuntimeError(f"the app ended with status {process.returncode}: run app.py to see why")
            try:
                config = httpx.get(f"{url}/config", timeout=5).raise_for_status().json()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        else:
            raise RuntimeError(f"the app did not come up within {START_SECONDS} s")
        server = Server(url, process.pid, config)
        first = server.event("by_sentence")
        Session(server, "warm").call(first, ["a first sentence", *server.defaults(first)[1:]])
        yield server
    finally:
        process.terminate()
        process.wait(30)
