"""Files that visitors upload, and nothing else."""

from __future__ import annotations

import functools
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component
from gradio.data_classes import FileData, ListFiles

from ..uploads.files import Upload
from .inputs import fetches_nothing, guarded_path

C = TypeVar("C", bound=Component)


def plain_types(component: C) -> C:
    """A component that says in plain words when a request brings something else than it takes, changed in place."""
    model: Any = component.data_model

    def model_validate(value: Any, **options: Any) -> Any:
        try:
            return model.model_validate(value, **options)
        except ValueError:
            raise gr.Error("got something that is no uploaded file, but expected one", print_exception=False) from None

    vars(component)["data_model"] = type(model.__name__, (model,), {"model_validate": staticmethod(model_validate)})
    return component


def files_input(**options: Any) -> gr.File:
    """Hands over several uploaded files as a list of `Upload`, each with the name that its owner gave it."""
    component = gr.File(file_count="multiple", **options)
    vars(component)["preprocess"] = functools.partial(uploaded, cache=component.GRADIO_CACHE)
    return plain_types(fetches_nothing(component))


def uploaded(payload: ListFiles | FileData | None, cache: str) -> list[Upload]:
    """What a `gr.File` got from outside, as files that were really uploaded.

    Raises:
        gradio.Error: one was not, or is no longer there.
    """
    files = [] if payload is None else payload.root if isinstance(payload, ListFiles) else [payload]
    uploads = []
    for file in files:
        path = Path(guarded_path(file, cache) or "")
        if not path.is_file():
            raise gr.Error("got a file that is no longer there: upload it again", print_exception=False)
        given = PurePosixPath((file.orig_name or "").replace("\\", "/")).name
        uploads.append(Upload(path, given or path.name))
    return uploads
