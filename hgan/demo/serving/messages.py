"""What a visitor is told: in one place, so that no message is taken for HTML, names a place on the server, or is a raw error.

Whatever a question fails with comes out of `Blocks.process_api`, from a handler as from a component that reads its value; there
it is turned into words (see `told`). The log gets one line, without what the visitor wrote.
"""

from __future__ import annotations

import dis
import errno
import html
import inspect
import re
import secrets
import sys
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.exceptions import InvalidPathError

from .values import Refused, checked, refusal

LONGEST = 600  # characters of a message
PACKAGE = Path(__file__).resolve().parents[2]
# Folders on this machine; the last part of a path, a file's name, may be shown.
_PATH = re.compile(r"(?<![\w/.<&])/(?:[^\s/'\"<>]+/)+(?=[^\s/'\"<>]*)")


def plain(message: object) -> str:
    """A message as text that a page can show: bounded, without folders of this machine, and with no HTML in it."""
    text = _PATH.sub("…/", str(message))
    text = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return html.escape(text, quote=False)


def own_words(error: BaseException) -> bool:
    """Whether this project wrote the message: its own `raise` of a ValueError, not Python's or a library's."""
    if not isinstance(error, ValueError):
        return False
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return False
    code = (
        last.tb_frame.f_code
    )  # where it came from, and by which instruction: `raise`, or a call of something that failed
    here = Path(code.co_filename).is_relative_to(PACKAGE)
    return here and dis.opname[code.co_code[last.tb_lasti]] == "RAISE_VARARGS"


def as_error(error: Exception) -> gr.Error:
    """What went wrong as gradio's error, not yet escaped: in the words of whoever refused it, or by a reference into the log."""
    if isinstance(error, gr.Error):
        return gr.Error(error.message, error.duration, error.visible, error.title, print_exception=False)
    if isinstance(error, InvalidPathError):
        return gr.Error("got a file that was not uploaded, but expected an uploaded file", print_exception=False)
    if own_words(error):
        return gr.Error(str(error), print_exception=False)
    reference = logged(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return gr.Error(
            f"got a full disk on this server, but expected free space: try again later (reference {reference})",
            print_exception=False,
        )
    return gr.Error(
        f"something went wrong (reference {reference}): try again, or try something else", print_exception=False
    )


def logged(error: BaseException) -> str:
    """Writes where an error came from to the log, and nothing that a visitor wrote; returns the reference to that line."""
    reference = secrets.token_hex(2)
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__) or traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)]
    places = [f"{Path(f.filename).name}:{f.lineno} in {f.name}" for f in (*own[-1:], *frames[-1:])]
    where = ", ".join(dict.fromkeys(places)) or "an unknown place"
    print(f"hgan: reference {reference}: {type(cause).__name__} at {where}", file=sys.stderr, flush=True)
    return reference


def told(process_api: Callable[..., Awaitable[dict[str, Any]]]) -> Callable[..., Awaitable[dict[str, Any]]]:
    """`Blocks.process_api` that checks what comes in, and fails in plain words."""

    async def process(block_fn: Any, inputs: list[Any], *rest: Any, **options: Any) -> dict[str, Any]:
        try:
            if not options.get("iterator"):
                inputs = _read(block_fn, inputs, options)
            return await process_api(block_fn, inputs, *rest, **options)
        except Exception as error:
            said = as_error(error)
            said.message, said.title = plain(said.message), plain(said.title)
            raise said from None

    return process


def _read(block_fn: Any, inputs: list[Any], options: dict[str, Any]) -> list[Any]:
    """
    Raises:
        ValueError: too much, too few, or of another kind than the components take.
    """
    if inputs and isinstance(inputs[0], Refused):
        raise ValueError(inputs[0].message)
    event = options.get("event_data")
    said = refusal([inputs, getattr(event, "_data", None)])
    if said is not None:
        raise ValueError(said)
    blocks, names = block_fn.inputs, _names(block_fn)
    if len(inputs) != len(blocks):
        raise ValueError(
            f"got {len(inputs)} values, but expected {len(blocks)} ({', '.join(names) or 'none'}): /gradio_api/info lists them"
        )
    state = options.get("state")
    live = [state[b._id] if state is not None and not b.stateful and b._id in state else b for b in blocks]
    unset = [getattr(block, "value", None) is None for block in blocks]  # nothing is chosen there at first either
    return [checked(*each) for each in zip(live, inputs, names, unset, strict=True)]


def _names(block_fn: Any) -> list[str]:
    """What the inputs of a handler are called: as its parameters, or by their labels."""
    try:
        given = [
            p.name for p in inspect.signature(block_fn.fn).parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD
        ]
    except (TypeError, ValueError):
        given = []
    labels = [getattr(block, "label", None) or block.get_block_name() for block in block_fn.inputs]
    return given[: len(labels)] + labels[len(given) :]
