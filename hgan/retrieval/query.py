"""A sentence or a picture as the model's graph of it: encoded once, asked often."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..encoding import Encoder
from ..gallery.scorer import Graph
from ..io.pixels import Picture
from ..io.timing import Timer
from ..processing import Sentence
from ..types import Regions

ImageSource = Picture  # a file or its bytes, a PIL picture, an array, a tensor


@dataclass(frozen=True)
class Query:
    """An encoded query."""

    label: dict[str, Any]  # {"text": ...} or {"image": name}
    graph: Graph  # a batch of one
    sentence: Sentence | None
    encode_ms: float
    notices: list[str]
    regions: Regions | None = None  # of a picture, a batch of one: its graph can be made again without some of them


def encode_query(encoder: Encoder, text: str | None, image: ImageSource | None) -> Query:
    """Encodes a sentence or a picture.

    Raises:
        ValueError: neither or both are given, an empty sentence, or a picture that cannot be read.
    """
    if (text is None) == (image is None):
        raise ValueError(
            f"got {'neither' if text is None else 'both'} a sentence and a picture, but expected one of them"
        )
    timer = Timer()
    if text is not None:
        sentence = encoder.processor.read(text)
        graph = encoder.texts([text])
        return Query(
            {"text": sentence.text}, graph, sentence, timer.lap(), [sentence.notice] if sentence.notice else []
        )
    assert image is not None
    name = Path(image).name if isinstance(image, str | Path) else "picture"
    regions, picture = encoder.picture(image)
    return Query({"image": name}, picture, None, timer.lap(), [], regions)
