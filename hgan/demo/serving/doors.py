"""The doors of the app: what every request passes before gradio sees it.

A request is of an address, which has a share of the connections; what is sent is bounded; what this app does not use of gradio's
own addresses is shut; and what goes wrong is answered and logged without what was sent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
from gradio.route_utils import FnIndexInferError
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...settings import Settings
from ..uploads.galleries import GALLERIES
from .messages import logged
from .sessions import Sessions
from .uploading import UPLOADS, upload_route
from .visitor import ADDRESS, address_of

MOST_BODY = 1_000_000  # bytes of a question; uploads have limits of their own
MOST_MARKS = 60_000  # commas and brackets of a question: what they part takes far more room than they do
DRAINED = 20_000_000
SESSION_STREAMS = 4  # open connections of one session that wait for answers, and as many that say that its page is open
# At the same time, of one address and of all: open pages, waits for answers, and other requests.
PLACES = {"pages": (300, 3_000), "answers": (500, 3_000), "requests": (100, 400)}
SWEEP_SECONDS = 300

# What may be posted, by the first part of the address after gradio's prefix.
POSTED = ("queue/join", "run", "api", "call", "cancel", "reset", "upload")
# gradio has more than this app uses: state kept as files, fetching for others, an editor, a hub client.
SHUT = re.compile(
    r"/gradio_api/(deep_link|run-history|runs|component_server|custom_component|process_recording|(undo-)?vibe|stream|proxy=|dev/|profiling)"
    r"|/gradio_api/file[=/][a-z+]*:/|/(monitoring|login|logout)(/|$)",
    re.IGNORECASE,
)
ANSWERS = re.compile(r"/gradio_api/(queue/data|call/.+/.+)")
PAGES = re.compile(r"/gradio_api/(heartbeat/|upload_progress)")
HEARTBEAT = re.compile(r"/gradio_api/heartbeat/([^/]+)")


class Doors:
    """ASGI middleware. One for each launch."""

    def __init__(self, app: ASGIApp, proxies: int = 0, most_body: int = MOST_BODY) -> None:
        self.app, self.proxies, self.most_body = app, proxies, most_body
        self.open = {kind: Counter[str]() for kind in PLACES}
        self.sessions = Counter[tuple[str, str]]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        address, path = address_of(scope, self.proxies), _path(scope)
        ADDRESS.set(address)
        posted = path.partition("/gradio_api/")[2]
        if SHUT.match(path) or (scope["method"] == "POST" and not posted.startswith(POSTED)):
            await _said(404, "got an unknown address, but expected one of those in /gradio_api/info")(
                scope, receive, send
            )
            return
        with self._place(address, scope, path) as there_is_room:
            if not there_is_room:
                answer = _said(429, "got too many connections from one visitor: close some pages, then try again")
                await answer(scope, receive, send)
                return
            with _open_page(scope, path):
                await self._pass(scope, receive, send, posted)

    @contextmanager
    def _place(self, address: str, scope: Scope, path: str) -> Iterator[bool]:
        got = scope["method"] == "GET"
        kind = "answers" if got and ANSWERS.match(path) else "pages" if got and PAGES.match(path) else "requests"
        (at, all_), counts = PLACES[kind], self.open[kind]
        session = (kind, path + scope.get("query_string", b"").decode("latin-1")[:200])
        full = kind != "requests" and self.sessions[session] >= SESSION_STREAMS
        if full or counts[address] >= at or counts.total() >= all_:
            yield False
            return
        counts[address] += 1
        self.sessions[session] += 1
        try:
            yield True
        finally:
            _less(counts, address)
            _less(self.sessions, session)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, posted: str) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        if scope["method"] not in ("GET", "HEAD") and not posted.startswith("upload"):
            body = await _body(receive, self.most_body)
            if body is None or sum(body.count(mark) for mark in b",[{") > MOST_MARKS * self.most_body // MOST_BODY:
                most = f"{self.most_body:,} bytes and {MOST_MARKS:,} values"
                answer = _said(413, f"got more than {most} in one request, but expected at most that: shorten it")
                await answer(scope, receive, send)
                return
            receive = _replayed(body, receive)
        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            if not started:
                await _answer(error, posted)(scope, receive, send)
            elif not _is_gone(error):
                logged(error)


def _path(scope: Scope) -> str:
    """The address within the app, as its routes read it: GRADIO_ROOT_PATH may stand before it, or not."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _less(counts: Counter[Any], key: Any) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]


def _answer(error: Exception, posted: str) -> JSONResponse:
    if isinstance(error, FnIndexInferError | KeyError) and posted.startswith(POSTED):
        return _said(404, "got a request for an unknown endpoint, but expected one of those in /gradio_api/info")
    if isinstance(error, TypeError | ValueError) and posted.startswith("call/v2"):
        return _said(400, "got the wrong arguments for this endpoint, but expected those in /gradio_api/info")
    if isinstance(error, KeyError) and not posted:  # gradio reads `page` in any link
        return _said(404, "got an unknown page, but expected one of this app: remove `page` from the link")
    return _said(500, f"something went wrong (reference {logged(error)}): try again, or try something else")


def _is_gone(error: Exception) -> bool:
    """Whether somebody asked for events of a session that is over, or left while they were sent."""
    return getattr(error, "status_code", None) == 404 or isinstance(error, OSError)


def _said(status: int, message: str) -> JSONResponse:
    return JSONResponse({"detail": message, "error": message}, status_code=status)


async def _body(receive: Receive, most: int) -> bytes | None:
    """What was sent; None where it is more than it may be. A little more than that is read and dropped, for who answers earlier
    breaks the connection before the answer is read."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= most:
            parts.append(part)
        else:
            parts.clear()
        if not message.get("more_body", False) or size > most + DRAINED:
            return b"".join(parts) if size <= most else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


@contextmanager
def _open_page(scope: Scope, path: str) -> Iterator[None]:
    """A session whose page is open, for as long as it is."""
    match = HEARTBEAT.match(path)
    sessions = getattr(scope.get("app"), "state_holder", None)
    if match is None or not isinstance(sessions, Sessions):
        yield
        return
    sessions.streams[match[1]] += 1
    try:
        yield
    finally:
        _less(sessions.streams, match[1])


def guarded_app(settings: Settings) -> dict[str, Any]:
    """For `launch(app_kwargs=...)`: the doors, sessions by shares, and uploads of which each is its visitor's own."""
    UPLOADS.limit(settings)
    GALLERIES.limit(settings)
    body = max(MOST_BODY, 2_000 * settings.upload_pictures)  # a list of uploaded files has their names

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        sessions = Sessions(settings.sessions)
        sessions.set_blocks(app.get_blocks())
        app.state_holder = sessions
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_sweep)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    return {
        "middleware": [Middleware(Doors, proxies=settings.trust_proxy, most_body=body)],
        "lifespan": lifespan,
        "routes": [Route("/gradio_api/upload", upload_route, methods=["POST"])],
    }


async def _sweep() -> None:
    while True:
        await anyio.sleep(SWEEP_SECONDS)
        await anyio.to_thread.run_sync(UPLOADS.sweep)
        await anyio.to_thread.run_sync(GALLERIES.sweep)
