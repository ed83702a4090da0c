"""Files that visitors upload, and nothing else."""

from __future__ import annotations

import functools
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from ..uploads.files import Upload
from .inputs import fetches_nothing, guarded_path, plain_types


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
