"""Upload components that read nothing but what was uploaded."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component
from gradio.data_classes import FileData, ImageData

from ..serving.uploading import UPLOADS

C = TypeVar("C", bound=Component)


def guarded_path(payload: FileData | ImageData | None, cache: str) -> str | None:
    """The path of an uploaded file.

    gradio keeps requests away from the server's own files only where they mark a file as one, so the path is checked here.

    Args:
        cache: the component's GRADIO_CACHE, where uploads and examples lie.

    Raises:
        gradio.Error: the path is not inside the cache, or the file came inline as a data: address.
    """
    if payload is None:
        return None
    path = Path(payload.path or "").resolve()
    if not path.is_relative_to(Path(cache).resolve()) or (payload.url or "").startswith("data:"):
        raise gr.Error("got a file that was not uploaded, but expected an uploaded file", print_exception=False)
    return str(path)


def fetches_nothing(component: C) -> C:
    """A component that refuses addresses, changed in place (see `guarded`). gradio would download a file whose path is an
    http address, before `preprocess` sees it."""
    keep = component.async_move_resource_to_block_cache

    async def move(url_or_file_path: str | Path | None) -> str | None:
        if "://" in str(url_or_file_path):
            raise gr.Error("got an address, but expected an uploaded file", print_exception=False)
        if url_or_file_path is not None and UPLOADS.folder_of(url_or_file_path) is not None:
            return str(
                url_or_file_path
            )  # gradio would copy it to where its content says, for everybody with the same file
        return await keep(url_or_file_path)

    vars(component)["async_move_resource_to_block_cache"] = move
    return component


def plain_types(component: C) -> C:
    """A component that says in plain words when a request brings something else than it takes, changed in place."""
    model: Any = component.data_model

    def model_validate(value: Any, **options: Any) -> Any:
        try:
            return model.model_validate(value, **options)
        except ValueError:
            raise gr.Error(
                "got something other than an uploaded file, but expected one", print_exception=False
            ) from None

    vars(component)["data_model"] = type(model.__name__, (model,), {"model_validate": staticmethod(model_validate)})
    return component


def guarded(component: C) -> C:
    """A component for one file that hands over the uploaded file's path, by `guarded_path`, and fetches nothing itself.

    The component is changed in place: for a subclass gradio would write a stub file beside the source.
    """
    vars(component)["preprocess"] = functools.partial(guarded_path, cache=component.GRADIO_CACHE)
    return plain_types(fetches_nothing(component))


def picture_input(**options: Any) -> gr.Image:
    """Hands over the uploaded file as it is: the retriever decodes it, and says so when it is no picture."""
    return guarded(gr.Image(**{"type": "filepath", "image_mode": None, "sources": ["upload", "clipboard"], **options}))
