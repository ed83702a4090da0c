"""Numbers only: one pair's score as a sum of terms by level, word, region and edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..encoding import Encoder
from ..gallery.scorer import Scorer
from ..gallery.store import Gallery
from ..io.timing import Timer
from ..model.similarity import SimilarityParameters, pair_terms, similarity
from ..processing import Sentence
from ..types import KINDS, LEVELS, OBJECT, ImageGraph, TextGraph
from .ids import caption_row, picture_row
from .query import Query
from .results import Explanation, NodeTerms

_CELLS_3X3 = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")


def explain_match(
    encoder: Encoder,
    gallery: Gallery,
    id: str,
    query: Query,
    captions: Scorer | None,
    parameters: SimilarityParameters,
) -> Explanation:
    """Why a picture of a gallery and a sentence match, by the gallery's stored graphs.

    Args:
        id: as in `hgan.retrieval.retriever.Retriever.explain`.
        captions: of the gallery, for a picture query.

    Raises:
        ValueError: an id that is not in the gallery, or of a picture without captions where one is needed.
    """
    timer, picture, text = Timer(), query.graph, query.graph
    if query.sentence is not None:
        row, sentence = picture_row(gallery, id), query.sentence
        id, picture = gallery.items[row].id, gallery.images.rows([row])
    else:
        assert captions is not None
        assert isinstance(picture, ImageGraph)
        caption = caption_row(gallery, id, picture, captions, parameters)
        id, row = gallery.caption_id(caption), gallery.caption_keys[caption].row
        text, sentence = captions.graphs.rows([caption]), encoder.processor.read(gallery.caption_text(caption))
    assert isinstance(picture, ImageGraph)
    assert isinstance(text, TextGraph)
    numbers = explain_pair(picture, text, sentence, encoder.model.config.labels, parameters)
    return Explanation(
        query=query.label,
        gallery=gallery.name,
        id=id,
        image=gallery.items[row].image,
        caption=sentence.text,
        timing_ms={"encode": query.encode_ms, "explain": timer.lap()},
        notices=query.notices,
        **numbers,
    )


def explain_pair(
    image: ImageGraph, text: TextGraph, sentence: Sentence, labels: Sequence[str], parameters: SimilarityParameters
) -> dict[str, Any]:
    """The numeric fields of an `Explanation` for the first picture and the first sentence of two graphs.

    Args:
        image, text: batches of one, without padding: a masked node is one that was switched off, listed with zeros.
        sentence: the words that the text graph's nodes stand for.
        labels: display labels of the model.
    """
    scored = similarity(image, text, parameters)
    terms = pair_terms(image, text, parameters)
    score = scored.score.item()
    levels = {name: scored.levels[name].item() for name in LEVELS}
    local = terms.local_words + terms.local_regions  # (W, R)
    listed = terms.global_level + local.sum() + terms.cross_regions.sum() + terms.cross_words.sum()

    of_words, of_regions = text.mask[0], image.mask[0]
    local, cosines = _placed(local, of_words, of_regions), _placed(terms.cosines, of_words, of_regions)
    cross_words, cross_regions = _placed(terms.cross_words, of_words), _placed(terms.cross_regions, of_regions)
    word_weights, region_weights = text.weights[0].tolist(), image.weights[0].tolist()
    words = [
        NodeTerms(n, word, word_weights[n], local[n].sum().item(), cross_words[n].item(), span=span)
        for n, (word, span) in enumerate(zip(sentence.words, sentence.spans, strict=True))
    ]
    boxes, kinds, scores = image.boxes[0].tolist(), image.kinds[0].tolist(), image.scores[0].tolist()
    regions = [
        NodeTerms(
            n,
            name,
            region_weights[n],
            local[:, n].sum().item(),
            cross_regions[n].item(),
            box=tuple(boxes[n]),
            kind=KINDS[kinds[n]],
            score=scores[n],
        )
        for n, name in enumerate(region_names(image, labels))
    ]
    return {
        "score": score,
        "levels": levels,
        "level_weights": scored.weights,
        "contributions": {name: scored.weights[name] * levels[name] for name in LEVELS},
        "words": words,
        "regions": regions,
        "alignment": cosines.tolist(),
        "local_terms": local.tolist(),
        "image_edges": _edges(image).tolist(),
        "text_edges": _edges(text).tolist(),
        "check": {"sum_error": abs(listed.item() - score)},
    }


def region_names(image: ImageGraph, labels: Sequence[str]) -> list[str]:
    """Display names of the regions of the first picture: "dog", "dog 2", "context top left"."""
    names: list[str] = []
    cells = 0
    grid = round((image.kinds[0] != OBJECT).sum().item() ** 0.5)
    for kind, label in zip(image.kinds[0].tolist(), image.labels[0].tolist(), strict=True):
        if kind == OBJECT:
            base = labels[label] if 0 <= label < len(labels) else "region"
            seen = sum(1 for name in names if name == base or name.rsplit(" ", 1)[0] == base)
            names.append(base if seen == 0 else f"{base} {seen + 1}")
        else:
            names.append(
                f"context {_CELLS_3X3[cells]}" if grid == 3 else f"context {cells // grid + 1}, {cells % grid + 1}"
            )
            cells += 1
    return names


def _placed(values: Tensor, *masks: Tensor) -> Tensor:
    """Values of the real nodes at their places among all nodes, zeros elsewhere."""
    placed = values.new_zeros([len(mask) for mask in masks])
    placed[torch.meshgrid(*[mask.nonzero()[:, 0] for mask in masks], indexing="ij")] = values
    return placed


def _edges(graph: ImageGraph | TextGraph) -> Tensor:
    """Edges between real nodes; zero at the nodes that are not."""
    real = torch.nn.functional.pad(graph.mask[0], (1, 0), value=True)
    return graph.edges[0] * (real[:, None] & real)
