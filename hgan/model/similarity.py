"""Three-level similarity as pure functions over whole (images x texts) blocks (docs/architecture.md, section 5).

The soft maximum of cosines c at temperature t is sum(softmax(c / t) * c): unlike log-sum-exp it is a sum of terms,
so every level is a sum of
terms that `pair_terms` lists, and those add up to the score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from ..types import CONTEXT, LEVELS, ImageEdges, ImageGraph, Similarity, TextGraph
from .apart import levels_apart
from .edge_terms import EdgeTerms, edge_terms
from .edges import EdgeParameters, edge_level, edge_values, image_edges
from .nodes import things_of
from .soft_maximum import LN2, MIN_TEMPERATURE, NOTHING, soft_maximum

__all__ = [
    "LN2", "MIN_TEMPERATURE", "NOTHING", "PairTerms", "SimilarityParameters", "cross_level", "join_columns",
    "local_level", "pair_terms", "scaled_weights", "score_table", "similarity", "soft_maximum", "trim",
]  # fmt: skip

G = TypeVar("G", ImageGraph, TextGraph)


@dataclass(frozen=True)
class SimilarityParameters:
    """The learned scalars of the similarity; everything else is in the graphs.

    Attributes:
        temperature: of every soft maximum, at least MIN_TEMPERATURE.
        level_weights: in the order of LEVELS, sum to 1.
        edges: of the edge terms; None where nodes are compared alone.
        levels_apart: whether the local level reads things alone, and the cross level cells and the whole picture.
    """

    temperature: Float[Tensor, ""]
    level_weights: Float[Tensor, 3]
    edges: EdgeParameters | None = None
    levels_apart: bool = False

    def to(self, device: torch.device | str) -> SimilarityParameters:
        """The same numbers on a device."""
        edges = self.edges and self.edges.to(device)
        return replace(
            self, temperature=self.temperature.to(device), level_weights=self.level_weights.to(device), edges=edges
        )

    def frozen(self) -> SimilarityParameters:
        """The same numbers on the CPU, apart from the model: later training does not change them."""
        apart = replace(self, temperature=self.temperature.detach(), level_weights=self.level_weights.detach())
        return apart.to("cpu")

    def weighted(self, weights: Mapping[str, float]) -> SimilarityParameters:
        """The same with other level weights, as `scaled_weights` takes them."""
        return replace(self, level_weights=scaled_weights(weights))


@dataclass(frozen=True)
class PairTerms:
    """Every term of one pair's score, level weights included: the sum of all of them is the score."""

    global_level: Float[Tensor, ""]
    local_words: Float[Tensor, "words regions"]  # words look for regions
    local_regions: Float[Tensor, "words regions"]  # regions look for words
    edges: EdgeTerms  # pairs of words look for pairs of things
    cross_regions: Float[Tensor, regions]  # the sentence looks for regions
    cross_words: Float[Tensor, words]  # the picture looks for words
    cross_cells: Float[Tensor, "words regions"]  # words look for cells, where levels read different things
    cosines: Float[Tensor, "words regions"]  # not a term: the alignment itself

    @property
    def total(self) -> Float[Tensor, ""]:
        """The sum of all terms, in double precision."""
        nodes = (self.local_words, self.local_regions, self.edges.subjects, self.edges.objects, self.edges.fit)
        cross = (self.cross_regions, self.cross_words, self.cross_cells)
        return torch.stack([part.double().sum() for part in (self.global_level, *nodes, *cross)]).sum()


def node_cosines(image: ImageGraph, text: TextGraph) -> Float[Tensor, "images regions texts words"]:
    """Of all regions with all words."""
    images, regions, dim = image.nodes.shape
    texts, words, _ = text.nodes.shape
    return (image.nodes.reshape(-1, dim) @ text.nodes.reshape(-1, dim).T).view(images, regions, texts, words)


def local_level(
    image: ImageGraph,
    text: TextGraph,
    temperature: Float[Tensor, ""],
    cosines: Float[Tensor, "images regions texts words"] | None = None,
) -> Float[Tensor, "images texts"]:
    """Words against regions and regions against words, weighted by the learned node weights, averaged.

    One exponential serves both directions: they share the temperature.

    Args:
        cosines: of all nodes, where they are known already.
    """
    cosines = node_cosines(image, text) if cosines is None else cosines
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


def similarity(
    image: ImageGraph, text: TextGraph, parameters: SimilarityParameters, pairs: ImageEdges | None = None
) -> Similarity:
    """All three levels and their weighted sum for a block of images and texts.

    Args:
        pairs: the pictures' edges, where they are known already.
    """
    t = parameters.temperature
    cosines = node_cosines(image, text)
    if parameters.levels_apart:
        local, cross = levels_apart(image, text, t, cosines)
    else:
        local, cross = local_level(image, text, t, cosines), cross_level(image, text, t)
    if parameters.edges is not None and text.relations is not None:
        pairs = image_edges(image, parameters.edges) if pairs is None else pairs
        values = edge_values(cosines, pairs, text.relations, parameters.edges.temperature)
        contributed, kept = edge_level(values, text.relations, parameters.edges.share)
        local = kept * local + contributed
    return scored({"global": image.global_node @ text.global_node.T, "local": local, "cross": cross}, parameters)


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
    edges, kept = edge_terms(image, text, parameters.edges, weight["local"])
    half_local, half_cross = kept * weight["local"] / 2, weight["cross"] / 2
    local, cross, cross_words = cosines / t, to_regions / t, (to_words / t).softmax(0) * to_words
    cross_cells = torch.zeros_like(cosines)
    if parameters.levels_apart:
        assert text.cross_weights is not None
        kinds = image.kinds[0][image.mask[0]]
        cells = kinds == CONTEXT
        things = things_of(kinds, torch.ones_like(cells))
        local, region_weights = local.masked_fill(~things, -math.inf), region_weights * things
        cross = cross.masked_fill(~cells, -math.inf)
        both = torch.cat([(cosines / t).masked_fill(~cells, -math.inf), to_words[:, None] / t], 1).softmax(1)
        own = text.cross_weights[0][text.mask[0]][:, None]
        cross_cells, cross_words = own * both[:, :-1] * cosines, own[:, 0] * both[:, -1] * to_words
    return PairTerms(
        global_level=weight["global"] * (image.global_node[0] @ text.global_node[0]),
        local_words=half_local * word_weights[:, None] * local.softmax(1).nan_to_num() * cosines,
        local_regions=half_local * region_weights * (cosines / t).softmax(0) * cosines,
        edges=edges,
        cross_regions=half_cross * cross.softmax(0).nan_to_num() * to_regions,
        cross_words=half_cross * cross_words,
        cross_cells=half_cross * cross_cells,
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
    pairs: list[ImageEdges | None] = [None] * len(image_order.split(images_per_block))
    for columns in text_order.split(texts_per_block):
        text_block = trim(text[columns])
        for n, rows in enumerate(image_order.split(images_per_block)):
            image_block = trim(image[rows])
            if parameters.edges is not None and pairs[n] is None:
                pairs[n] = image_edges(image_block, parameters.edges).trimmed()
            block = similarity(image_block, text_block, parameters, pairs[n])
            for name in LEVELS:
                table[name][rows[:, None], columns] = block.levels[name]
    return scored(table, parameters)


def trim(graph: G) -> G:
    """Cuts node columns that are padding in every row. Only what the similarity reads is cut; edges stay as they
    are."""
    most = max(1, int(graph.mask.any(0).nonzero().max()) + 1) if graph.mask.any() else 1
    read = ("nodes", "mask", "weights", "boxes", "kinds", "scores", "cross_weights")
    cut = {name: value[:, :most] for name in read if (value := getattr(graph, name, None)) is not None}
    return replace(graph, **cut)
