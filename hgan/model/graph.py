"""Feature graphs: edges of regions and of words, and the masked edge-biased graph layer (docs/architecture.md, section 3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .boxes import pairwise_iou, xyxy_to_cxcywh

REGION_EDGE_DIM = 9
WORD_EDGE_DIM = 6


def _signed_log(x: Tensor) -> Tensor:
    return x.sign() * x.abs().log1p()


def _with_global(
    edges: Float[Tensor, "batch nodes nodes features"],
) -> Float[Tensor, "batch 1+nodes 1+nodes 2+features"]:
    """Puts the global node first; the two last features mark edges from it and to it."""
    edges = F.pad(edges, (0, 2, 1, 0, 1, 0))
    edges[:, 0, :, -2] = 1
    edges[:, :, 0, -1] = 1
    return edges


def region_edges(boxes: Float[Tensor, "batch regions 4"]) -> Float[Tensor, "batch nodes nodes 9"]:
    """Geometry of region j seen from region i, with the global node first.

    Features: log-scaled offsets in widths and heights of i, log ratios of width and height, IoU, direction (sine,
    cosine),
    from-global, to-global.
    """
    centre_size = xyxy_to_cxcywh(boxes.float())
    centre, size = centre_size[..., :2], centre_size[..., 2:].clamp(min=1e-2)
    offset = centre[:, None, :, :] - centre[:, :, None, :]  # (B, i, j, 2)
    ratio = size[:, None, :, :].log() - size[:, :, None, :].log()
    distance = offset.norm(dim=-1, keepdim=True)
    direction = offset / distance.clamp(min=1e-6)
    iou = pairwise_iou(boxes.float(), boxes.float())[..., None]
    return _with_global(torch.cat([_signed_log(offset / size[:, :, None, :]), ratio, iou, direction], -1))


def word_edges(places: Int[Tensor, "batch words"]) -> Float[Tensor, "batch nodes nodes 6"]:
    """Signed distance of word j from word i, with the global node first.

    Features: log-scaled signed distance, next word, previous word, within three words, from-global, to-global.

    Args:
        places: where each word stands in its sentence.
    """
    step = (places[:, None, :] - places[:, :, None]).float()  # (B, i, j)
    features = torch.stack(
        [_signed_log(step), (step == 1).float(), (step == -1).float(), (step.abs() <= 3).float()], -1
    )
    return _with_global(features)


class SoftCount(nn.Module):
    """How many of its like each thing has in the picture: every read of a graph is a normalised mean, in which two equal nodes
    are one node (Zhang, Hare, Pruegel-Bennett, ICLR 2018), so a sum of its own says it.

    count_i = sum over other things j of sigmoid((cos_ij - tau) / s) * (1 - IoU_ij), and its logarithm is added to the node.

    Args:
        dim: width of nodes.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(0.6))
        self.log_softness = nn.Parameter(torch.tensor(-2.3))
        self.out = nn.Linear(1, dim)

    def forward(
        self,
        features: Float[Tensor, "batch regions features"],
        boxes: Float[Tensor, "batch regions 4"],
        things: Bool[Tensor, "batch regions"],
    ) -> Float[Tensor, "batch regions dim"]:
        """What is added to each node; nothing to those that are no things."""
        unit = F.normalize(features.float(), dim=-1)
        alike = ((unit @ unit.transpose(1, 2) - self.threshold) / self.log_softness.exp()).sigmoid()
        apart = 1 - pairwise_iou(boxes.float(), boxes.float())
        others = things[:, None, :] & ~torch.eye(things.shape[1], dtype=torch.bool, device=things.device)
        counts = (alike * apart * others).sum(-1, keepdim=True)
        return self.out(counts.log1p()) * things[..., None]


class GraphLayer(nn.Module):
    """Masked multi-head attention over a graph, its logits biased by edge features; pre-norm, residual, feed-forward.

    logits_ij = q_i . k_j / sqrt(d) + b(edge_ij), one bias a head; with `values`, a node reads v_j + m(edge_ij): where its
    neighbour stands, not only that it is there.

    Args:
        dim: width of nodes.
        heads: attention heads.
        edge_dim: width of edge features; 0 leaves them, and their bias, out.
        dropout: on the residual branches.
        values: whether edge features are read as well; `edge_dim` is then above 0.
    """

    def __init__(self, dim: int, heads: int, edge_dim: int, dropout: float, values: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.bias = nn.Sequential(nn.Linear(edge_dim, 32), nn.GELU(), nn.Linear(32, heads)) if edge_dim else None
        self.edge_value = nn.Linear(32 * heads, dim) if values else None
        self.out = nn.Linear(dim, dim)
        self.norm_ff = nn.LayerNorm(dim)
        self.ff = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        nodes: Float[Tensor, "batch nodes dim"],
        edges: Float[Tensor, "batch nodes nodes edge_dim"],
        mask: Bool[Tensor, "batch nodes"],
        edge_mask: Bool[Tensor, "batch nodes nodes"] | None = None,
    ) -> tuple[Float[Tensor, "batch nodes dim"], Float[Tensor, "batch nodes nodes"]]:
        """New nodes, and the edge weights: attention of row on column, mean of heads (rows sum to 1).

        Args:
            nodes, edges, mask: the graph; masked nodes are not attended to.
            edge_mask: False where row may not attend to column; all edges by default.
        """
        batch, n, dim = nodes.shape
        q, k, v = self.qkv(self.norm_attention(nodes)).view(batch, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        logits = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5  # (B, H, N, N)
        logits = logits.float()
        hidden = None  # of the edges, (B, N, N, 32)
        if self.bias is not None:
            hidden = self.bias[1](self.bias[0](edges))
            logits = logits + self.bias[2](hidden).permute(0, 3, 1, 2).float()
        # A large finite number, so that a row full of masked nodes stays finite.
        logits = logits.masked_fill(~mask[:, None, None, :], -1e4)
        if edge_mask is not None:
            logits = logits.masked_fill(~edge_mask[:, None], -1e4)
        attention = logits.softmax(-1)
        read = (attention.to(v.dtype) @ v).transpose(1, 2).reshape(batch, n, dim)
        if self.edge_value is not None and hidden is not None:
            where = attention.to(hidden.dtype).transpose(1, 2) @ hidden  # (B, N, H, 32)
            read = read + self.edge_value(where.flatten(2))
        nodes = nodes + self.dropout(self.out(read))
        nodes = nodes + self.dropout(self.ff(self.norm_ff(nodes)))
        return nodes, attention.mean(1)
