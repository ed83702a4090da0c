"""What every page gets: the retriever, the visitor's state, and the manners that all handlers share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import Dependency

from ...retrieval.retriever import Query, Retriever
from ...visualize.pictures import Picture, read_picture
from ..serving.messages import as_error
from .inputs import guarded, guarded_path, picture_input

if TYPE_CHECKING:
    from ..uploads.session import SessionGallery


__all__ = [
    "ANALYSE", "BARE", "BY_PICTURE", "HEAVY", "HOUR", "PAGES", "PICTURES", "PRIVATE", "SMALL", "UPLOADED", "Asked", "Context",
    "Shared", "guarded", "guarded_path", "picture_input", "plain_errors",
]  # fmt: skip

PAGES = {  # tab id -> its name, in their order
    "search": "Search",
    "explain": "Explain",
    "compare": "Why A above B?",
    "what-if": "What if?",
    "errors": "Error analysis",
    "my-gallery": "My gallery",
    "classroom": "Classroom",
    "about": "About",
}
UPLOADED = "-"  # in a link: the picture was uploaded
HOUR = 3600  # seconds that a visitor's state is kept after the last use
HEAVY: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
PRIVATE: dict[str, Any] = {**HEAVY, "api_visibility": "private"}
# In lanes of their own: a large picture to decode, or a whole gallery to compare, is not waited for by anybody's sentence.
BY_PICTURE: dict[str, Any] = {"concurrency_id": "pictures", "concurrency_limit": 1}
PICTURES: dict[str, Any] = {**BY_PICTURE, "api_visibility": "private"}
ANALYSE: dict[str, Any] = {"concurrency_id": "analysis", "concurrency_limit": 1}
SMALL: dict[str, Any] = {"size": "sm", "scale": 0, "min_width": 150}  # buttons beside the point of a page
BARE: dict[str, Any] = {"apply_default_css": False}  # `hgan.visualize.style` is the style sheet of what is drawn


@dataclass(frozen=True, eq=False)  # gradio hashes states to see whether they changed
class Asked:
    """What one visitor asked last: encoded once, used for every search and explanation that follows."""

    query: Query
    picture: Picture | None  # of a picture query
    source: str | None = None  # id of the gallery picture that a picture query is

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of a link that ask the same again; an uploaded picture cannot be in a link."""
        if self.picture is None:
            return {"q": self.query.label["text"]}
        return {"picture": self.source or UPLOADED}


class Context:
    """One for the app, over one retriever. It holds nothing of any visitor: that is in `Shared`."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever

    def active(self, session: SessionGallery | None, asked: Asked | None = None) -> Retriever:
        """The visitor's own gallery where it is chosen on the search page, else the default one.

        Args:
            asked: the question, where there is one: a picture is compared with captions, which own galleries may borrow.
        """
        if session is None or not session.chosen:
            return self.retriever
        return session.for_pictures if asked is not None and asked.picture is not None else session.retriever

    def thumbnail(self, retriever: Retriever, id: str) -> Picture:
        """The gallery's small picture of a picture's or a caption's id.

        Raises:
            ValueError: no such id, or no such picture.
        """
        return read_picture(retriever.gallery.read_thumbnail(retriever.row(id)))


@dataclass
class Shared:
    """Components and events that every page may use.

    `chosen` is set by choosing a match. A handler that returns `gr.Tabs(selected="explain")` for `tabs` moves the visitor there,
    and that tab's `select` event runs (it does for moves by program too): what a page shows is best computed there, when it is
    looked at.
    """

    demo: gr.Blocks
    asked: gr.State  # Asked | None
    chosen: gr.State  # id of the chosen match | None
    weights: gr.State  # level -> weight as set by the visitor | None for the learned ones
    session: gr.State  # SessionGallery | None: has `retriever`, `chosen` (bool, set on the search page) and `close()`
    arrived: gr.State  # dict[str, str]: the parameters of the address that the visitor came with
    tabs: gr.Tabs  # ids: "search", "explain", "compare", "what-if", "errors", "my-gallery", "classroom", "about"
    tab: dict[str, gr.Tab]  # the page's own tab by id, filled before its `build` is called
    links: dict[str, gr.Textbox]  # by tab id: put `links.to_query(...)` of what is shown there, the address bar follows
    opened: Dependency | None = (
        None  # the address has been read: `shared.opened.then(handler, [shared.arrived, ...], ...)`
    )


def plain_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Whatever goes wrong becomes a plain message on the page (and for clients) in place of a traceback. Generators too."""
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def steps(*args: Any, **kwargs: Any) -> Any:
            try:
                yield from function(*args, **kwargs)
            except Exception as error:
                raise as_error(error) from None

        return steps

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise as_error(error) from None

    return wrapped
