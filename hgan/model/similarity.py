"""Three-level similarity as pure functions over whole (images x texts) blocks (docs/architecture.md, section 5).

The soft maximum of cosines c at temperature t is sum(softmax(c / t) * c): unlike log-sum-exp it is a sum of terms,
so every level is a sum of
terms that `pair_terms` lists, and those add up to the score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from ..types import LEVELS, ImageGraph, Similarity, TextGraph

G = TypeVar("G", ImageGraph, TextGraph)

LN2 = math.log(2)  # exponentials are powers of 2 here: on a CPU, torch.exp2 takes an eighth of the time of torch.exp
MIN_TEMPERATURE = 0.02  # exp(1 / 0.02) still fits in float32, so no maximum has to be taken out first
NOTHING = 1e-30  # below exp(-1 / 0.02): only a row without real nodes falls under it


@dataclass(frozen=True)
class SimilarityParameters:
    """The learned scalars of the similarity; everything else is in the graphs.

    Attributes:
        temperature: of every soft maximum, at least MIN_TEMPERATURE.
        level_weights: in the order of LEVELS, sum to 1.
    """

    temperature: Float[Tensor, ""]
    level_weights: Float[Tensor, 3]

    def to(self, *args: Any, **kwargs: Any) -> SimilarityParameters:
        """`Tensor.to` on every field that has it."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(
            self, **{name: value.to(*args, **kwargs) for name, value in held.items() if hasattr(value, "to")}
        )

    def weighted(self, weights: Mapping[str, float]) -> SimilarityParameters:
        """The same with other level weights, as `scaled_weights` takes them."""
        return replace(self, level_weights=scaled_weights(weights))


@dataclass(frozen=True)
class PairTerms:
    """Every term of one pair's score, level weights included: the sum of all of them is the score."""

    global_level: Float[Tensor, ""]
    local_words: Float[Tensor, "words regions"]  # words look for regions
    local_regions: Float[Tensor, "words regions"]  # regions look for words
    cross_regions: Float[Tensor, regions]  # the sentence looks for regions
    cross_words: Float[Tensor, words]  # the picture looks for words
    cosines: Float[Tensor, "words regions"]  # not a term: the alignment itself


def soft_maximum(cosines: Tensor, mask: Tensor, temperature: Tensor, dim: int) -> Tensor:
    """Softmax-weighted mean over the nodes that `mask` keeps; 0 where it keeps none."""
    weights = (cosines / (LN2 * temperature)).exp2() * mask
    return (weights * cosines).sum(dim) / weights.sum(dim).clamp(min=NOTHING)


def local_level(image: ImageGraph, text: TextGraph, temperature: Float[Tensor, ""]) -> Float[Tensor, "images texts"]:
    """Words against regions and regions against words, weighted by the learned node weights, averaged.

    One exponential serves both directions: they share the temperature.
    """
    images, regions, dim = image.nodes.shape
    texts, words, _ = text.nodes.shape
    cosines = (image.nodes.reshape(-1, dim) @ text.nodes.reshape(-1, dim).T).view(images, regions, texts, words)
    weights = (cosines / (LN2 * temperature)).exp2()
    if not image.mask.all():
        weights = weights * image.mask[:, :, None, None]
    if not text.mask.all():
        weights = weights * text.mask
    terms = weights * cosines
    for_words = terms.sum(1) / weights.sum(1).clamp(min=NOTHING)  # (I, T, W)
    for_regions = terms.sum(3) / weights.sum(3).clamp(min=NOTHING)  # (I, R, T)
    by_words = (for_words * text.weights).sum(-1)
    by_regions = (for_regions * image.weights[:, :, None]).sum(1)
    return (by_words + by_regions) / 2


def cross_level(image: ImageGraph, text: TextGraph, temperature: Float[Tensor, ""]) -> Float[Tensor, "images texts"]:
    """The text's global node against regions and the image's global node against words, averaged."""
    dim = image.nodes.shape[-1]
    to_regions = (image.nodes.reshape(-1, dim) @ text.global_node.T).view(
        *image.nodes.shape[:2], len(text)
    )  # (I, R, T)
    to_words = (image.global_node @ text.nodes.reshape(-1, dim).T).view(-1, *text.nodes.shape[:2])  # (I, T, W)
    by_regions = soft_maximum(to_regions, image.mask[:, :, None], temperature, 1)
    by_words = soft_maximum(to_words, text.mask, temperature, 2)
    return (by_regions + by_words) / 2


def scaled_weights(weights: Mapping[str, float]) -> Float[Tensor, 3]:
    """Weights of the levels by name, scaled to sum to 1; a level that is not named has 0.

    Raises:
        ValueError: other names, anything but finite numbers of 0 or more, or nothing above 0.
    """
    numbers = _numbers(weights)
    if numbers is None or max(numbers) <= 0:
        try:
            shown = str(dict(weights) if isinstance(weights, Mapping) else weights)[:200]
        except ValueError:  # Python writes no whole number of more than 4,300 digits
            shown = "with a number of thousands of digits"
        raise ValueError(
            f"got level weights {shown}, but expected numbers of 0 or more for {', '.join(LEVELS)}, not all 0"
        )
    # By the largest first: 3e38 and 3e38 have no sum in single precision, 1e308 and 1e308 in none.
    most = max(numbers)
    shares = torch.tensor([number / most for number in numbers], dtype=torch.float64)
    return (shares / shares.sum()).float()


def _numbers(weights: Mapping[str, float]) -> list[float] | None:
    if not isinstance(weights, Mapping) or any(name not in LEVELS for name in weights):
        return None
    values = [weights.get(name, 0.0) for name in LEVELS]
    if any(isinstance(value, bool | str | bytes) for value in values):
        return None
    try:
        numbers = [abs(float(value)) if value == 0 else float(value) for value in values]  # -0.0 is 0
    except (TypeError, ValueError, OverflowError, RuntimeError):  # no number; a whole number of 400 digits
        return None
    return numbers if all(math.isfinite(number) and number >= 0 for number in numbers) else None


def weighted_sum(levels: Mapping[str, Tensor], weights: Iterable[float | Tensor]) -> Tensor:
    """The score of levels: the sum of weight * level.

    Args:
        levels: tensors of one shape, by the names of LEVELS.
        weights: in the order of LEVELS.
    """
    total = sum(weight * levels[name] for name, weight in zip(LEVELS, weights, strict=True))
    assert isinstance(total, Tensor)
    return total


def scored(levels: dict[str, Float[Tensor, "images texts"]], parameters: SimilarityParameters) -> Similarity:
    """Levels with their weighted sum."""
    weights = dict(zip(LEVELS, parameters.level_weights.tolist(), strict=True))
    return Similarity(weighted_sum(levels, parameters.level_weights), levels, weights)


def similarity(image: ImageGraph, text: TextGraph, parameters: SimilarityParameters) -> Similarity:
    """All three levels and their weighted sum for a block of images and texts."""
    levels = {
        "global": image.global_node @ text.global_node.T,
        "local": local_level(image, text, parameters.temperature),
        "cross": cross_level(image, text, parameters.temperature),
    }
    return scored(levels, parameters)


def join_columns(blocks: list[Similarity]) -> Similarity:
    """Blocks of the same images and different texts, side by side."""
    levels = {name: torch.cat([block.levels[name] for block in blocks], 1) for name in LEVELS}
    return Similarity(torch.cat([block.score for block in blocks], 1), levels, blocks[0].weights)


def pair_terms(image: ImageGraph, text: TextGraph, parameters: SimilarityParameters) -> PairTerms:
    """The terms of the first image and the first text of two graphs, over their real nodes only.

    Returns:
        Terms of the real nodes, in their order; padding is left out.
    """
    regions, words = image.nodes[0][image.mask[0]], text.nodes[0][text.mask[0]]
    region_weights, word_weights = image.weights[0][image.mask[0]], text.weights[0][text.mask[0]]
    t = parameters.temperature
    weight = dict(zip(LEVELS, parameters.level_weights, strict=True))
    cosines = words @ regions.T  # (W, R)
    to_regions, to_words = regions @ text.global_node[0], words @ image.global_node[0]
    half_local, half_cross = weight["local"] / 2, weight["cross"] / 2
    return PairTerms(
        global_level=weight["global"] * (image.global_node[0] @ text.global_node[0]),
        local_words=half_local * word_weights[:, None] * (cosines / t).softmax(1) * cosines,
        local_regions=half_local * region_weights * (cosines / t).softmax(0) * cosines,
        cross_regions=half_cross * (to_regions / t).softmax(0) * to_regions,
        cross_words=half_cross * (to_words / t).softmax(0) * to_words,
        cosines=cosines,
    )


@torch.no_grad()
def score_table(
    image: ImageGraph,
    text: TextGraph,
    parameters: SimilarityParameters,
    images_per_block: int = 16,
    texts_per_block: int = 256,
) -> Similarity:
    """`similarity` over any number of images and texts, in blocks that stay in the processor's cache.

    Rows and columns are sorted by their node counts first, so that blocks carry little padding; the result is in the
    order given.
    """
    if len(image) <= images_per_block and len(text) <= texts_per_block:  # nothing to sort, and nothing is copied
        return similarity(trim(image), trim(text), parameters)
    image_order, text_order = image.mask.sum(1).argsort(), text.mask.sum(1).argsort()
    device = image.nodes.device
    table = {name: torch.empty(len(image), len(text), device=device) for name in LEVELS}
    for columns in text_order.split(texts_per_block):
        text_block = trim(text[columns])
        for rows in image_order.split(images_per_block):
            block = similarity(trim(image[rows]), text_block, parameters)
            for name in LEVELS:
                table[name][rows[:, None], columns] = block.levels[name]
    return scored(table, parameters)


def trim(graph: G) -> G:
    """Cuts node columns that are padding in every row. Only what the similarity reads is cut; edges stay as they
    are."""
    most = max(1, int(graph.mask.any(0).nonzero().max()) + 1) if graph.mask.any() else 1
    return replace(graph, nodes=graph.nodes[:, :most], mask=graph.mask[:, :most], weights=graph.weights[:, :most])
