"""Classroom: predict, then reveal. Cases are prepared in advance, so nothing here waits in the queue or runs the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ...retrieval.classroom import CaseFile, read_cases
from ...retrieval.retriever import ROOT
from ...visualize.classroom import VOTE_SCRIPT, case_page, case_title
from ...visualize.notes import hint
from ..parts.context import BARE, Context, Shared
from ..parts.links import to_query
from ..parts.matches import newly

CASES = ROOT / "assets" / "classroom" / "cases.json"
AT_ONCE: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
HOW = (
    "A sentence and four pictures. Let the class decide which picture the sentence describes, count the hands, then "
    "reveal how the model ranks them. The votes stay in this browser."
)


class Handlers:
    """What the page's events call."""

    def __init__(self, cases: CaseFile, warnings: list[str]) -> None:
        self.cases, self.warnings = cases, warnings
        self.ids = [case.id for case in cases.cases]

    def open(
        self, arrived: dict[str, str], used: dict[str, str] | None, current: str | None
    ) -> tuple[str, str, str, dict[str, str]]:
        """At first the case that the link names, later the last one that was open."""
        return *self.show(newly(arrived, used, "classroom").get("case") or current), arrived

    def show(self, id: str | None) -> tuple[str, str, str]:
        """A case: its id for the list, its page, its link. For an unknown id, the first case and a warning."""
        case, warnings = self.cases.case(id), list(self.warnings)
        if id and id != case.id:
            warnings.append(f"There is no case “{id[:80]}” here, so this is the first one.")
        link = to_query("classroom", case=case.id)
        return case.id, case_page(case, link, warnings), link

    def step(self, id: str | None, by: int) -> tuple[str, str, str]:
        """The previous or next case; after the last one comes the first."""
        place = self.ids.index(self.cases.case(id).id)
        return self.show(self.ids[(place + by) % len(self.ids)])


def build(context: Context, shared: Shared, path: Path = CASES) -> None:
    """The page over the cases in `path`."""
    try:
        cases = read_cases(path)
    except ValueError as error:
        gr.HTML(hint(str(error)), js_on_load=None, **BARE)
        return
    model, gallery = context.retriever.sources
    handlers = Handlers(cases, cases.warnings(model.sha256, gallery.sha256))
    titles = [(case_title(n, case), case.id) for n, case in enumerate(cases.cases, 1)]
    gr.Markdown(HOW)
    with gr.Row(equal_height=False):
        chosen = gr.Dropdown(titles, value=None, label="Case", scale=6, min_width=260)
        back = gr.Button("← Previous", scale=1, min_width=110)
        on = gr.Button("Next →", scale=1, min_width=110)
    page = gr.HTML("", elem_id="case", js_on_load=VOTE_SCRIPT, **BARE)

    shown = [chosen, page, shared.links["classroom"]]
    used = gr.State(None)
    shared.tab["classroom"].select(handlers.open, [shared.arrived, used, chosen], [*shown, used], **AT_ONCE)
    chosen.input(handlers.show, chosen, shown, **AT_ONCE)
    back.click(lambda id: handlers.step(id, -1), chosen, shown, **AT_ONCE)
    on.click(lambda id: handlers.step(id, 1), chosen, shown, **AT_ONCE)
