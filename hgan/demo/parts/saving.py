"""Buttons that hand over a file made on demand. The browser makes the file: nothing is left on the server's disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from ...io.static import read_static
from .context import PRIVATE, SMALL, plain_errors


def as_file(name: str, text: str, type: str) -> dict[str, str]:
    """What a handler of `save_button` returns.

    Args:
        type: MIME type, such as "text/html".
    """
    return {"name": name, "type": f"{type};charset=utf-8", "text": text}


def save_button(label: str, handler: Callable[..., Any], inputs: Sequence[Component], **lane: Any) -> gr.Button:
    """A button that runs `handler(*inputs) -> as_file(...)` and saves what it gives on the visitor's machine.

    Args:
        lane: of the queue that it waits in, where that is another than the model's.
    """
    button, file = gr.Button(label, **SMALL), gr.JSON(visible=False)
    made = button.click(plain_errors(handler), inputs, file, show_progress="hidden", **{**PRIVATE, **lane})
    made.success(None, file, None, js=read_static("hgan.demo", "save_file.js"))
    return button
