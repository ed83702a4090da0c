"""What if? Change the sentence, or switch off a word, a region or an edge: the model runs again and shows what changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from ...retrieval import edits
from ...retrieval.compare import compare_pairs
from ...retrieval.retriever import Retriever
from ...visualize.notes import hint
from ...visualize.switches import read_edges, read_places, switches
from ...visualize.what_if import what_if_page
from ..parts.cases import save_buttons
from ..parts.context import BARE, BY_PICTURE, PRIVATE, Asked, Context, Shared, picture_input, plain_errors
from ..parts.links import as_weights, to_query
from ..parts.matches import LISTED, Seen, choices, gallery_in_link, newly, question

NO_QUESTION = "Search first. Then change the sentence here or switch parts off, and see how the score changes."
NO_CHANGE = "Change the sentence, or tick what to switch off. Then press Run to see what changes."
EDITS: dict[str, Callable[[str, Sequence[int]], str]] = {
    "Drop ticked words": edits.drop,
    "Swap two ticked words": edits.swap,
    "Negate ticked words": edits.negate,
    "Reverse the order": lambda text, _: edits.reverse(text),
}
WORDS = "Words: tick some, then drop, swap or negate them"
MOST_CHARACTERS, MOST_WORDS = 5_000, 200  # of a sentence that is reworded, and of its words that are listed
OFF = ("words", "regions", "edges")
# What is changed, as a link says it: {"text": another sentence}, or {"words": "0,2", "regions": "1", "edges": "image:0:4"}.
Change = dict[str, str]


class Handlers:
    """What the page's events call. Its state: the match, the change that is shown, the question, the weights, the session."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @plain_errors
    def open(
        self,
        asked: Asked | None,
        weights: Any,
        session: Any,
        arrived: dict[str, str],
        chosen: str | None,
        seen: Seen | None,
    ) -> tuple[Any, ...]:
        """When the page is opened: the chosen match with its parts, and the change that a link asks for."""
        if asked is None:
            return (*[gr.skip()] * 6, None, hint(NO_QUESTION), "", None)
        retriever = self.context.active(session, asked)
        asks, used = seen or (None, None)
        now, linked = f"{question(asked, retriever)} {chosen}", newly(arrived, used, "what-if")
        if now == asks and not linked:
            return (*[gr.skip()] * 9, seen)
        listed = choices(retriever.search(query=asked.query, k=LISTED, weights=weights))
        match = linked.get("id") or chosen or listed[0][1]
        change = {name: linked[name] for name in ("text", *OFF) if linked.get(name)}
        form = self.form(retriever, asked, match, weights, change)
        shown = self.show(match, change, asked, weights, session)
        return gr.Dropdown(listed, value=match), *form, change, *shown, (now, arrived)

    @plain_errors
    def choose(self, match: str | None, asked: Asked | None, weights: Any, session: Any) -> tuple[Any, ...]:
        """Another match: its sentence and its parts."""
        if asked is None or not match:
            return (*[gr.skip()] * 5, None, hint(NO_QUESTION), "")
        form = self.form(self.context.active(session, asked), asked, match, weights, {})
        return *form, {}, *self.show(match, {}, asked, weights, session)

    def form(self, retriever: Retriever, asked: Asked, match: str, weights: Any, change: Change) -> tuple[Any, ...]:
        """The sentence, its words to tick, and the words, regions and edges that can be switched off.

        They come from a new run of the model: its regions may be numbered differently from those of the stored graph.
        """
        before = retriever.what_if(match, query=asked.query, weights=weights).before
        parts, text = switches(before), change.get("text", before.caption)
        groups = zip((parts.words, parts.regions, parts.edges), OFF, strict=True)
        return (
            text,
            words_to_tick(text[:MOST_CHARACTERS]),
            *(gr.CheckboxGroup(known, value=_split(change, name)) for known, name in groups),
        )

    @plain_errors
    def reword(self, text: str, match: str | None, asked: Asked | None, weights: Any, session: Any) -> tuple[Any, ...]:
        """The pair with another sentence."""
        if not (text or "").strip():
            raise ValueError("got an empty sentence, but expected some words")
        change = {"text": _bounded(text)}
        return change, *self.show(match, change, asked, weights, session)

    @plain_errors
    def switch_off(
        self,
        words: list[str],
        regions: list[str],
        edges: list[str],
        match: str | None,
        asked: Asked | None,
        weights: Any,
        session: Any,
    ) -> tuple[Any, ...]:
        """The pair without some of its parts."""
        change = {name: ",".join(off) for name, off in zip(OFF, (words, regions, edges), strict=True) if off}
        if not change:
            raise ValueError("got nothing to switch off, but expected at least one ticked word, region or edge")
        return change, *self.show(match, change, asked, weights, session)

    def show(
        self, match: str | None, change: Change, asked: Asked | None, weights: Any, session: Any
    ) -> tuple[str, str]:
        """What the change does, and the link to it."""
        if asked is None or not match:
            return hint(NO_QUESTION), ""
        if not change:
            return hint(NO_CHANGE), self.link(match, change, asked, weights, session)
        _, _, link, page, _ = self.shown(match, change, asked, weights, session)
        return page, link

    def shown(
        self, match: str | None, change: Change | None, asked: Asked | None, weights: Any, session: Any
    ) -> tuple[Any, ...]:
        """The question, the answer, its link, its drawing, and the retriever that gave it."""
        if asked is None or not match or not change:
            raise ValueError("got nothing to save yet, but expected a change: search, make a change, then press Run")
        retriever = self.context.active(session, asked)
        answer = retriever.what_if(
            match,
            query=asked.query,
            text=change.get("text"),
            words_off=read_places(_split(change, "words")),
            regions_off=read_places(_split(change, "regions")),
            edges_off=read_edges(_split(change, "edges")),
            weights=weights,
        )
        picture = asked.picture or self.context.thumbnail(retriever, match)
        by_word = None if "text" in change else compare_pairs(answer.after, answer.before, "words")
        page = what_if_page(answer, picture, by_word)
        return asked, answer, self.link(match, change, asked, weights, session), page, retriever

    def link(self, match: str, change: Change, asked: Asked, weights: Any, session: Any) -> str:
        """Opens the same again."""
        return to_query("what-if", weights, **asked.parameters, id=match, **change, gallery=gallery_in_link(session))

    @plain_errors
    def what_if(
        self,
        id: str,
        text: str | None,
        picture: str | None,
        new_text: str | None,
        words_off: list[str],
        regions_off: list[str],
        edges_off: list[str],
        weights: dict[str, float] | None = None,
    ) -> dict[str, Any]:
        """A pair's score before and after: with `new_text` for its sentence, or without some words and regions ("0", "3") and
        edges ("image:0:4", "text:1:2"; node 0 is the global node, local node n is n + 1)."""
        retriever = self.context.retriever
        return retriever.what_if(
            id,
            query=retriever.encode(text=text or None, image=picture),
            text=new_text or None,
            words_off=read_places(words_off),
            regions_off=read_places(regions_off),
            edges_off=read_edges(edges_off),
            weights=as_weights(weights),
        ).to_json()


def _split(change: Change, name: str) -> list[str]:
    return [part for part in change.get(name, "").split(",") if part]


def _bounded(text: str | None) -> str:
    """
    Raises:
        ValueError: far more than any sentence: what is listed here is kept for the visit.
    """
    text = text or ""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"got a sentence of {len(text):,} characters, but expected at most {MOST_CHARACTERS:,}: shorten it"
        )
    return text


@plain_errors
def words_to_tick(text: str | None) -> Any:
    """The words of a sentence as choices, none ticked. Of a long sentence only the first, as the label then says."""
    words = _bounded(text).split()
    listed = [(word, str(n)) for n, word in enumerate(words[:MOST_WORDS])]
    label = WORDS if len(words) <= MOST_WORDS else f"{WORDS} (the first {MOST_WORDS} of {len(words):,})"
    return gr.CheckboxGroup(listed, value=[], label=label)


def _edit(change: Callable[[str, Sequence[int]], str]) -> Callable[..., Any]:
    """A handler that edits the sentence and lists its words again."""

    @plain_errors
    def edited(text: str, ticked: list[str]) -> tuple[str, Any]:
        new = change(_bounded(text), read_places(ticked))
        return new, words_to_tick(new)

    return edited


def build(context: Context, shared: Shared) -> None:
    """The page and its endpoint `what_if`."""
    handlers = Handlers(context)
    match = gr.Dropdown(
        [], label="Match", info="Choose a match or type an id", allow_custom_value=True, interactive=True
    )
    with gr.Tab("Change the sentence"):
        text = gr.Textbox(label="Sentence", lines=1, max_lines=4)
        ticked = gr.CheckboxGroup([], label=WORDS)
        with gr.Row():
            edit_buttons = {name: gr.Button(name, size="sm", min_width=150) for name in EDITS}
        run_text = gr.Button("Run with this sentence", variant="primary")
    with gr.Tab("Switch parts off"):
        words = gr.CheckboxGroup([], label="Words, with their contributions")
        regions = gr.CheckboxGroup([], label="Regions, with their contributions")
        with gr.Accordion("Edges of the two graphs", open=False):
            edges = gr.CheckboxGroup([], label="The strongest edges, with their attention")
        run_off = gr.Button("Run without what is ticked", variant="primary")
    page = gr.HTML(hint(NO_QUESTION), elem_id="changed", js_on_load=None, **BARE)
    change, seen = gr.State(None), gr.State(None)
    asked = [shared.asked, shared.weights, shared.session]
    with gr.Row():
        save_buttons("hgan-what-if", handlers.shown, [match, change, *asked])

    form, shown = [text, ticked, words, regions, edges], [change, page, shared.links["what-if"]]
    opened = [match, *form, *shown, seen]
    shared.tab["what-if"].select(handlers.open, [*asked, shared.arrived, shared.chosen, seen], opened, **PRIVATE)
    match.input(handlers.choose, [match, *asked], [*form, *shown], trigger_mode="always_last", **PRIVATE)
    for name, button in edit_buttons.items():
        button.click(_edit(EDITS[name]), [text, ticked], [text, ticked], queue=False, api_visibility="private")
    text.input(words_to_tick, text, ticked, queue=False, show_progress="hidden", api_visibility="private")
    gr.on([run_text.click, text.submit], handlers.reword, [text, match, *asked], shown, **PRIVATE)
    run_off.click(handlers.switch_off, [words, regions, edges, match, *asked], shown, **PRIVATE)

    # The endpoint for programs. The picture component checks that the file was uploaded and is not one of the server's.
    id_, sentence, new_text = (gr.Textbox(visible=False) for _ in range(3))
    off = [gr.Dropdown([], value=[], multiselect=True, allow_custom_value=True, visible=False) for _ in OFF]
    weights, data, door = gr.JSON(visible=False), gr.JSON(visible=False), gr.Button(visible=False)
    doors = [id_, sentence, picture_input(visible=False), new_text, *off, weights]
    door.click(handlers.what_if, doors, data, api_name="what_if", **BY_PICTURE)
