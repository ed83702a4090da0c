"""Measures what `calibration` judges by: best scores of own and of foreign queries in one gallery. Runs the model."""

from __future__ import annotations

from ..encoding import Encoder
from ..model.similarity import score_table
from ..types import ImageGraph, TextGraph
from . import foreign
from .calibration import PICTURES, SAMPLE, Calibration, sample
from .packed import RaggedGraphs
from .scorer import EXACT_LIMIT


def calibrate_sentences(encoder: Encoder, images: RaggedGraphs, captions: RaggedGraphs | None) -> Calibration:
    """Best scores of sentences among a gallery's pictures.

    Args:
        images: graphs of the gallery's pictures; of more than EXACT_LIMIT, an even sample stands for all.
        captions: graphs of captions of these pictures, of which an even sample is taken; None: there are none.
    """
    pictures = _some(images, EXACT_LIMIT)
    assert isinstance(pictures, ImageGraph)
    other = score_table(pictures, encoder.texts(foreign.SENTENCES), encoder.parameters).score.amax(0)
    own: list[float] = []
    if captions is not None:
        texts = _some(captions, SAMPLE)
        assert isinstance(texts, TextGraph)
        own = score_table(pictures, texts, encoder.parameters).score.amax(0).tolist()
    return Calibration.of(own, other.tolist())


def calibrate_pictures(encoder: Encoder, images: RaggedGraphs, captions: RaggedGraphs) -> Calibration:
    """Best scores of pictures among a gallery's captions."""
    texts, pictures = _some(captions, EXACT_LIMIT), _some(images, PICTURES)
    assert isinstance(texts, TextGraph)
    assert isinstance(pictures, ImageGraph)
    own = score_table(pictures, texts, encoder.parameters).score.amax(1)
    foreigners = encoder.images(foreign.pictures(encoder.model.config.image_size))
    other = score_table(foreigners, texts, encoder.parameters).score.amax(1)
    return Calibration.of(own.tolist(), other.tolist())


def _some(graphs: RaggedGraphs, most: int) -> ImageGraph | TextGraph:
    return graphs.rows(sample(len(graphs), most))
