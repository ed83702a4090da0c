"""The start of the app, and its end: what would fail later is found before anything runs, and nothing is left running.

Knows no gradio, for it is imported before it: gradio makes HTTP clients as it is imported, which a proxy in the environment can
break.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...settings import Settings

ENDING = (signal.SIGTERM, signal.SIGINT)
PROXIES = ("no_proxy", "NO_PROXY")
WARM_SECONDS = 60.0  # that the end waits for what was being made ready
PROBE = 65_536  # bytes


@contextlib.contextmanager
def without_proxy() -> Iterator[None]:
    """Nothing goes through a proxy meanwhile: the app asks itself whether it is up, and asks nobody else."""
    before = {name: os.environ.get(name) for name in PROXIES}
    os.environ.update(dict.fromkeys(PROXIES, "*"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def check_places(settings: Settings) -> None:
    """The port is free, and there are folders for what visitors bring.

    Raises:
        ValueError: not so; the message names the setting.
    """
    _check_address(settings)
    named = os.environ.get("TMPDIR")
    try:
        folder = Path(tempfile.gettempdir())
    except OSError:
        raise ValueError(
            "got no writable folder for temporary files, but expected one: make room, or set TMPDIR to another folder"
        ) from None
    if named and folder.resolve() != Path(named).resolve():  # Python takes another one then, without a word
        _check_folder("TMPDIR", Path(named))
    _check_folder("TMPDIR", folder)
    uploads = os.environ.get("GRADIO_TEMP_DIR")
    if uploads:
        with contextlib.suppress(OSError):
            Path(uploads).mkdir(parents=True, exist_ok=True)
        _check_folder("GRADIO_TEMP_DIR", Path(uploads))


def _check_folder(name: str, folder: Path) -> None:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="hgan-probe-") as file:
            file.write(bytes(PROBE))
            file.flush()
    except OSError as error:
        raise ValueError(
            f"got {name}={str(folder)!a}, which cannot be written to ({error.strerror}), but expected a folder for uploads: "
            f"make room there, or set {name} to another"
        ) from None


def _check_address(settings: Settings) -> None:
    host, port = settings.host, settings.port
    if host is None and port is None:
        return
    name = (host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1").removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(name, port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ValueError(
            f"got HGAN_HOST={name!a}, which is not an address, but expected one of this machine: 127.0.0.1, or 0.0.0.0 for all"
        ) from None
    family, kind, _, _, address = found[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE or (port is not None and isinstance(error, PermissionError)):
                raise ValueError(
                    f"got HGAN_PORT={port}, which is in use ({error.strerror}), but expected a free port: choose another, "
                    "or stop the program that uses it"
                ) from None
            raise ValueError(
                f"got HGAN_HOST={name!a}, which this machine does not have ({error.strerror}), but expected one of its addresses"
            ) from None


def many_files() -> None:
    """Lets this process have as many open files and connections as the system allows."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def small_heap() -> None:
    """Lets the C library give memory back as soon as a large picture or table is freed. By itself it keeps a heap for each of the
    threads that answer questions, and each grows as large as the largest picture that came its way."""
    with contextlib.suppress(OSError, AttributeError, ImportError):
        import ctypes

        libc = ctypes.CDLL("libc.so.6")
        for option, value in ((-8, 2), (-3, 1 << 20), (-1, 1 << 24)):  # M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
            libc.mallopt(option, value)


class WarmUp:
    """Work in the background that is ended before the process is: a thread that still computes then would abort it."""

    def __init__(self, work: Callable[[Callable[[int, int], None]], Any]) -> None:
        self._stop = threading.Event()
        self._work = work
        self._thread = threading.Thread(target=self._run, name="warm-up", daemon=True)

    def _run(self) -> None:
        def report(done: int, total: int) -> None:
            if self._stop.is_set():
                raise InterruptedError

        try:
            self._work(report)
        except InterruptedError:
            return
        except Exception as error:  # the first visitor is told then; the app serves what it can
            print(
                f"hgan: warming up failed ({type(error).__name__}): the first search will take longer", file=sys.stderr
            )

    def __enter__(self) -> WarmUp:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(WARM_SECONDS)


@contextlib.contextmanager
def ended_by_signals() -> Iterator[threading.Event]:
    """SIGTERM, as systemd sends it, ends the app as Ctrl-C does: what belongs to visitors is removed.

    Only the main thread can set that; elsewhere nothing changes.

    Yields:
        an event that is set then. Whoever waits looks at it: the KeyboardInterrupt that is raised too can be lost in a library,
        where it comes out of a callback.
    """
    ended = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return

    def end(*_: object) -> None:
        if not ended.is_set():  # once is enough: what is being removed is removed
            ended.set()
            raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
