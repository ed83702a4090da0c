"""Search: from a sentence or a picture to ranked matches. Choosing a match opens the Explain page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from ...io.images import open_image
from ...io.static import read_static
from ...retrieval.retriever import Retriever
from ...types import LEVELS
from ...visualize.matches import match_list, moves
from ...visualize.notes import hint
from ...visualize.pictures import shrink_picture
from ..parts.cases import read_case_file, save_buttons
from ..parts.context import (  # fmt: skip
    BARE,
    BY_PICTURE,
    HEAVY,
    PAGES,
    PICTURES,
    PRIVATE,
    SMALL,
    Asked,
    Context,
    Shared,
    guarded,
    picture_input,
    plain_errors,
)
from ..parts.links import OWN_GALLERY, as_weights, read_count, read_weights, to_query
from ..parts.matches import gallery_in_link
from ..parts.restore import asked_in
from ..serving.values import event_id

MATCHES, MOST_MATCHES = 10, 50
NO_MATCHES = "Type a sentence or choose an example, then press Search. The matches appear here."
NOT_YOURS = (
    "This link is from a visitor's own gallery, which is private. The same search in gallery {} is shown instead."
)
DEFAULT_GALLERY = "default"
REFERENCE = 50  # places of the learned ranking that the arrows compare with
SAME = 0.005  # a slider this close to the learned weight counts as it: sliders move in steps of 0.01


class Handlers:
    """What the page's events call."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @plain_errors
    def by_sentence(self, text: str, *settings: Any) -> tuple[Any, ...]:
        retriever = self.context.active(settings[-1])
        return self.answer(Asked(retriever.encode(text=text), None), None, *settings)

    @plain_errors
    def by_picture(self, picture: str | None, *settings: Any) -> tuple[Any, ...]:
        path, retriever = Path(given(picture)), self.context.active(settings[-1])
        image = open_image(path)  # once, for the model and for the page
        query = replace(retriever.encode(image=image), label={"image": path.name})
        source = gallery_picture(retriever, path)
        return self.answer(Asked(query, shrink_picture(image), source), None, *settings)

    @plain_errors
    def again(self, asked: Asked | None, chosen: str | None, *settings: Any) -> tuple[Any, ...]:
        """The same query with another number of matches, other weights or another gallery."""
        if asked is None:
            _, *sliders, session = settings
            weights = self.weights(sliders, self.context.active(session))
            return None, None, weights, hint(NO_MATCHES), ""
        return self.answer(asked, chosen, *settings)

    def answer(self, asked: Asked, chosen: str | None, k: float, *rest: Any) -> tuple[Any, ...]:
        """What was asked, the chosen match (the first, where it is none of these), the weights, the matches, and the link.

        Args:
            rest: the three sliders, and the session.
        """
        *sliders, session = rest
        retriever = self.context.active(session, asked)
        weights = self.weights(sliders, retriever)
        result = retriever.search(query=asked.query, k=int(k), weights=weights)
        ids = [hit.id for hit in result.hits]
        chosen = chosen if chosen in ids else ids[0]
        pictures = [self.context.thumbnail(retriever, id) for id in ids]
        moved = None
        if weights is not None:
            learned = retriever.search(query=asked.query, k=max(int(k), REFERENCE))
            moved = moves(learned.hits, result.hits)
        page = match_list(result, pictures, chosen, weights, moved)
        return asked, chosen, weights, page, search_link(asked, weights, int(k), session)

    def weights(self, sliders: list[float], retriever: Retriever) -> dict[str, float] | None:
        """The sliders as level weights; None if they are at the learned ones."""
        set_ = dict(zip(LEVELS, sliders, strict=True))
        learned = retriever.level_weights
        return None if all(abs(set_[level] - learned[level]) <= SAME for level in LEVELS) else set_

    @plain_errors
    def choose(self, event: gr.EventData) -> tuple[str, Any]:
        return event_id(event), gr.Tabs(selected="explain")

    def learned(self, session: Any) -> list[float]:
        """The positions of the sliders for the learned weights."""
        return [round(weight, 2) for weight in self.context.active(session).level_weights.values()]

    def gallery_there(self, session: Any) -> Any:
        """The choice of gallery, shown if the visitor has one."""
        return gr.Radio(visible=session is not None, value=gallery_in_link(session) or DEFAULT_GALLERY)

    def gallery_chosen(self, name: str, session: Any) -> Any:
        return replace(session, chosen=name == OWN_GALLERY) if session is not None else None

    @plain_errors
    def arrive(self, session: Any, request: gr.Request) -> tuple[Any, ...]:
        """The state that the address names."""
        return self.open(dict(request.query_params), session)

    @plain_errors
    def open_case(self, path: str | None, session: Any) -> tuple[Any, ...]:
        """The state of a saved case, searched again here, with a warning if it came from another model or gallery."""
        state, warnings = read_case_file(given(path), self.context.active(session))
        for warning in warnings:
            gr.Warning(warning, duration=None)
        return self.open(state, session)

    def open(self, parameters: dict[str, str], session: Any) -> tuple[Any, ...]:
        """Everything on this page for a state: parameters, tab, sentence, number of matches, sliders, and the answer."""
        tab = parameters.get("tab")
        there = gr.Tabs(selected=tab) if tab in PAGES else gr.skip()
        k = read_count(parameters.get("k"), MATCHES, MOST_MATCHES)
        weights, id_ = read_weights(parameters.get("w")), parameters.get("id")
        own = session is not None and session.chosen
        if parameters.get("gallery") == OWN_GALLERY and not own:
            gr.Warning(NOT_YOURS.format(self.context.retriever.gallery.name))
            id_ = None
        asked = asked_in(parameters, self.context.active(session))
        sliders = list(weights.values()) if weights else self.learned(session)
        shown = (parameters, there, parameters.get("q", ""), k, *sliders)
        if asked is None:
            return *shown, *(gr.skip() for _ in range(5))
        asked, chosen, *answer = self.answer(asked, id_, k, *sliders, session)
        if id_:  # it may not be among the top matches
            self.context.active(session, asked).row(id_)
            chosen = id_
        return *shown, asked, chosen, *answer

    def shown(self, asked: Asked | None, weights: Any, k: float, session: Any) -> tuple[Any, ...]:
        """For saving: the answer, its link, its drawing, and the retriever that gave it."""
        if asked is None:
            raise ValueError("got nothing to save yet, but expected a search: press Search first")
        retriever = self.context.active(session, asked)
        result = retriever.search(query=asked.query, k=int(k), weights=weights)
        pictures = [self.context.thumbnail(retriever, hit.id) for hit in result.hits]
        page = match_list(result, pictures, None, weights)
        return asked, result, search_link(asked, weights, int(k), session), page, retriever

    # For programs: the same answers as data.

    @plain_errors
    def search(self, text: str, k: int, weights: dict[str, float] | None = None) -> dict[str, Any]:
        """The pictures of the gallery that match a sentence best."""
        return self.context.retriever.search(text=text, k=int(k), weights=as_weights(weights)).to_json()

    @plain_errors
    def search_by_picture(self, picture: str | None, k: int, weights: dict[str, float] | None = None) -> dict[str, Any]:
        """The captions of the gallery that match a picture best."""
        return self.context.retriever.search(image=given(picture), k=int(k), weights=as_weights(weights)).to_json()


def given(path: str | None) -> str:
    if path is None:
        raise ValueError("got no picture, but expected one: drop a picture on the page or choose an example")
    return path


def gallery_picture(retriever: Retriever, path: Path) -> str | None:
    """The id of the gallery picture that a file is a copy of, such as an example; None where it is another."""
    gallery = retriever.gallery
    for row in range(len(gallery.items)):
        if PurePosixPath(gallery.items[row].thumbnail).name == path.name:
            return gallery.items[row].id if gallery.read_thumbnail(row) == path.read_bytes() else None
    return None


def search_link(asked: Asked, weights: dict[str, float] | None, k: int, session: Any) -> str:
    return to_query("search", weights, **asked.parameters, k=k, gallery=gallery_in_link(session))


def build(context: Context, shared: Shared) -> None:
    """The page and its endpoints `search` and `search_by_picture`."""
    handlers = Handlers(context)
    sentences, thumbnails = examples(context.retriever)
    with gr.Tab("By sentence"), gr.Row():
        with gr.Column(scale=2, min_width=320):
            text = gr.Textbox(label="Sentence", lines=1, max_lines=4, placeholder="What is in the picture?")
            by_sentence = gr.Button("Search", variant="primary")
        with gr.Column(scale=3, min_width=320):
            tried = gr.Examples(sentences, [text], label="Examples", api_visibility="private")
    with gr.Tab("By picture"), gr.Row():
        with gr.Column(scale=2, min_width=320):
            picture = picture_input(label="Picture", height=240)
            by_picture = gr.Button("Search", variant="primary")
        with gr.Column(scale=3, min_width=320):
            seen = gr.Examples(thumbnails, [picture], label="Examples", api_visibility="private")
    choices = [(f"Default gallery: {context.retriever.gallery.name}", DEFAULT_GALLERY), ("My gallery", OWN_GALLERY)]
    gallery = gr.Radio(choices, value=DEFAULT_GALLERY, label="Gallery", visible=False)
    with gr.Row(equal_height=False):
        k = gr.Slider(1, MOST_MATCHES, value=MATCHES, step=1, label="How many matches", scale=1, min_width=240)
        with gr.Column(scale=2, min_width=320), gr.Accordion("Adjust level weights", open=False):
            gr.Markdown("How much each level counts. The matches are ranked again as you move a slider.")
            with gr.Row():
                start = dict(zip(LEVELS, handlers.learned(None), strict=True))
                sliders = [
                    gr.Slider(0, 1, value=start[level], step=0.01, label=level, min_width=160) for level in LEVELS
                ]
            reset = gr.Button("Reset to the learned weights", size="sm")
    results = gr.HTML(hint(NO_MATCHES), elem_id="matches", js_on_load=read_static("hgan.demo", "choose.js"), **BARE)
    with gr.Row():
        save_buttons("hgan-search", handlers.shown, [shared.asked, shared.weights, k, shared.session])
        case = guarded(gr.UploadButton("Open a saved case", file_types=[".json"], **SMALL))

    settings = [k, *sliders, shared.session]
    answer = [shared.asked, shared.chosen, shared.weights, results, shared.links["search"]]
    again = ([shared.asked, shared.chosen, *settings], answer)
    gr.on([by_sentence.click, text.submit], handlers.by_sentence, [text, *settings], answer, **PRIVATE)
    tried.load_input_event.then(handlers.by_sentence, [text, *settings], answer, **PRIVATE)
    by_picture.click(handlers.by_picture, [picture, *settings], answer, **PICTURES)
    seen.load_input_event.then(handlers.by_picture, [picture, *settings], answer, **PICTURES)
    changed = [control.input for control in (k, *sliders)]
    gr.on(changed, handlers.again, *again, trigger_mode="always_last", show_progress="hidden", **PRIVATE)
    reset.click(handlers.learned, [shared.session], sliders, **PRIVATE).then(handlers.again, *again, **PRIVATE)
    gallery.input(handlers.gallery_chosen, [gallery, shared.session], shared.session, **PRIVATE)
    new_gallery = shared.session.change(handlers.gallery_there, [shared.session], gallery, **PRIVATE)
    new_gallery.then(handlers.again, *again, **PRIVATE)
    results.select(handlers.choose, None, [shared.chosen, shared.tabs], queue=False, api_visibility="private")

    everything = [shared.arrived, shared.tabs, text, k, *sliders, *answer]
    shared.opened = shared.demo.load(handlers.arrive, [shared.session], everything, show_progress="hidden", **PRIVATE)
    case.upload(handlers.open_case, [case, shared.session], everything, **PICTURES)

    # The endpoints for programs.
    weights, data, door = gr.JSON(visible=False), gr.JSON(visible=False), gr.Button(visible=False)
    door.click(handlers.search, [text, k, weights], data, api_name="search", **HEAVY)
    door.click(handlers.search_by_picture, [picture, k, weights], data, api_name="search_by_picture", **BY_PICTURE)


def examples(retriever: Retriever) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences and thumbnails from all over the gallery. The sentences are captions if it has any: the first of one picture,
    the second of the next, because captions in the same position often say the same kind of thing."""
    gallery = retriever.gallery
    rows = range(0, len(gallery.items), max(len(gallery.items) // 5, 1))
    known = [(n, gallery.items[row].captions) for n, row in enumerate(rows)]
    captions = [[own[n % len(own)]] for n, own in known if own]
    sentences = captions or [["a dog on the grass"], ["two people and a red car"], ["a white house with a tree"]]
    return sentences[:5], [[str(gallery.thumbnail(row))] for row in rows][:5]
