"""Explain: why the chosen match scores as it does."""

from __future__ import annotations

import functools
from typing import Any

import gradio as gr

from ...visualize.explanation import explanation_page
from ...visualize.linked import SCRIPT
from ...visualize.notes import hint
from ..parts.cases import save_buttons
from ..parts.context import BARE, BY_PICTURE, PRIVATE, SMALL, Asked, Context, Shared, picture_input, plain_errors
from ..parts.links import as_weights, to_query
from ..parts.matches import gallery_in_link

NO_EXPLANATION = "Search first, then choose a match. This page shows why it matches."
MATCHES = 50  # that the buttons step through


class Handlers:
    """What the page's events call. Its state: the question, the chosen match, the weights, the session."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @plain_errors
    def show(self, asked: Asked | None, chosen: str | None, weights: Any, session: Any) -> tuple[str, str]:
        """The explanation, and the link to it."""
        if asked is None or chosen is None:
            return hint(NO_EXPLANATION), ""
        _, _, link, page, _ = self.shown(asked, chosen, weights, session)
        return page, link

    @plain_errors
    def step(self, by: int, asked: Asked | None, chosen: str | None, weights: Any, session: Any) -> tuple[Any, ...]:
        """The previous or the next match, explained."""
        if asked is None or chosen is None:
            return chosen, hint(NO_EXPLANATION), ""
        hits = self.context.active(session, asked).search(query=asked.query, k=MATCHES, weights=weights).hits
        ids = [hit.id for hit in hits]
        place = ids.index(chosen) + by if chosen in ids else 0
        chosen = ids[min(max(place, 0), len(ids) - 1)]
        return chosen, *self.show(asked, chosen, weights, session)

    def shown(self, asked: Asked | None, chosen: str | None, weights: Any, session: Any) -> tuple[Any, ...]:
        """The question, the answer, its link, its drawing, and the retriever that gave it."""
        if asked is None or chosen is None:
            raise ValueError("got nothing to save yet, but expected a match: search, then choose one")
        retriever = self.context.active(session, asked)
        answer = retriever.explain(chosen, query=asked.query, weights=weights)
        page = explanation_page(answer, asked.picture or self.context.thumbnail(retriever, chosen))
        link = to_query("explain", weights, **asked.parameters, id=chosen, gallery=gallery_in_link(session))
        return asked, answer, link, page, retriever

    @plain_errors
    def explain(
        self, id: str, text: str | None, picture: str | None, weights: dict[str, float] | None = None
    ) -> dict[str, Any]:
        """Why a picture of the gallery and a sentence match, or a picture and a caption: every term of the score."""
        explanation = self.context.retriever.explain(id, text=text or None, image=picture, weights=as_weights(weights))
        return explanation.to_json()


def build(context: Context, shared: Shared) -> None:
    """The page and its endpoint `explain`."""
    handlers = Handlers(context)
    with gr.Row():
        steps = {-1: gr.Button("← Previous match", **SMALL), 1: gr.Button("Next match →", **SMALL)}
    why = gr.HTML(hint(NO_EXPLANATION), elem_id="why", js_on_load=SCRIPT, **BARE)
    state = [shared.asked, shared.chosen, shared.weights, shared.session]
    with gr.Row():
        save_buttons("hgan-explanation", handlers.shown, state)

    shared.tab["explain"].select(handlers.show, state, [why, shared.links["explain"]], **PRIVATE)
    for by, button in steps.items():
        stepped = [shared.chosen, why, shared.links["explain"]]
        button.click(functools.partial(handlers.step, by), state, stepped, **PRIVATE)

    # The endpoint for programs. The picture component checks that the file was uploaded and is not one of the server's.
    id_, text, picture = gr.Textbox(visible=False), gr.Textbox(visible=False), picture_input(visible=False)
    weights, data, door = gr.JSON(visible=False), gr.JSON(visible=False), gr.Button(visible=False)
    door.click(handlers.explain, [id_, text, picture, weights], data, api_name="explain", **BY_PICTURE)
