"""The demo: search a gallery by sentence or by picture, and see why something matched. Wiring only, no logic.

Every number comes from `hgan.retriever.Retriever`, every drawing from `hgan.visualize`. Run it with `python app.py`;
HGAN_CHECKPOINT and HGAN_GALLERY name another model and gallery, HGAN_HOST and HGAN_PORT where to listen.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported

import gradio as gr
from gradio.data_classes import ImageData

from hgan import drawings, visualize
from hgan.images import MAX_BYTES, open_image
from hgan.retriever import Query, Retriever
from hgan.style import CSS

TITLE = "HGAN: sentences and pictures"
INTRODUCTION = """# Find a picture by a sentence, or a sentence by a picture
Every score is a sum of parts. Choose a match to see which words and which regions brought it there."""
NO_MATCHES = "Type a sentence or choose an example, then press Search. The matches come here."
NO_EXPLANATION = "Search first, then choose a match. Why it matched is shown here."
HEAVY: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
PRIVATE: dict[str, Any] = {**HEAVY, "api_visibility": "private"}
BARE: dict[str, Any] = {"apply_default_css": False}  # `hgan.style` is the style sheet of what is drawn
HOUR = 3600

# A match is a button with its id; a choice marks it at once, and on a narrow screen the page moves on to the answer.
CHOOSE = """
element.addEventListener('click', (event) => {
  const match = event.target.closest('button[data-id]');
  if (!match) return;
  element.querySelectorAll('button[data-id]').forEach((b) => b.setAttribute('aria-pressed', String(b === match)));
  if (window.innerWidth < 900) document.getElementById('why').scrollIntoView({behavior: 'smooth'});
  trigger('select', {id: match.dataset.id});
});
"""


@dataclass(frozen=True)
class Asked:
    """What one visitor asked last: encoded once, used for every search and explanation that follows."""

    query: Query
    picture: drawings.Picture | None  # of a picture query


class PictureInput(gr.Image):
    """Hands over the uploaded file as it is: the retriever decodes it, and says so when it is no picture.

    gradio keeps requests away from the server's own files only where they mark a file as one, so the path is checked here.
    """

    is_template = True

    def preprocess(self, payload: ImageData | None) -> str | None:
        if payload is None:
            return None
        path = Path(payload.path or "").resolve()
        if not path.is_relative_to(Path(self.GRADIO_CACHE).resolve()) or (payload.url or "").startswith("data:"):
            raise gr.Error("got a picture that was not uploaded, but expected an uploaded file", print_exception=False)
        return str(path)


def plain_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bad input becomes a plain message on the page (and for clients) in place of a traceback."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return wrapped


class Handlers:
    """What the page's events call, over one retriever."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever

    @plain_errors
    def by_sentence(self, text: str, k: int) -> tuple[Asked, str, str]:
        return self.answer(Asked(self.retriever.encode(text=text), None), k)

    @plain_errors
    def by_picture(self, picture: str | None, k: int) -> tuple[Asked, str, str]:
        query = self.retriever.encode(image=_given(picture))
        return self.answer(Asked(query, drawings.shrink_picture(open_image(_given(picture)))), k)

    @plain_errors
    def again(self, asked: Asked | None, k: int) -> tuple[Asked | None, str, str]:
        """The same question with another number of matches."""
        return self.answer(asked, k) if asked else (None, visualize.hint(NO_MATCHES), visualize.hint(NO_EXPLANATION))

    def answer(self, asked: Asked, k: int) -> tuple[Asked, str, str]:
        """The matches, and why the first of them matches."""
        result = self.retriever.search(query=asked.query, k=int(k))
        pictures = [self.thumbnail(hit.id) for hit in result.hits]
        first = result.hits[0].id
        return asked, visualize.match_list(result, pictures, chosen=first), self.why(asked, first)

    @plain_errors
    def choose(self, asked: Asked | None, event: gr.EventData) -> str:
        return self.why(asked, event.id) if asked else visualize.hint(NO_EXPLANATION)

    def why(self, asked: Asked, id: str) -> str:
        explanation = self.retriever.explain(id, query=asked.query)
        return visualize.explanation_page(explanation, asked.picture or self.thumbnail(id))

    def thumbnail(self, id: str) -> drawings.Picture:
        return drawings.read_picture(self.retriever.gallery.thumbnail(self.retriever.row(id)))

    # For programs: the same answers as data.

    @plain_errors
    def search(self, text: str, k: int) -> dict[str, Any]:
        return self.retriever.search(text=text, k=int(k)).to_json()

    @plain_errors
    def search_by_picture(self, picture: str | None, k: int) -> dict[str, Any]:
        return self.retriever.search(image=_given(picture), k=int(k)).to_json()

    @plain_errors
    def explain(self, id: str, text: str | None, picture: str | None) -> dict[str, Any]:
        return self.retriever.explain(id, text=text or None, image=picture).to_json()


def _given(picture: str | None) -> str:
    if picture is None:
        raise ValueError("got no picture, but expected one: drop a picture on the page, or choose an example")
    return picture


def build_demo(retriever: Retriever) -> gr.Blocks:
    """The page and its endpoints `search`, `search_by_picture` and `explain`."""
    handlers = Handlers(retriever)
    sentences, thumbnails = examples(retriever)
    with gr.Blocks(title=TITLE, delete_cache=(HOUR, HOUR), fill_width=True) as demo:
        gr.Markdown(INTRODUCTION)
        asked = gr.State(None, time_to_live=HOUR)
        with gr.Tab("By sentence"), gr.Row():
            with gr.Column(scale=2, min_width=320):
                text = gr.Textbox(label="Sentence", lines=1, max_lines=4, placeholder="What is in the picture?")
                by_sentence = gr.Button("Search", variant="primary")
            with gr.Column(scale=3, min_width=320):
                tried = gr.Examples(sentences, [text], label="Examples", api_visibility="private")
        with gr.Tab("By picture"), gr.Row():
            with gr.Column(scale=2, min_width=320):
                picture = PictureInput(
                    label="Picture", type="filepath", image_mode=None, sources=["upload", "clipboard"], height=240
                )
                by_picture = gr.Button("Search", variant="primary")
            with gr.Column(scale=3, min_width=320):
                seen = gr.Examples(thumbnails, [picture], label="Examples", api_visibility="private")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                results = gr.HTML(visualize.hint(NO_MATCHES), elem_id="matches", js_on_load=CHOOSE, **BARE)
                k = gr.Slider(1, 50, value=10, step=1, label="How many matches")
            with gr.Column(scale=3, min_width=320):
                why = gr.HTML(visualize.hint(NO_EXPLANATION), elem_id="why", js_on_load=None, **BARE)

        answer = [asked, results, why]
        gr.on([by_sentence.click, text.submit], handlers.by_sentence, [text, k], answer, **PRIVATE)
        tried.load_input_event.then(handlers.by_sentence, [text, k], answer, **PRIVATE)
        by_picture.click(handlers.by_picture, [picture, k], answer, **PRIVATE)
        seen.load_input_event.then(handlers.by_picture, [picture, k], answer, **PRIVATE)
        k.change(handlers.again, [asked, k], answer, trigger_mode="always_last", **PRIVATE)
        results.select(handlers.choose, [asked], why, **PRIVATE)

        # Programs come in by these; a real picture component checks that a file was uploaded and is not the server's own.
        id_, data, door = gr.Textbox(visible=False), gr.JSON(visible=False), gr.Button(visible=False)
        door.click(handlers.search, [text, k], data, api_name="search", **HEAVY)
        door.click(handlers.search_by_picture, [picture, k], data, api_name="search_by_picture", **HEAVY)
        door.click(handlers.explain, [id_, text, picture], data, api_name="explain", **HEAVY)
    return demo.queue(max_size=64)


def examples(retriever: Retriever) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences and thumbnails from all over the gallery; the sentences are its captions, where it has any."""
    gallery = retriever.gallery
    rows = range(0, len(gallery.items), max(len(gallery.items) // 5, 1))
    captions = [[gallery.items[row].captions[0]] for row in rows if gallery.items[row].captions]
    sentences = captions or [["a dog on the grass"], ["two people and a red car"], ["a white house with a tree"]]
    return sentences[:5], [[str(gallery.thumbnail(row))] for row in rows][:5]


def launch_options() -> dict[str, Any]:
    """How the demo is launched, in tests as in `main`. None leaves it to gradio's own GRADIO_SERVER_NAME and _PORT."""
    port = os.environ.get("HGAN_PORT")
    fonts = ["system-ui", "sans-serif"]
    return {
        "server_name": os.environ.get("HGAN_HOST"),
        "server_port": int(port) if port else None,
        "theme": gr.themes.Default(primary_hue="indigo", font=fonts, font_mono=["ui-monospace", "monospace"]),
        "css": CSS,
        "show_error": True,
        "max_file_size": MAX_BYTES,
        "allowed_paths": [],
        "strict_cors": True,
        "enable_monitoring": False,
        "footer_links": ["api", "settings"],
    }


def main() -> int:
    """Serves until it is stopped. Returns 2 when there is no checkpoint, gallery or free port to serve with."""
    try:
        build_demo(Retriever.open()).launch(**launch_options())
    except (ValueError, OSError) as error:
        print(f"hgan: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
