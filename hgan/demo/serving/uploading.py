"""Uploads, each in a folder of its own.

gradio lays a file where its content says, so that two visitors with the same file share it, and one of them may remove it for
both. Here every upload gets a folder whose name cannot be guessed: only who brought a file can name it, and nobody else loses
it. What lies unused is somebody's share (see `hgan.demo.uploads.shares`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradio.route_utils import GradioMultiPartParser, MultiPartException
from gradio.routes import file_upload_statuses
from gradio_client.utils import strip_invalid_filename_characters
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message

from ...io.images import MAX_BYTES
from ...settings import Settings
from ..uploads.limits import Limits
from ..uploads.private import PrivateFolders
from ..uploads.shares import Shares, Visitor
from .messages import logged
from .visitor import current

UNUSED_SECONDS = 2 * 3600
ADDRESS_SHARE = 0.5
SPARE = 500_000_000  # bytes that stay free on the disk
MOST_FILES = 1_000  # of one upload; browsers send more in several
TRACKED_SECONDS = 30.0  # that a page may ask how far an upload has come
BESIDE = 1_000_000  # bytes of a request beside its files
NO_ROOM = "got an upload while the disk of this server is nearly full: try again later"


class Uploads:
    """What was uploaded and is not used up yet: a folder for each request."""

    def __init__(self) -> None:
        self._bases = PrivateFolders(seconds=math.inf)
        self._base: dict[Path, Path] = {}
        self._since: dict[Path, float] = {}
        self._lock = threading.Lock()
        # Uploads name no session. The largest goes first: whoever fills the room of an address, it is not with small ones.
        self.shares = Shares(0, 0, rank=lambda folder: -self.shares.size(folder))
        self.limit(Settings())

    def limit(self, settings: Settings) -> None:
        """Sets how much may lie unused. One upload at the least always may."""
        total = settings.waiting_mb * 1_000_000
        self.most = max(MAX_BYTES, settings.upload_mb * 1_000_000) + BESIDE
        self.shares.total = max(total, self.most)
        self.shares.address = max(total * ADDRESS_SHARE, self.most)

    def begin(self, upload_folder: Path, visitor: Visitor, size: int) -> Path:
        """A folder for an upload that is about to come; the visitor's oldest unused ones go where the share is full.

        Raises:
            ValueError: no room.
        """
        with self._lock:
            base = self._base.get(upload_folder)
            if base is None or not base.is_dir():
                base = self._base[upload_folder] = self._bases.create(upload_folder)
        if shutil.disk_usage(base).free < size + SPARE:
            raise ValueError(NO_ROOM)
        folder = base / secrets.token_hex(16)
        for gone in self.shares.add(folder, visitor, size):
            self.forget(gone)
        self.shares.busy(folder, True)
        self._since[folder] = time.monotonic()
        folder.mkdir()
        return folder

    def arrived(self, folder: Path) -> None:
        """All of it is there."""
        self.shares.resize(folder, sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()))
        self.shares.busy(folder, False)

    def folder_of(self, path: str | Path) -> Path | None:
        """The folder of the upload that a file belongs to; None where it was not uploaded, as an example."""
        path = Path(path).resolve()
        return next((parent for parent in path.parents if parent in self.shares), None)

    @contextmanager
    def using(self, paths: Iterable[Path]) -> Iterator[None]:
        """Files that are not to go as the oldest meanwhile."""
        folders = {folder for folder in map(self.folder_of, paths) if folder is not None}
        for folder in folders:
            self.shares.busy(folder, True)
        try:
            yield
        finally:
            for folder in folders:
                self.shares.busy(folder, False)

    def discard(self, path: Path) -> bool:
        """Removes a file that was uploaded, and its folder with the last one. Anything else stays.

        Returns:
            whether it was an upload.
        """
        folder = self.folder_of(path)
        if folder is None:
            return False
        Path(path).unlink(missing_ok=True)
        left = [file for file in folder.rglob("*") if file.is_file()]
        if left:
            self.shares.resize(folder, sum(file.stat().st_size for file in left))
        else:
            self.forget(folder)
        return True

    def forget(self, folder: Path) -> None:
        """Removes an upload that `begin` made room for."""
        self.shares.remove(folder)
        self._since.pop(folder, None)
        shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, seconds: float = UNUSED_SECONDS) -> None:
        """Removes what has lain unused for too long."""
        for folder, since in list(self._since.items()):
            if time.monotonic() - since > seconds:
                self.forget(folder)

    def remove_all(self) -> None:
        """At the end."""
        for folder in list(self._since):
            self.forget(folder)
        self._base.clear()
        self._bases.remove_all()


UPLOADS = Uploads()


class _TooMuchError(Exception):
    """More came than may."""


async def upload_route(request: Request) -> Response:
    """In place of gradio's: the same answer, the paths of the files, in a folder of this upload's own."""
    said = request.headers.get("content-length", "")
    size = int(said) if said.isascii() and said.isdigit() and len(said) < 16 else UPLOADS.most
    limits = Limits.from_environment()
    too_much = (
        f"got more than {UPLOADS.most:,} bytes at once, but expected at most {limits.megabytes} MB: choose fewer files"
    )
    if size > UPLOADS.most:
        return PlainTextResponse(too_much, 413)
    app: Any = request.app
    visitor = current(None)
    try:
        folder = UPLOADS.begin(Path(app.uploaded_file_dir).resolve(), visitor, size)
    except ValueError as error:
        return PlainTextResponse(str(error), 507 if str(error) == NO_ROOM else 429)
    except OSError as error:
        return PlainTextResponse(f"{NO_ROOM} (reference {logged(error)})", 507)
    done = False
    try:
        files = await _received(request, folder, size)
        UPLOADS.arrived(folder)
        done = True
        return JSONResponse(files)
    except _TooMuchError:
        return PlainTextResponse(too_much, 413)
    except MultiPartException as error:
        if "maximum allowed size" in error.message:
            return PlainTextResponse(too_much, 413)
        return PlainTextResponse("got an upload that is damaged or does not hold files, but expected files", 400)
    except ClientDisconnect:
        return PlainTextResponse("got an incomplete upload, but expected all of it: upload it again", 400)
    except OSError as error:
        return PlainTextResponse(f"{NO_ROOM} (reference {logged(error)})", 507)
    finally:
        if not done:
            UPLOADS.forget(folder)


async def _received(request: Request, folder: Path, most: int) -> list[str]:
    """Reads the files of an upload into a folder, as gradio does, but nothing beside them: it would be kept in memory."""
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise MultiPartException("no files")
    id_ = request.query_params.get("upload_id")
    if id_:
        file_upload_statuses.track(id_)
        asyncio.get_running_loop().call_later(TRACKED_SECONDS, _untrack, id_)
    parser = _FilesParser(
        request.headers,
        Request(request.scope, _counted(request, most)).stream(),
        max_files=MOST_FILES,
        max_fields=0,
        upload_dir=folder,
        max_file_size=most,
        upload_id=id_,
        upload_progress=file_upload_statuses if id_ else None,
    )
    form = await parser.parse()
    paths = []
    for number, file in enumerate(form.getlist("files")):
        if not isinstance(file, UploadFile):
            raise MultiPartException("no file")
        name = strip_invalid_filename_characters(Path(file.filename or "").name) or "upload"
        target = folder / str(number) / (name if name.strip(".") else "upload")
        target.parent.mkdir()
        Path(file.file.name).rename(target)
        paths.append(str(target))
    return paths


class _FilesParser(GradioMultiPartParser):
    """Closes each file as soon as it is whole: a drop of hundreds would hold as many open ones."""

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        file = self._current_part.file

        async def close(_: int) -> None:
            if file is not None:
                await file.close()

        if file is not None:
            vars(file)["seek"] = close  # what gradio does with a file that is whole


def _untrack(id_: str) -> None:
    with contextlib.suppress(Exception):  # who watched it has done so already
        file_upload_statuses.stop_tracking(id_)


def _counted(request: Request, most: int) -> Any:
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise _TooMuchError
        return message

    return receive
