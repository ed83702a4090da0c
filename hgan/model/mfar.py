"""MFAR: multi-granularity feature aggregation and rearrangement (docs/architecture.md, section 4).

The abstract of the paper names the module; its inside is this project's reading. One MFAR serves both modalities:
concept queries,
gates and the rearrangement map are the same weights for pictures and sentences, which is what makes the space shared.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Aggregation(nn.Module):
    """K learned concept queries gather nodes into K mid-level nodes; locals and the global node then read through
    gates.

    Args:
        dim: width of nodes.
        concepts: K; with 0 there are no mid-level nodes, and what a node reads from them is zero.
    """

    def __init__(self, dim: int, concepts: int) -> None:
        super().__init__()
        self.concepts = nn.Parameter(torch.randn(concepts, dim) * dim**-0.5)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, dim)
        self.gate_mid = nn.Linear(2 * dim, dim)
        self.gate_far = nn.Linear(2 * dim, dim)

    def forward(
        self, nodes: Float[Tensor, "batch nodes dim"], mask: Bool[Tensor, "batch nodes"]
    ) -> tuple[Float[Tensor, "batch nodes 3 dim"], Float[Tensor, "batch concepts nodes"]]:
        """Each node at three granularities (own, mid-level, far), and the attention of each concept on the nodes.

        "Far" is the global node for a local one, and the locals for the global one (node 0).
        """
        scale = nodes.shape[-1] ** -0.5
        key, value, query = self.key(nodes), self.value(nodes), self.query(nodes)
        hidden = ~mask[:, None, :]

        logits = (self.concepts @ key.transpose(1, 2)).float()  # (B, K, N)
        attention = logits.masked_fill(hidden, -1e4).softmax(-1)
        mid = attention.to(value.dtype) @ value  # (B, K, D)

        mid_read = (query @ self.key(mid).transpose(1, 2) * scale).float().softmax(-1).to(mid.dtype) @ mid  # (B, N, D)
        locals_ = mask.clone()
        locals_[:, 0] = False
        to_locals = (
            (query[:, :1] @ key.transpose(1, 2) * scale).float().masked_fill(~locals_[:, None], -1e4).softmax(-1)
        )
        detail = to_locals.to(value.dtype) @ value  # (B, 1, D): what the global node reads
        far = torch.cat([detail, value[:, :1].expand(-1, nodes.shape[1] - 1, -1)], 1)

        mid_read = mid_read * self.gate_mid(torch.cat([nodes, mid_read], -1)).sigmoid()
        far = far * self.gate_far(torch.cat([nodes, far], -1)).sigmoid()
        return torch.stack([nodes, mid_read, far], 2), attention


class Rearrangement(nn.Module):
    """Interleaves the channels of three granularities (channel shuffle) and mixes them by one grouped linear map.

    The map is grouped, so the shuffle matters: every group sees channels of every granularity (Zhang et al.,
    ShuffleNet, CVPR 2018).

    Args:
        dim: width of nodes.
        groups: of the linear map; divides `dim`.
    """

    def __init__(self, dim: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.randn(groups, 3 * dim // groups, dim // groups) * (3 * dim / groups) ** -0.5)
        self.norm = nn.LayerNorm(3 * dim)

    def forward(self, granular: Float[Tensor, "batch nodes 3 dim"]) -> Float[Tensor, "batch nodes dim"]:
        batch, n, _, dim = granular.shape
        shuffled = self.norm(granular.transpose(2, 3).flatten(2))  # (B, N, 3D), granularities interleaved
        mixed = torch.einsum("bngi,gio->bngo", shuffled.view(batch, n, self.groups, -1), self.weight.to(shuffled.dtype))
        return granular[:, :, 0] + mixed.reshape(batch, n, dim)


class MFAR(nn.Module):
    """Aggregation, then rearrangement, then the unit sphere; and a learned weight a local node.

    Args:
        dim: width of nodes and of the shared space D.
        concepts: K.
        groups: of the rearrangement map.
        rearrange: False adds up the three granularities in its place.
    """

    def __init__(self, dim: int, concepts: int, groups: int, rearrange: bool = True) -> None:
        super().__init__()
        self.aggregation = Aggregation(dim, concepts)
        self.rearrangement = Rearrangement(dim, groups) if rearrange else None

    def forward(
        self, nodes: Float[Tensor, "batch 1+nodes dim"], mask: Bool[Tensor, "batch 1+nodes"]
    ) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch nodes dim"], Float[Tensor, "batch concepts 1+nodes"]]:
        """The global node and the local nodes, each L2-normalised, and the concepts' attention. Masked locals are
        zero."""
        granular, attention = self.aggregation(nodes, mask)
        mixed = granular.sum(2) if self.rearrangement is None else self.rearrangement(granular)
        shared = F.normalize(mixed.float(), dim=-1) * mask[..., None]
        return shared[:, 0], shared[:, 1:], attention
