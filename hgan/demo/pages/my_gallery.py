"""My gallery: a visitor's own pictures, encoded here, searched like any gallery, and gone after the visit."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from ...io.images import SUFFIXES, open_image
from ...io.static import read_static
from ...visualize import own_gallery
from ...visualize.matches import match_list
from ...visualize.notes import hint
from ...visualize.pictures import read_picture, shrink_picture
from ..parts.context import BARE, PICTURES, PRIVATE, Asked, Context, Shared, plain_errors
from ..parts.files_input import files_input
from ..serving.uploading import UPLOADS
from ..serving.values import event_id
from ..serving.visitor import current
from ..uploads.files import Upload
from ..uploads.limits import Limits
from ..uploads.private import MAX_SECONDS
from ..uploads.session import SessionGallery, StoppedError, build_session_gallery, gallery_builder

BUILDING: dict[str, Any] = {"concurrency_id": "build", "concurrency_limit": 1}  # searches need not wait for it
NOTHING = "Drop pictures, then press Build. They appear here, and you can search them."
GONE = "Your pictures, their files and your gallery have been removed."
STOPS: dict[str | None, threading.Event] = {}  # by session: builds that are under way


class Handlers:
    """What the page's events call."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.encode = gallery_builder(context.retriever)
        self.stops = STOPS

    @plain_errors
    def build(
        self,
        uploads: list[Upload],
        old: SessionGallery | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # gradio looks for it in the signature
    ) -> tuple[Any, ...]:
        new = self._build(uploads, old, request, progress)
        items = new.opened.gallery.items[: own_gallery.SHOWN]
        pictures = [self.context.thumbnail(new.opened, item.id) for item in items]
        page = own_gallery.upload_page(new.to_json(), pictures)
        return new, page, hint("Choose a picture above to find sentences for it."), None, *_shown(new)

    @plain_errors
    def build_gallery(
        self, uploads: list[Upload], old: SessionGallery | None, request: gr.Request
    ) -> tuple[SessionGallery, dict[str, Any], str]:
        """For programs: a report of the build, and the gallery folder as a zip."""
        new = self._build(uploads, old, request, None)
        return new, new.to_json(), str(new.download)

    def _build(
        self,
        uploads: list[Upload],
        old: SessionGallery | None,
        request: gr.Request,
        progress: gr.Progress | None,
    ) -> SessionGallery:
        stop = self.stops[request.session_hash] = threading.Event()
        if progress is not None:
            progress(0.0, desc="Unpacking")

        def stopped() -> None:
            if stop.is_set():
                raise StoppedError("stopped: nothing was kept")

        def report(done: int, total: int) -> None:
            stopped()
            if progress is not None:
                progress((done, total), desc="Encoding", unit="pictures")

        try:
            with UPLOADS.using(upload.path for upload in uploads):
                new = build_session_gallery(
                    self.context.retriever,
                    uploads,
                    report,
                    encode=self.encode,
                    downloads=Path(get_upload_folder()),  # gradio serves files from here without making a copy
                    visitor=current(request.session_hash),
                    stopped=stopped,
                )
        finally:
            self.stops.pop(request.session_hash, None)
            discard(uploads)
        if old is not None:
            old.close()
        return new

    def stop(self, request: gr.Request) -> None:
        """Stops the build of this session, if there is one, at its next progress report."""
        if request.session_hash in self.stops:
            self.stops[request.session_hash].set()
            gr.Info("Stopping …")

    @plain_errors
    def words(self, session: SessionGallery | None, event: gr.EventData) -> tuple[Any, ...]:
        """Sentences for a picture of the gallery: the same matches as on the Search page."""
        own = _built(session)
        id_ = event_id(event)
        data = own.retriever.gallery.read_thumbnail(own.retriever.row(id_))
        query = replace(own.retriever.encode(image=data), label={"image": id_})
        asked = Asked(query, shrink_picture(open_image(data)))
        result = own.for_pictures.search(query=asked.query, k=10)
        pictures = [read_picture(data)] * len(result.hits)
        return replace(own, chosen=True), asked, result.hits[0].id, match_list(result, pictures)

    @plain_errors
    def choose(self, event: gr.EventData) -> tuple[str, Any]:
        return event_id(event), gr.Tabs(selected="explain")

    @plain_errors
    def search(self, session: SessionGallery | None) -> tuple[Any, ...]:
        return replace(_built(session), chosen=True), gr.Tabs(selected="search")

    def remove(self, session: SessionGallery | None) -> tuple[Any, ...]:
        if session is not None:
            session.close()
        return None, hint(GONE), "", *_shown(None)


def discard(uploads: Sequence[Upload]) -> None:
    """Removes uploaded files as soon as they have been used. Files that gradio shares between visitors, such as
    examples, stay."""
    shared = Path(get_upload_folder()).resolve()
    for upload in uploads:
        if UPLOADS.discard(upload.path) or upload.path.resolve().is_relative_to(shared):
            continue
        upload.path.unlink(missing_ok=True)
        if not any(upload.path.parent.iterdir()):
            upload.path.parent.rmdir()


def _built(session: SessionGallery | None) -> SessionGallery:
    if session is None:
        raise ValueError("got no gallery of your own, but expected one: drop pictures and press Build")
    return session


def _shown(session: SessionGallery | None) -> tuple[Any, ...]:
    """The buttons to search, download and remove a gallery, enabled if there is one."""
    there = session is not None
    download = str(session.download) if session is not None else None
    return (
        gr.Button(interactive=there),
        gr.DownloadButton(value=download, interactive=there),
        gr.Button(interactive=there),
    )


def build(context: Context, shared: Shared) -> None:
    """The page and its endpoint `build_gallery`."""
    handlers, limits = Handlers(context), Limits.from_environment()
    choose = read_static("hgan.demo", "choose.js")
    gr.Markdown(
        f"""Drop pictures, or one zip of them: at most {limits.pictures} pictures and {limits.megabytes} MB. You can add
captions in one file: a CSV with the columns `image` and `caption`, or JSON lines such as
`{{"image": "a.jpg", "captions": ["..."]}}`. Only you can see your gallery. It is removed an hour after you close the page,
and after {MAX_SECONDS // 3600} hours at most."""
    )
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            files = files_input(
                label="Pictures, or a zip", file_types=[*SUFFIXES, ".zip", ".csv", ".jsonl"], height=220
            )
            with gr.Row():
                start = gr.Button("Build", variant="primary", min_width=80)
                stop = gr.Button("Stop", min_width=80)
            search = gr.Button("Search these pictures", interactive=False)
            download = gr.DownloadButton("Download as a gallery folder (zip)", interactive=False)
            remove = gr.Button("Remove my gallery", variant="stop", interactive=False)
        with gr.Column(scale=3, min_width=320):
            page = gr.HTML(hint(NOTHING), elem_id="my-pictures", js_on_load=choose, **BARE)
    words = gr.HTML("", elem_id="my-words", js_on_load=choose, **BARE)

    buttons = [search, download, remove]
    # Starting and stopping wait neither for each other nor for anyone's search.
    start.click(
        handlers.build,
        [files, shared.session],
        [shared.session, page, words, files, *buttons],
        show_progress_on=[page],
        **{**PRIVATE, **BUILDING},
    )
    stop.click(handlers.stop, None, None, queue=False, api_visibility="private")
    search.click(
        handlers.search, [shared.session], [shared.session, shared.tabs], queue=False, api_visibility="private"
    )
    remove.click(handlers.remove, [shared.session], [shared.session, page, words, *buttons], api_visibility="private")
    page.select(handlers.words, [shared.session], [shared.session, shared.asked, shared.chosen, words], **PICTURES)
    words.select(handlers.choose, None, [shared.chosen, shared.tabs], queue=False, api_visibility="private")

    data, door = gr.JSON(visible=False), gr.Button(visible=False)
    folder = gr.File(visible=False)
    door.click(
        handlers.build_gallery,
        [files, shared.session],
        [shared.session, data, folder],
        api_name="build_gallery",
        **BUILDING,
    )
