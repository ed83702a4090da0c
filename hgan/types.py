"""What the parts hand to each other. Frozen dataclasses with named fields; nothing here computes.

Records of tensors alone; what a person or a program gets for an answer stands in `hgan.retrieval.results`.

Letters: B batch, R regions, W words, N local nodes (R or W), D width of the shared space, K concepts.
Boxes are normalised XYXY in [0, 1] of the picture. Masks are boolean, True = a real node.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

LEVELS = ("global", "local", "cross")  # of the similarity, in the order of its weights
OBJECT, CONTEXT = 0, 1
KINDS = ("object", "context")

T = TypeVar("T", bound="Batched")


@dataclass(frozen=True)
class Batched:
    """Tensors whose first dimension is the batch; `None` fields stay `None`."""

    def map(self: T, function: Any) -> T:
        """The same record with `function` applied to every tensor, those of records inside it too."""
        new: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Tensor):
                new[f.name] = function(value)
            elif isinstance(value, Batched):
                new[f.name] = value.map(function)
        return replace(self, **new)

    def to(self: T, *args: Any, **kwargs: Any) -> T:
        """`Tensor.to` on every tensor."""
        return self.map(lambda tensor: tensor.to(*args, **kwargs))

    def __getitem__(self: T, index: Any) -> T:
        """Rows of the batch; the batch dimension stays."""
        if isinstance(index, int):
            index = slice(index, index + 1 or None)
        return self.map(lambda tensor: tensor[index])

    def __len__(self) -> int:
        return next(len(v) for f in fields(self) if isinstance(v := getattr(self, f.name), Tensor))


def concatenate(parts: list[T]) -> T:
    """Joins batches along the first dimension; node dimensions are padded to the longest part with zeros (mask
    False)."""
    if not parts:
        raise ValueError("got no parts, but expected at least one batch to concatenate")
    new: dict[str, Any] = {}
    for f in fields(parts[0]):
        values = [getattr(part, f.name) for part in parts]
        if isinstance(values[0], Batched):
            new[f.name] = concatenate(values)
        if not isinstance(values[0], Tensor):
            continue
        size = [max(v.shape[d] for v in values) for d in range(1, values[0].dim())]
        joined = values[0].new_zeros(sum(len(v) for v in values), *size)
        row = 0
        for v in values:
            joined[(slice(row, row + len(v)), *(slice(s) for s in v.shape[1:]))] = v
            row += len(v)
        new[f.name] = joined
    return replace(parts[0], **new)


@dataclass(frozen=True)
class Regions(Batched):
    """Nodes of a picture before the graph: from the region encoder, or precomputed."""

    features: Float[Tensor, "batch regions features"]
    boxes: Float[Tensor, "batch regions 4"]
    mask: Bool[Tensor, "batch regions"]
    image_feature: Float[Tensor, "batch features"]
    kinds: Int[Tensor, "batch regions"]  # OBJECT or CONTEXT
    labels: Int[Tensor, "batch regions"]  # index into config.labels, -1 for none
    scores: Float[Tensor, "batch regions"]  # objectness in [0, 1]; 0 for context cells

    @classmethod
    def from_precomputed(
        cls,
        features: Float[Tensor, "batch regions features"],
        boxes: Float[Tensor, "batch regions 4"] | None = None,
        mask: Bool[Tensor, "batch regions"] | None = None,
        image_feature: Float[Tensor, "batch features"] | None = None,
    ) -> Regions:
        """Fills in what a `*_precomp` folder does not have: boxes of the whole picture, the mean as image feature.

        Raises:
            ValueError: if `features` is not (B, R, F), or boxes are not normalised XYXY of the same regions.
        """
        if features.dim() != 3:
            raise ValueError(
                f"got region features of shape {tuple(features.shape)}, but expected (batch, regions, features)"
            )
        batch, regions, _ = features.shape
        if boxes is None:
            boxes = features.new_tensor([0.0, 0.0, 1.0, 1.0]).expand(batch, regions, 4)
        if boxes.shape != (batch, regions, 4) or boxes.min() < 0 or boxes.max() > 1:
            raise ValueError(
                f"got boxes of shape {tuple(boxes.shape)} with values from {boxes.min():.3g} to {boxes.max():.3g}, but "
                f"expected normalised XYXY in [0, 1] of shape {(batch, regions, 4)}"
            )
        if mask is None:
            mask = torch.ones(batch, regions, dtype=torch.bool, device=features.device)
        if image_feature is None:
            kept = features * mask[..., None]
            image_feature = kept.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
        none = torch.full((batch, regions), -1, dtype=torch.long, device=features.device)
        return cls(
            features, boxes, mask, image_feature, torch.zeros_like(none), none, features.new_ones(batch, regions)
        )


@dataclass(frozen=True)
class Words(Batched):
    """Nodes of a sentence before the graph: one a word."""

    features: Float[Tensor, "batch words hidden"]
    mask: Bool[Tensor, "batch words"]
    sentence_feature: Float[Tensor, "batch hidden"]
    content: Bool[Tensor, "batch words"] | None = None  # words that make a node; None: all of them


@dataclass(frozen=True)
class TextEdges(Batched):
    """The edges of a sentence: pairs of its most salient nodes, the first one before the second one, and what the sentence
    says of the two (architecture.md, section 5). A sentence with fewer nodes has masked edges."""

    first: Int[Tensor, "batch edges"]  # local nodes of the text graph; 0 where the edge is none
    second: Int[Tensor, "batch edges"]
    predicate: Float[Tensor, "batch edges geometry"]  # norm below 1/2
    weight: Float[Tensor, "batch edges"]  # learned; sums to 1 together with `null_weight`
    null_weight: Float[Tensor, batch]  # of the edge that says "no relation here"
    mask: Bool[Tensor, "batch edges"]
    read_words: Int[Tensor, "batch edges reads"]  # words of the sentence that the predicate was read from most
    read_shares: Float[Tensor, "batch edges reads"]  # their shares of its attention, falling


@dataclass(frozen=True)
class ImageEdges(Batched):
    """The edges of a picture: all ordered pairs of its best things, as a square of first thing and second thing."""

    things: Int[Tensor, "batch things"]  # local nodes of the image graph
    phi: Float[Tensor, "batch things things geometry"]  # map of the geometry of a pair, of unit length
    mask: Bool[Tensor, "batch things things"]  # False: padding, or a thing with itself

    def trimmed(self) -> ImageEdges:
        """Without things that no picture of the batch makes a pair of."""
        most = max(1, int(self.mask.any(2).sum(1).max()))
        return ImageEdges(self.things[:, :most], self.phi[:, :most, :most], self.mask[:, :most, :most])

    @property
    def first(self) -> Int[Tensor, "batch pairs"]:
        """The first node of every pair, the pairs row by row."""
        return self.things[:, :, None].expand_as(self.mask).flatten(1)

    @property
    def second(self) -> Int[Tensor, "batch pairs"]:
        """The second node of every pair."""
        return self.things[:, None, :].expand_as(self.mask).flatten(1)


@dataclass(frozen=True)
class FeatureGraph(Batched):
    """A graph after MFAR, in the shared space. Node 0 of `edges` is the global node, local node n is n + 1 there."""

    global_node: Float[Tensor, "batch dim"]  # L2-normalised
    nodes: Float[Tensor, "batch nodes dim"]  # L2-normalised
    mask: Bool[Tensor, "batch nodes"]
    weights: Float[Tensor, "batch nodes"]  # learned node weights, sum to 1 over real nodes
    edges: Float[Tensor, "batch 1+nodes 1+nodes"]  # attention of row on column, mean of heads of the last layer
    concepts: Float[Tensor, "batch concepts 1+nodes"]  # attention of each concept query on the nodes


@dataclass(frozen=True)
class ImageGraph(FeatureGraph):
    """The feature graph of a picture."""

    boxes: Float[Tensor, "batch nodes 4"]
    kinds: Int[Tensor, "batch nodes"]
    labels: Int[Tensor, "batch nodes"]
    scores: Float[Tensor, "batch nodes"]


@dataclass(frozen=True)
class TextGraph(FeatureGraph):
    """The feature graph of a sentence; the words themselves are kept by the processor's caller."""

    words: Int[Tensor, "batch nodes"] | None = None  # which word of the sentence a node is; None: node n is word n
    relations: TextEdges | None = None  # None: the model compares nodes alone
    cross_weights: Float[Tensor, "batch nodes"] | None = None  # as `weights`, for a cross level that reads cells


@dataclass(frozen=True)
class Similarity:
    """Scores of a block of pictures and sentences: rows are images, columns are texts."""

    score: Float[Tensor, "images texts"]
    levels: dict[str, Float[Tensor, "images texts"]]  # keys are LEVELS; cosines in [-1, 1]
    weights: dict[str, float]  # level weights, sum to 1: score = sum of weight * level
