"""Error analysis: every caption against every picture, in both directions, and the failures."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.components import Component

from ...io.images import open_image
from ...retrieval.error_files import as_data, to_csv, to_json
from ...retrieval.error_filter import ANY, DIRECTIONS, Filter, listed
from ...retrieval.results import Analysis, QueryRow
from ...retrieval.retriever import Retriever
from ...types import LEVELS
from ...visualize.failure_plots import margin_histogram, rank_histogram
from ...visualize.failures import Shown, failure_list, metrics_table, pages_of
from ...visualize.notes import hint
from ...visualize.pictures import shrink_picture
from ..parts.context import ANALYSE, BARE, Context, Shared, plain_errors
from ..parts.links import to_query
from ..parts.matches import newly
from ..parts.saving import as_file, save_button

NOT_YET = (
    "Press Analyse to search with every caption for its picture and with every picture for its captions. "
    "This may take a minute."
)
NO_CAPTIONS = (
    "This gallery has no captions, so it is not known which sentence belongs to which picture. "
    "Build it with captions to see its errors."
)
DIRECTION_CHOICES = [("both", ANY), *((name, key) for key, name in DIRECTIONS.items())]
LEVEL_CHOICES = [("any level", ANY), *((level, level) for level in LEVELS)]
SMALL = 96  # pixels of a picture in the list
Answer = tuple[Any, ...]


class Handlers:
    """What the page's events call. An analysis is kept as long as its retriever: that of the default gallery for good, that
    of a visitor's own gallery until the visit ends."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.kept: WeakKeyDictionary[Retriever, Analysis] = WeakKeyDictionary()

    def analysis(self, retriever: Retriever, progress: gr.Progress | None = None) -> Analysis:
        """Computed once per gallery, then kept."""
        if retriever not in self.kept:

            def report(done: int, total: int) -> None:
                if progress is not None:
                    progress((done, total), desc="Comparing captions", unit="captions")

            self.kept[retriever] = retriever.analyse(report)
        return self.kept[retriever]

    @plain_errors
    def open(self, arrived: dict[str, str], used: dict[str, str] | None, session: Any, *filters: Any) -> Answer:
        """When the page is opened; the first time with the filters of the visitor's link."""
        linked = newly(arrived, used, "errors")
        chosen = Filter.from_link(linked) if linked else Filter(*filters)
        return *self.view(session, chosen, 1), chosen.direction, chosen.lost_by, chosen.failures, arrived

    @plain_errors
    def analyse(
        self,
        session: Any,
        direction: str,
        lost_by: str,
        tag: str,
        failed: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 gradio takes it from here
    ) -> Answer:
        self.analysis(self.context.active(session), progress)
        return self.view(session, Filter(direction, lost_by, tag, failed), 1)

    @plain_errors
    def show(self, session: Any, *filters_and_page: Any) -> Answer:
        """With other filters, or another page of the list."""
        *filters, page = filters_and_page
        return self.view(session, Filter(*filters), int(page))

    def view(self, session: Any, chosen: Filter, page: int) -> Answer:
        """Metrics, whether the rest is shown, the tags, both histograms, the list, its pages, and the link."""
        retriever, link = self.context.active(session), to_query("errors", None, **chosen.in_link())
        analysis = self.kept.get(retriever)
        if analysis is None:
            said = NOT_YET if retriever.gallery.caption_keys else NO_CAPTIONS
            return hint(said), gr.Column(visible=False), gr.skip(), None, None, "", gr.skip(), link
        rows, tags = listed(analysis, chosen), sorted(analysis.tags)
        return (
            metrics_table(analysis),
            gr.Column(visible=True),
            gr.Dropdown(
                [("any kind", ANY), *tags], value=chosen.tag if chosen.tag in tags else ANY, visible=bool(tags)
            ),
            rank_histogram(rows),
            margin_histogram(rows),
            failure_list(analysis, chosen, page, self.shown(retriever)),
            gr.Slider(maximum=max(pages_of(rows), 2), value=min(page, pages_of(rows)), visible=pages_of(rows) > 1),
            link,
        )

    def shown(self, retriever: Retriever) -> Shown:
        """How rows of this gallery are shown; nothing links to a visitor's own gallery."""
        gallery = retriever.gallery
        return Shown(
            link=_link if retriever is self.context.retriever else lambda row: None,
            picture=lambda id: shrink_picture(open_image(gallery.read_thumbnail(retriever.row(id))), SMALL),
            sentence=lambda id: gallery.caption_text(gallery.caption_row_of[id]),
        )

    @plain_errors
    def save(self, kind: str, session: Any, *filters: Any) -> Any:
        """The filtered rows as a file."""
        retriever, chosen = self.context.active(session), Filter(*filters)
        analysis = self.kept.get(retriever)
        if analysis is None:
            raise ValueError("got nothing to save yet, but expected an analysis: press Analyse first")
        rows, name = listed(analysis, chosen), f"{retriever.gallery.name}-errors.{kind}"
        if kind == "csv":
            return as_file(name, to_csv(rows), "text/csv")
        return as_file(name, to_json(analysis, rows, chosen, retriever.sources), "application/json")

    @plain_errors
    def evaluate(self, direction: str, lost_by: str, tag: str, failures_only: bool) -> dict[str, Any]:
        """The analysis of the gallery as data: metrics, recalls by tag, and the rows that the filters keep, worst rank first.

        Args:
            direction: "any", "text_to_image" or "image_to_text".
            lost_by: "any", "global", "local" or "cross".
            tag: "any" or one of the gallery's.
            failures_only: without the queries whose truth came first.
        """
        analysis = self.analysis(self.context.retriever)
        return as_data(analysis, listed(analysis, Filter(direction, lost_by, tag or ANY, failures_only)))


def _link(row: QueryRow) -> str:
    """Opens a query on the search page."""
    if row.direction == "text_to_image":
        return to_query("search", q=row.query_label)
    return to_query("search", picture=row.query_id)


def build(context: Context, shared: Shared) -> None:
    """The page and its endpoint `evaluate`."""
    handlers = Handlers(context)
    go = gr.Button("Analyse", variant="primary")
    metrics = gr.HTML(hint(NOT_YET), elem_id="metrics", js_on_load=None, **BARE)
    with gr.Column(visible=False) as rest:
        with gr.Row():
            direction = gr.Radio(DIRECTION_CHOICES, value=ANY, label="Direction")
            lost_by = gr.Radio(LEVEL_CHOICES, value=ANY, label="Lost by")
            tag = gr.Dropdown([("any kind", ANY)], value=ANY, label="Kind of caption")
            failed = gr.Checkbox(True, label="Only failures (the truth is not first)")
        with gr.Row():
            ranks = gr.Plot(show_label=False, min_width=320)
            margins = gr.Plot(show_label=False, min_width=320)
        table = gr.HTML("", elem_id="failures", js_on_load=None, **BARE)
        page = gr.Slider(1, 2, value=1, step=1, label="Page", visible=False)
        filters = [shared.session, direction, lost_by, tag, failed]
        with gr.Row():
            save_button("Save these rows as CSV", lambda *given: handlers.save("csv", *given), filters, **ANALYSE)
            save_button("Save these rows as JSON", lambda *given: handlers.save("json", *given), filters, **ANALYSE)
    used = gr.State(None)

    shown = [metrics, rest, tag, ranks, margins, table, page, shared.links["errors"]]
    private: dict[str, Any] = {**ANALYSE, "api_visibility": "private"}
    again = {**private, "trigger_mode": "always_last"}
    shared.tab["errors"].select(
        handlers.open, [shared.arrived, used, *filters], [*shown, direction, lost_by, failed, used], **private
    )
    go.click(handlers.analyse, filters, shown, show_progress_on=metrics, **private)
    for part in (direction, lost_by, tag, failed):
        part.input(lambda *given: handlers.show(*given, 1), filters, shown, **again)
    page.input(handlers.show, [*filters, page], shown, **again)

    asked: list[Component] = [gr.Radio(names, value=ANY, visible=False) for names in (DIRECTION_CHOICES, LEVEL_CHOICES)]
    asked += [gr.Textbox(ANY, visible=False), gr.Checkbox(True, visible=False)]
    data, door = gr.JSON(visible=False), gr.Button(visible=False)
    door.click(handlers.evaluate, asked, data, api_name="evaluate", **ANALYSE)
