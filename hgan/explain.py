"""Numbers only: one pair's score as a sum of terms by level, word, region and edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from .model.similarity import SimilarityParameters, pair_terms, similarity
from .processing import Sentence
from .types import KINDS, LEVELS, OBJECT, ImageGraph, NodeTerms, TextGraph

_CELLS_3X3 = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")


def explain_pair(
    image: ImageGraph, text: TextGraph, sentence: Sentence, labels: Sequence[str], parameters: SimilarityParameters
) -> dict[str, Any]:
    """The numeric fields of an `Explanation` for the first picture and the first sentence of two graphs.

    Args:
        image, text: batches of one.
        sentence: the words that the text graph's nodes stand for.
        labels: display labels of the model.
    """
    scored = similarity(image, text, parameters)
    terms = pair_terms(image, text, parameters)
    score = scored.score.item()
    levels = {name: scored.levels[name].item() for name in LEVELS}
    local = terms.local_words + terms.local_regions  # (W, R)
    listed = terms.global_level + local.sum() + terms.cross_regions.sum() + terms.cross_words.sum()

    word_weights = text.weights[0][text.mask[0]].tolist()
    words = [
        NodeTerms(n, word, word_weights[n], local[n].sum().item(), terms.cross_words[n].item(), span=span)
        for n, (word, span) in enumerate(zip(sentence.words, sentence.spans, strict=True))
    ]
    names = region_names(image, labels)
    real = image.mask[0]
    boxes, kinds, scores = image.boxes[0][real].tolist(), image.kinds[0][real].tolist(), image.scores[0][real].tolist()
    region_weights = image.weights[0][real].tolist()
    regions = [
        NodeTerms(
            n,
            names[n],
            region_weights[n],
            local[:, n].sum().item(),
            terms.cross_regions[n].item(),
            box=tuple(boxes[n]),
            kind=KINDS[kinds[n]],
            score=scores[n],
        )
        for n in range(len(names))
    ]
    return {
        "score": score,
        "levels": levels,
        "level_weights": scored.weights,
        "contributions": {name: scored.weights[name] * levels[name] for name in LEVELS},
        "words": words,
        "regions": regions,
        "alignment": terms.cosines.tolist(),
        "local_terms": local.tolist(),
        "image_edges": _real_edges(image).tolist(),
        "text_edges": _real_edges(text).tolist(),
        "check": {"sum_error": abs(listed.item() - score)},
    }


def region_names(image: ImageGraph, labels: Sequence[str]) -> list[str]:
    """Display names of the real regions of the first picture: "dog", "dog 2", "context top left"."""
    names: list[str] = []
    cells = 0
    grid = round(((image.kinds[0] != OBJECT) & image.mask[0]).sum().item() ** 0.5)
    for kind, label, real in zip(
        image.kinds[0].tolist(), image.labels[0].tolist(), image.mask[0].tolist(), strict=True
    ):
        if not real:
            continue
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


def _real_edges(graph: ImageGraph | TextGraph) -> Tensor:
    real = graph.mask.new_ones(graph.mask.shape[1] + 1)
    real[1:] = graph.mask[0]
    return graph.edges[0][real][:, real]
