"""A sentence or a picture as the model's graph of it: encoded once, asked often."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..encoding import encode_texts
from ..gallery.scorer import Graph
from ..io.pixels import Picture, as_picture
from ..model.hgan import HGANModel
from ..processing import HGANProcessor, Sentence
from ..types import Regions
from .perturb import image_graph, regions_of

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


def encode_query(model: HGANModel, processor: HGANProcessor, text: str | None, image: ImageSource | None) -> Query:
    """Encodes a sentence or a picture.

    Raises:
        ValueError: neither or both are given, an empty sentence, or a picture that cannot be read.
    """
    if (text is None) == (image is None):
        raise ValueError(
            f"got {'neither' if text is None else 'both'} a sentence and a picture, but expected one of them"
        )
    start = time.perf_counter()
    if text is not None:
        sentence = processor.read(text)
        graph = encode_texts(model, processor, [text])
        return Query(
            {"text": sentence.text}, graph, sentence, _since(start), [sentence.notice] if sentence.notice else []
        )
    assert image is not None
    picture = as_picture(image)
    name = Path(image).name if isinstance(image, str | Path) else "picture"
    regions = regions_of(model, picture)
    return Query({"image": name}, image_graph(model, regions), None, _since(start), [], regions)


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
