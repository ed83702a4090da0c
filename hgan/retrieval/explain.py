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
from ..model.edge_terms import EdgeTerms as PairEdges
from ..model.similarity import SimilarityParameters, pair_terms, similarity
from ..processing import Sentence
from ..types import KINDS, LEVELS, OBJECT, ImageGraph, TextGraph
from .ids import caption_row, picture_row
from .query import Query
from .results import EdgeTerms, Explanation, NodeTerms, ThingPair

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

    count = len(sentence.words)
    nodes, of_regions = places_of(text), image.mask[0]
    of_words = torch.zeros(count, dtype=torch.bool)
    of_words[nodes[text.mask[0]]] = True
    local = _placed(terms.local_words + terms.local_regions, of_words, of_regions)  # (W, R)
    cells = _placed(terms.cross_cells, of_words, of_regions)
    cosines = _placed(terms.cosines, of_words, of_regions)
    cross_words, cross_regions = _placed(terms.cross_words, of_words), _placed(terms.cross_regions, of_regions)
    cross_words = cross_words + cells.sum(1)
    word_weights = _placed(text.weights[0][text.mask[0]], of_words).tolist()
    words = [
        NodeTerms(
            n,
            word,
            word_weights[n],
            local[n].sum().item(),
            cross_words[n].item(),
            span=span,
            kind="function" if sentence.node_of(n) is None else None,
        )
        for n, (word, span) in enumerate(zip(sentence.words, sentence.spans, strict=True))
    ]
    return {
        "score": score,
        "levels": levels,
        "level_weights": scored.weights,
        "contributions": {name: scored.weights[name] * levels[name] for name in LEVELS},
        "words": words,
        "regions": _regions(image, labels, local.sum(0).tolist(), cross_regions.tolist()),
        "alignment": cosines.tolist(),
        "local_terms": local.tolist(),
        "image_edges": _edges(image).tolist(),
        "text_edges": _edges_of_words(text, count).tolist(),
        "check": {"sum_error": abs(terms.total.item() - score)},
        "edges": _edge_terms(terms.edges, text, image, sentence),
        "edge_share": 0.0 if parameters.edges is None else parameters.edges.share * _weight_of_edges(text),
        "cross_terms": cells.tolist() if parameters.levels_apart else [],
    }


def _regions(
    image: ImageGraph, labels: Sequence[str], local: Sequence[float], cross: Sequence[float]
) -> list[NodeTerms]:
    """The regions of the first picture with their terms.

    Args:
        local, cross: what each region contributes to these levels.
    """
    boxes, kinds, scores = image.boxes[0].tolist(), image.kinds[0].tolist(), image.scores[0].tolist()
    weights = image.weights[0].tolist()
    return [
        NodeTerms(n, name, weights[n], local[n], cross[n], box=tuple(boxes[n]), kind=KINDS[kinds[n]], score=scores[n])
        for n, name in enumerate(region_names(image, labels))
    ]


def places_of(text: TextGraph) -> Tensor:
    """Which word of the first sentence each of its nodes is."""
    return torch.arange(text.mask.shape[1]) if text.words is None else text.words[0]


def _weight_of_edges(text: TextGraph) -> float:
    return 0.0 if text.relations is None else text.relations.weight[0].sum().item()


def _edge_terms(terms: PairEdges, text: TextGraph, image: ImageGraph, sentence: Sentence) -> list[EdgeTerms]:
    """The edges of the sentence with what every pair of things contributes, the largest first."""
    if text.relations is None:
        return []
    found, own, places = [], text.relations, places_of(text).tolist()
    regions = image.mask[0].nonzero()[:, 0].tolist()
    parts = torch.stack([terms.subjects, terms.objects, terms.fit], -1).tolist()  # E x R x R x 3
    for e in own.mask[0].nonzero()[:, 0].tolist():
        first, second = places[own.first[0, e]], places[own.second[0, e]]
        pairs = [
            ThingPair(regions[a], regions[b], *values)
            for a, row in enumerate(parts[e])
            for b, values in enumerate(row)
            if any(values)
        ]
        reads = zip(own.read_words[0, e].tolist(), own.read_shares[0, e].tolist(), strict=True)
        found.append(
            EdgeTerms(
                first,
                second,
                f"{sentence.words[first]} - {sentence.words[second]}",
                [(word, share) for word, share in reads if share > 0],
                own.weight[0, e].item(),
                sorted(pairs, key=lambda pair: -pair.total),
            )
        )
    return sorted(found, key=lambda edge: -edge.total)


def region_names(image: ImageGraph, labels: Sequence[str]) -> list[str]:
    """Display names of the regions of the first picture: "dog", "dog 2", "context top left"."""
    names: list[str] = []
    cells = 0
    grid = round((image.kinds[0] != OBJECT).sum().item() ** 0.5)
    for kind, label in zip(image.kinds[0].tolist(), image.labels[0].tolist(), strict=True):
        if kind == OBJECT:
            base = labels[label] if 0 <= label < len(labels) else "object"
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


def _edges_of_words(text: TextGraph, count: int) -> Tensor:
    """Edges of the graph layer between words; zero at those that make no node."""
    edges = torch.zeros(count + 1, count + 1)
    places = torch.nn.functional.pad(places_of(text) + 1, (1, 0))
    real = torch.nn.functional.pad(text.mask[0], (1, 0), value=True)
    places = places[real]
    edges[places[:, None], places] = _edges(text)[real][:, real]
    return edges


def _edges(graph: ImageGraph | TextGraph) -> Tensor:
    """Edges between real nodes; zero at the nodes that are not."""
    real = torch.nn.functional.pad(graph.mask[0], (1, 0), value=True)
    return graph.edges[0] * (real[:, None] & real)
