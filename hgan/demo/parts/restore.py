"""Opens a state again: from the parameters of a link, or of a saved case."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace

import gradio as gr

from ...io.images import open_image
from ...retrieval.retriever import Retriever
from ...visualize.pictures import read_picture, shrink_picture
from .context import UPLOADED, Asked

_PREFIX = "data:image/webp;base64,"


def asked_in(parameters: Mapping[str, str], retriever: Retriever) -> Asked | None:
    """The question of a state, encoded; None where it has none.

    Args:
        parameters: q, a sentence; or picture, the id of a gallery picture; or image, a data address of a picture, in cases only.

    Raises:
        ValueError: an empty sentence, an id that is not in the gallery, a picture that cannot be read.
    """
    if parameters.get("q"):
        return Asked(retriever.encode(text=parameters["q"]), None)
    if parameters.get("image"):
        data = _picture_data(parameters["image"])
        gr.Info(
            "The picture of this case was saved in a smaller size, so numbers may differ slightly from the saved ones."
        )
        image = open_image(data)
        return Asked(retriever.encode(image=image), shrink_picture(image))
    if parameters.get("picture") == UPLOADED:
        gr.Info(
            "This link is for an uploaded picture, and links do not contain pictures: upload it again, or open a saved case."
        )
        return None
    if parameters.get("picture"):
        id_ = parameters["picture"]
        data = retriever.gallery.read_thumbnail(retriever.row(id_))
        query = replace(retriever.encode(image=data), label={"image": id_})
        return Asked(query, read_picture(data), id_)
    return None


def _picture_data(address: str) -> bytes:
    try:
        return base64.b64decode(address.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("got a case with a damaged picture, but expected a case saved by this app") from None
