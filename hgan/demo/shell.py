"""Puts the pages together."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ..io.static import call_static, read_static
from ..retrieval.retriever import Retriever
from ..settings import Settings
from .pages import about, classroom, compare, errors, explain, my_gallery, search, what_if
from .parts.context import HOUR, PAGES, SMALL, Context, Shared
from .serving.fair_queue import FairQueue
from .serving.messages import told

TITLE = "HGAN: sentences and pictures"
INTRODUCTION = """# Find a picture by a sentence, or a sentence by a picture
Every score is a sum of parts. Choose a match to see which words and which regions contribute to it."""
BUILD = [
    page.build for page in (search, explain, compare, what_if, errors, my_gallery, classroom, about)
]  # as in PAGES


def _close(session: Any) -> None:
    """A visitor's own gallery ends with the visit."""
    if session is not None:
        session.close()


def build_demo(retriever: Retriever, settings: Settings | None = None) -> gr.Blocks:
    """The app over one retriever: its pages and their endpoints, with a fair queue and plain error messages."""
    context = Context(retriever)
    with gr.Blocks(title=TITLE, delete_cache=(HOUR, HOUR), fill_width=True) as demo:
        with gr.Row():
            with gr.Column(min_width=300):
                gr.Markdown(INTRODUCTION)
            copy = gr.Button("Copy link to this page", **SMALL)
        asked, chosen, weights = (gr.State(None, time_to_live=HOUR) for _ in range(3))
        session = gr.State(None, time_to_live=HOUR, delete_callback=_close)
        arrived = gr.State({}, time_to_live=HOUR)
        links = {id_: gr.Textbox(visible=False) for id_ in PAGES}
        with gr.Tabs(selected="search", elem_id="pages") as tabs:
            shared = Shared(demo, asked, chosen, weights, session, arrived, tabs, {}, links)
            for (id_, name), build in zip(PAGES.items(), BUILD, strict=True):
                with gr.Tab(name, id=id_) as shared.tab[id_]:
                    build(context, shared)
        for id_, tab in shared.tab.items():
            tab.select(None, links[id_], None, js=call_static("hgan.demo", "show_address.js", id_))
            links[id_].change(None, links[id_], None, js=call_static("hgan.demo", "show_address.js", None))
        # The first tab is selected before the address has been read: until then it must stay as it is.
        assert shared.opened is not None
        for after in (shared.opened.success, shared.opened.failure):  # `then` is not called after a failure
            after(None, None, None, js=read_static("hgan.demo", "opened.js"))
        copy.click(None, None, None, js=read_static("hgan.demo", "copy_address.js"))
    demo.queue(
        max_size=(settings or Settings.from_environment()).queue, api_open=False
    )  # every call waits in the queue
    demo._queue = FairQueue(demo._queue)
    vars(demo)["process_api"] = told(demo.process_api)
    return demo
