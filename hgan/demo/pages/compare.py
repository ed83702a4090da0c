"""Why A above B? Two matches of one query, and where their scores differ."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ...visualize.comparison import comparison_page
from ...visualize.notes import hint
from ..parts.cases import save_buttons
from ..parts.context import BARE, BY_PICTURE, PRIVATE, Asked, Context, Shared, picture_input, plain_errors
from ..parts.links import as_weights, to_query
from ..parts.matches import LISTED, Seen, choices, gallery_in_link, newly, question

NO_QUESTION = "Search first. This page then compares the two best matches; you can choose any other two."
ONE_MATCH = "This gallery has only one match, so there is nothing to compare."


class Handlers:
    """What the page's events call. Its state: the ids of A and B, the question, the weights, the session."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @plain_errors
    def open(
        self,
        a: str | None,
        b: str | None,
        asked: Asked | None,
        weights: Any,
        session: Any,
        arrived: dict[str, str],
        seen: Seen | None,
    ) -> tuple[Any, ...]:
        """The page as it is looked at: the matches of what was asked last, and two of them compared."""
        if asked is None:
            return gr.skip(), gr.skip(), hint(NO_QUESTION), "", None
        retriever = self.context.active(session, asked)
        listed = choices(retriever.search(query=asked.query, k=LISTED, weights=weights))
        if len(listed) < 2:
            return gr.skip(), gr.skip(), hint(ONE_MATCH), "", None
        asks, used = seen or (None, None)
        now, linked = question(asked, retriever), newly(arrived, used, "compare")
        if now != asks or linked or not a or not b:
            a, b = linked.get("a", listed[0][1]), linked.get("b", listed[1][1])
        return (
            gr.Dropdown(listed, value=a),
            gr.Dropdown(listed, value=b),
            *self.show(a, b, asked, weights, session),
            (now, arrived),
        )

    @plain_errors
    def show(self, a: str | None, b: str | None, asked: Asked | None, weights: Any, session: Any) -> tuple[str, str]:
        """Two matches compared, and the link to that."""
        if asked is None:
            return hint(NO_QUESTION), ""
        _, _, link, page, _ = self.shown(a, b, asked, weights, session)
        return page, link

    def shown(self, a: str | None, b: str | None, asked: Asked | None, weights: Any, session: Any) -> tuple[Any, ...]:
        """The question, the answer, its link, its drawing, and the retriever that gave it."""
        if asked is None:
            raise ValueError("got nothing to save yet, but expected two matches: search first, then choose them")
        if not a or not b:
            raise ValueError("got one match, but expected two: choose A and B, or type their ids")
        retriever = self.context.active(session, asked)
        answer = retriever.compare(a, b, query=asked.query, weights=weights)
        pictures = [asked.picture or self.context.thumbnail(retriever, id) for id in (a, b)]
        link = to_query("compare", weights, **asked.parameters, a=a, b=b, gallery=gallery_in_link(session))
        return asked, answer, link, comparison_page(answer, *pictures), retriever

    @plain_errors
    def compare(
        self, a: str, b: str, text: str | None, picture: str | None, weights: dict[str, float] | None = None
    ) -> dict[str, Any]:
        """Why match `a` of a sentence or a picture scores above (or below) match `b`: the difference as sums of steps."""
        retriever = self.context.retriever
        query = retriever.encode(text=text or None, image=picture)
        return retriever.compare(a, b, query=query, weights=as_weights(weights)).to_json()


def build(context: Context, shared: Shared) -> None:
    """The page and its endpoint `compare`."""
    handlers = Handlers(context)
    with gr.Row():
        a, b = (
            gr.Dropdown(
                [],
                label=name,
                info="Choose a match or type an id",
                allow_custom_value=True,
                interactive=True,
                min_width=280,
            )
            for name in ("A", "B")
        )
    go = gr.Button("Compare", variant="primary")
    page = gr.HTML(hint(NO_QUESTION), elem_id="compared", js_on_load=None, **BARE)
    state = [a, b, shared.asked, shared.weights, shared.session]
    with gr.Row():
        save_buttons("hgan-comparison", handlers.shown, state)
    seen, link = gr.State(None), shared.links["compare"]

    shared.tab["compare"].select(handlers.open, [*state, shared.arrived, seen], [a, b, page, link, seen], **PRIVATE)
    gr.on([go.click, a.input, b.input], handlers.show, state, [page, link], trigger_mode="always_last", **PRIVATE)

    # The endpoint for programs. The picture component checks that the file was uploaded and is not one of the server's.
    ids_and_text, picture = [gr.Textbox(visible=False) for _ in range(3)], picture_input(visible=False)
    weights, data, door = gr.JSON(visible=False), gr.JSON(visible=False), gr.Button(visible=False)
    door.click(handlers.compare, [*ids_and_text, picture, weights], data, api_name="compare", **BY_PICTURE)
