"""Which row of a gallery an id stands for."""

from __future__ import annotations

from ..gallery.scorer import Scorer
from ..gallery.store import Gallery
from ..model.similarity import SimilarityParameters
from ..types import ImageGraph


def picture_row(gallery: Gallery, id: str) -> int:
    """The row of the picture of a picture's or a caption's id.

    Raises:
        ValueError: no such id.
    """
    found = gallery.row_of.get(id)
    if found is None and id in gallery.caption_row_of:
        found = gallery.caption_keys[gallery.caption_row_of[id]].row
    if found is None:
        example = gallery.items[0].id
        raise ValueError(f"got id {id!r}, which is not in gallery {gallery.name}, but expected one such as {example!r}")
    return found


def caption_row(
    gallery: Gallery, id: str, picture: ImageGraph, captions: Scorer, parameters: SimilarityParameters
) -> int:
    """The row of the caption of that id; of a picture's id, its caption that the queried picture scores best with.

    Args:
        picture: that is queried, a batch of one.
        captions: of the gallery.

    Raises:
        ValueError: no such id, or a picture without captions.
    """
    if id in gallery.caption_row_of:
        return gallery.caption_row_of[id]
    row = picture_row(gallery, id)
    own = [n for n, key in enumerate(gallery.caption_keys) if key.row == row]
    if not own:
        raise ValueError(
            f"picture {id!r} has no caption to compare with, but expected the id of a picture with captions"
        )
    return own[int(captions.score(picture, parameters, own)[0].score.argmax())]
