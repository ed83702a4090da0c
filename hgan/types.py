"""What the parts hand to each other. Frozen dataclasses with named fields; nothing here computes.

Letters: B batch, R regions, W words, N local nodes (R or W), D width of the shared space, K concepts.
Boxes are normalised XYXY in [0, 1] of the picture. Masks are boolean, True = a real node.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

OBJECT, CONTEXT = 0, 1
KINDS = ("object", "context")
LEVELS = ("global", "local", "cross")
MIN_EDGE = 0.01  # edges of less weight are left out of JSON and drawings

T = TypeVar("T", bound="Batched")


@dataclass(frozen=True)
class Batched:
    """Tensors whose first dimension is the batch; `None` fields stay `None`."""

    def map(self: T, function: Any) -> T:
        """The same record with `function` applied to every tensor."""
        new = {f.name: function(v) for f in fields(self) if isinstance(v := getattr(self, f.name), Tensor)}
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


@dataclass(frozen=True)
class Similarity:
    """Scores of a block of pictures and sentences: rows are images, columns are texts."""

    score: Float[Tensor, "images texts"]
    levels: dict[str, Float[Tensor, "images texts"]]  # keys are LEVELS; cosines in [-1, 1]
    weights: dict[str, float]  # level weights, sum to 1: score = sum of weight * level


@dataclass(frozen=True)
class Hit:
    """One ranked match. `contributions` sum to `score`."""

    rank: int  # from 1
    id: str
    score: float
    levels: dict[str, float]
    contributions: dict[str, float]
    image: str | None = None  # path of the picture relative to the gallery
    caption: str | None = None  # for picture queries


@dataclass(frozen=True)
class SearchResult:
    """A ranked answer with what it cost."""

    query: dict[str, Any]  # {"text": ...} or {"image": name}
    gallery: str
    timing_ms: dict[str, float]  # encode, search
    background: dict[str, float]  # count, mean, std of the scores of everything in the gallery for this query
    notices: list[str]
    hits: list[Hit]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True)
class NodeTerms:
    """What one word or one region brought to the score.

    `local` is its part of the local level's terms, `cross` its own term of the cross level, level weights included.
    """

    index: int
    label: str
    weight: float  # learned node weight
    local: float
    cross: float
    span: tuple[int, int] | None = None  # words: characters in the sentence
    box: tuple[float, float, float, float] | None = None  # regions: normalised XYXY
    kind: str | None = None  # regions: one of KINDS
    score: float | None = None  # regions: objectness

    @property
    def total(self) -> float:
        """Everything this node brought."""
        return self.local + self.cross


@dataclass(frozen=True)
class Explanation:
    """One pair's score as a sum of parts.

    score = contributions["global"] + the sum of `local_terms` + the `cross` of all words + the `cross` of all
    regions. The local terms of a pair are
    listed once in the matrix; a word's `local` is its row sum, a region's `local` its column sum: two views of one sum.
    """

    query: dict[str, Any]
    gallery: str
    id: str
    image: str
    caption: str  # the sentence that was compared
    score: float
    levels: dict[str, float]
    level_weights: dict[str, float]
    contributions: dict[str, float]
    words: list[NodeTerms]
    regions: list[NodeTerms]
    alignment: list[list[float]]  # cosine of word (row) and region (column)
    local_terms: list[list[float]]  # word (row) x region (column)
    image_edges: list[list[float]]  # (1 + R) x (1 + R), node 0 the global node: attention of row on column
    text_edges: list[list[float]]  # (1 + W) x (1 + W)
    check: dict[str, float]  # sum_error: how far the terms are from the score
    timing_ms: dict[str, float]
    notices: list[str]

    def to_json(self) -> dict[str, Any]:
        """As plain data, graphs as nodes and edges with weights."""
        data = asdict(self)
        for name, nodes in (("image", self.regions), ("text", self.words)):
            edges = data.pop(f"{name}_edges")
            data.setdefault("graphs", {})[name] = {
                "nodes": [name, *(node.label for node in nodes)],
                "edges": [
                    {"from": i, "to": j, "weight": weight}
                    for i, row in enumerate(edges)
                    for j, weight in enumerate(row)
                    if i != j and weight >= MIN_EDGE
                ],
            }
        for group, nodes in (("words", self.words), ("regions", self.regions)):
            for entry, node in zip(data[group], nodes, strict=True):
                entry["total"] = node.total
        return data
