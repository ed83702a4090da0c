"""The nodes that feature graphs begin with, and the weights that they end with."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..types import OBJECT, Words


class NodeProjection(nn.Module):
    """Local features and one global feature to node width D, each with its own linear map, then layer norm."""

    def __init__(self, features: int, dim: int) -> None:
        super().__init__()
        self.local = nn.Linear(features, dim)
        self.whole = nn.Linear(features, dim)
        self.norm_local = nn.LayerNorm(dim)
        self.norm_whole = nn.LayerNorm(dim)

    def forward(self, local: Tensor, whole: Tensor, extra: Tensor | None = None) -> Float[Tensor, "batch 1+nodes dim"]:
        local = self.local(local)
        if extra is not None:
            local = local + extra
        return torch.cat([self.norm_whole(self.whole(whole))[:, None], self.norm_local(local)], 1)


def node_weights(
    logits: Float[Tensor, "batch nodes 1"], mask: Bool[Tensor, "batch nodes"]
) -> Float[Tensor, "batch nodes"]:
    """Softmax over real nodes; zero elsewhere, and everywhere in a row without any."""
    return logits[..., 0].float().masked_fill(~mask, -1e4).softmax(-1) * mask


def things_of(
    kinds: Int[Tensor, "*batch regions"], mask: Bool[Tensor, "*batch regions"]
) -> Bool[Tensor, "*batch regions"]:
    """The regions that a local level of things reads: the objects of a picture, or all its regions where it has no object."""
    objects = mask & (kinds == OBJECT)
    return torch.where(objects.any(-1, keepdim=True), objects, mask)


def content_nodes(words: Words) -> tuple[Int[Tensor, "batch nodes"], Bool[Tensor, "batch nodes"]]:
    """Which word each node is, in their order, and the nodes' mask: content words alone, padded to the most in the batch."""
    assert words.content is not None
    content = words.content & words.mask
    most = max(1, int(content.sum(1).max()))
    places = (~content).int().sort(dim=1, stable=True).indices[:, :most]
    return places, content.gather(1, places)
