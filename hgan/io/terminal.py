"""Printing for people: text from users cannot control the terminal, and characters it cannot show do not fail."""

from __future__ import annotations

import argparse
import errno
import json
import logging
import os
import re
import sys
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, NoReturn

from tqdm import tqdm

# Characters that a terminal obeys or that turn text round, beside control characters: marks of direction, of no width
# but for the joiners that scripts need, and tags.
_MARKS = re.compile(
    "[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_UNSAFE = ("Cc", "Cs", "Zl", "Zp")


def shown(text: object, most: int | None = None) -> str:
    r"""Text from users as one harmless line: control characters, line ends, direction marks and half characters are
    written as escapes ("\x1b", "\n", "\u202e", "\udce9").

    Args:
        most: characters; a longer text is cut.
    """
    said = "".join(_escape(c) if _is_unsafe(c) else c for c in str(text))
    return said if most is None or len(said) <= most else said[: most - 1] + "…"


def say(*lines: str, file: IO[str] | None = None) -> None:
    """Prints lines, each through `shown`, in characters that the stream can encode; by default to standard output."""
    file = sys.stdout if file is None else file
    if not lines:
        return
    try:
        print("\n".join(_writable(shown(line), file) for line in lines), file=file, flush=True)
    except BrokenPipeError:  # the reader has gone (`| head`): the work goes on silently
        silence(file)


def silence(file: IO[str]) -> None:
    """Discards everything printed from now on."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, file.fileno())
        os.close(nowhere)


class Patient:
    """A stream whose reader may go away: output is then discarded, and the work goes on."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """As the stream's own."""
        with self._patience():
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As the stream's own."""
        with self._patience():
            self._stream.flush()

    @contextmanager
    def _patience(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            silence(self._stream)


def complain(*lines: str) -> None:
    """`say` to the standard error."""
    say(*lines, file=sys.stderr)


def note(line: str) -> None:
    """`say` while a progress bar is shown."""
    tqdm.write(_writable(shown(line), sys.stdout))


def plain(error: Exception) -> str:
    """An error message for people: system errors about files and disks say what to do. Others stay as they are."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    what = shown(error.filename, 120) if error.filename is not None else ""
    at, said = f" at {what}" if what else "", error.strerror or type(error).__name__
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return (
            f"got a full disk{at} ({said}), but expected free space: make room or choose another place, then run the "
            "command again; nothing that was there before has changed"
        )
    if error.errno == errno.ENAMETOOLONG:
        return f"got a name that is too long for this disk{at}, but expected a shorter one: choose another"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"got {what or 'a file'}, which you may not use ({said}), but expected permission to: ask its owner, or choose "
            "another one"
        )
    return f"got {what or 'a file'}, which cannot be used ({said}), but expected one that can: choose another one"


def json_text(data: Any, file: IO[str] | None = None) -> str:
    """Indented JSON that any program can read: control characters, and characters that the stream cannot encode, are
    written as JSON's own escapes."""
    encoding = (getattr(file, "encoding", None) or "utf-8") if file is not None else "utf-8"
    text = json.dumps(data, indent=2, ensure_ascii=False)
    if text.isascii() and text.isprintable():
        return text

    def escape(match: re.Match[str]) -> str:
        character = match[0]
        if (_is_unsafe(character) and character != "\n") or not _has(encoding, character):
            return json.dumps(character)[1:-1] if character != "\x7f" else r"\u007f"
        return character

    return re.sub(r"[^\n -~]", escape, text)


class Parser(argparse.ArgumentParser):
    """Shows arguments in its errors as text."""

    def error(self, message: str) -> NoReturn:
        """Usage, and what was wrong; exit status 2."""
        super().error(shown(message))

    def _print_message(self, message: str, file: Any = None) -> None:
        file = sys.stderr if file is None else file
        super()._print_message(_writable(message, file), file)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(shown(line) for line in super().format(record).split("\n"))


@contextmanager
def guarded() -> Iterator[None]:
    """Inside, no print fails for want of a letter, and warnings and logged lines of any library are shown as text."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and getattr(stream, "errors", "") == "strict":
            stream.reconfigure(errors="backslashreplace")
    last, form = logging.lastResort, warnings.formatwarning
    before = last.formatter if last else None

    def one_line(message: Warning | str, category: type[Warning], *_: Any) -> str:
        return f"{category.__name__}: {shown(message)}\n"

    warnings.formatwarning = one_line  # type: ignore[assignment]
    if last:
        last.setFormatter(_Plain())
    try:
        yield
    finally:
        warnings.formatwarning = form
        if last:
            last.setFormatter(before)


def _is_unsafe(character: str) -> bool:
    if " " <= character <= "~":
        return False
    return unicodedata.category(character) in _UNSAFE or _MARKS.match(character) is not None


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _writable(text: str, file: IO[str]) -> str:
    encoding = getattr(file, "encoding", None) or "utf-8"
    try:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
