"""The edges of a sentence: which pairs of its words, and what the sentence says of each pair (architecture.md, section 5)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ..types import TextEdges, Words
from .edges import PREDICATE_NORM

READS = 4  # words that an edge names as those it was read from
PLACE_DIM = 7
EVEN = 2.3  # the null edge against ten edges of equal weight: half and half


class Predicates(nn.Module):
    """Pairs of the most salient nodes of a sentence; for each a predicate vector, read by attention over all words of the
    sentence, function words included, that knows where each word stands relative to the two; and edge weights.

    A predicate says where the second thing is, seen from the first; what is said of it decides, too, how much the edge weighs.

    Args:
        dim: width of nodes.
        features: width of the text encoder's states.
        words: how many words make pairs.
        geometry_dim: width of predicates.
        width, heads: of the attention.
    """

    def __init__(self, dim: int, features: int, words: int, geometry_dim: int, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.words, self.heads = words, heads
        self.salience = nn.Linear(dim, 1)
        self.query = nn.Linear(2 * dim, width)
        self.key_value = nn.Linear(features, 2 * width)
        self.place = nn.Sequential(nn.Linear(PLACE_DIM, 32), nn.GELU())
        self.place_bias = nn.Linear(32, heads)
        self.place_value = nn.Linear(32 * heads, width)
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, geometry_dim + 1)  # the predicate, and the logit of the edge's weight
        self.null = nn.Linear(dim, 1)

    @torch.no_grad()
    def begin(self) -> None:
        """Initial weights: widths of the layers count, as this part is small and has much to learn; edges and the null edge
        weigh the same."""
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        for weight in (self.salience.weight, self.null.weight, self.out.weight[-1]):
            nn.init.zeros_(weight)
        self.null.bias.fill_(EVEN)

    def forward(
        self,
        nodes: Float[Tensor, "batch 1+nodes dim"],
        mask: Bool[Tensor, "batch nodes"],
        weights: Float[Tensor, "batch nodes"],
        places: Int[Tensor, "batch nodes"],
        words: Words,
        off: Bool[Tensor, "batch words words"] | None = None,
    ) -> TextEdges:
        """The edges of each sentence, words * (words - 1) / 2 of them, masked where it has fewer nodes.

        Args:
            nodes: after the graph layers, the global one first.
            mask, weights: of the local nodes.
            places: which word each local node is.
            words: all words of the sentence.
            off: pairs of words that may not make an edge, whichever of the two stands first.
        """
        locals_ = nodes[:, 1:]
        count = mask.sum(1, keepdim=True).clamp(min=1)
        salience = self.salience(locals_)[..., 0].float() + (weights.detach() * count).clamp(min=1e-6).log()
        chosen, real = self._most_salient(salience, mask)
        one, other = torch.triu_indices(self.words, self.words, 1, device=chosen.device)
        first, second = chosen[:, one], chosen[:, other]  # (B, E)
        edge_mask = real[:, one] & real[:, other]
        spots = places.gather(1, first), places.gather(1, second)
        if off is not None:
            rows = torch.arange(len(off), device=off.device)[:, None]
            edge_mask = edge_mask & ~(off | off.transpose(1, 2))[rows, spots[0], spots[1]]

        ends = [locals_.gather(1, chosen[..., None].expand(-1, -1, locals_.shape[2])) for chosen in (first, second)]
        read, attention = self._read(torch.cat(ends, -1), spots, words)
        out = self.out(read).float()
        u, own = out[..., :-1], out[..., -1]
        predicate = PREDICATE_NORM * u / (1 + u.square().sum(-1, keepdim=True)).sqrt()
        logits = own + salience.gather(1, first) + salience.gather(1, second)
        logits = torch.cat([self.null(nodes[:, 0]).float(), logits.masked_fill(~edge_mask, -1e4)], 1)
        shares = logits.softmax(1)
        most = min(READS, attention.shape[2])
        top = attention.topk(most, 2)
        read_shares, read_words = (F.pad(t, (0, READS - most)) for t in (top.values, top.indices))
        return TextEdges(
            first * edge_mask,
            second * edge_mask,
            predicate * edge_mask[..., None],
            shares[:, 1:] * edge_mask,
            shares[:, 0],
            edge_mask,
            read_words,
            read_shares * edge_mask[..., None],
        )

    def _most_salient(
        self, salience: Float[Tensor, "batch nodes"], mask: Bool[Tensor, "batch nodes"]
    ) -> tuple[Int[Tensor, "batch words"], Bool[Tensor, "batch words"]]:
        """The most salient nodes in the order in which they stand, and which of them are real."""
        n = mask.shape[1]
        most = min(self.words, n)
        found = salience.detach().masked_fill(~mask, -math.inf).argsort(dim=1, descending=True, stable=True)[:, :most]
        ordered = found.masked_fill(~mask.gather(1, found), n).sort(1).values
        ordered = F.pad(ordered, (0, self.words - most), value=n)
        return ordered.clamp(max=n - 1), ordered < n

    def _read(
        self, pairs: Float[Tensor, "batch edges 2*dim"], spots: tuple[Tensor, Tensor], words: Words
    ) -> tuple[Float[Tensor, "batch edges width"], Float[Tensor, "batch edges words"]]:
        """What each pair reads from the sentence, and its attention on each word, mean of heads."""
        batch, count, _ = pairs.shape
        length = words.mask.shape[1]
        query = self.query(pairs).view(batch, count, self.heads, -1).transpose(1, 2)  # (B, H, E, d)
        key, value = self.key_value(words.features).view(batch, length, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        place = self.place(places_between(*spots, length).to(pairs.dtype))  # (B, E, W, 32)
        logits = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).float()
        logits = logits + self.place_bias(place).permute(0, 3, 1, 2).float()
        attention = logits.masked_fill(~words.mask[:, None, None, :], -1e4).softmax(-1)  # (B, H, E, W)
        read = (attention.to(value.dtype) @ value).transpose(1, 2)  # (B, E, H, d)
        where = attention.to(place.dtype).transpose(1, 2) @ place  # (B, E, H, 32)
        read = self.norm(read.flatten(2) + self.place_value(where.flatten(2)))
        return F.gelu(self.hidden(read)), attention.mean(1)


def places_between(
    first: Int[Tensor, "batch edges"], second: Int[Tensor, "batch edges"], words: int
) -> Float[Tensor, "batch edges words 7"]:
    """Where each word stands relative to two others: signed logarithms of its distances, and whether it is before both, the
    first one, between them, the second one, or after both."""
    place = torch.arange(words, device=first.device)
    from_first, from_second = place - first[..., None], place - second[..., None]
    distances = [step.sign() * step.abs().float().log1p() for step in (from_first, from_second)]
    where = [
        from_first < 0,
        from_first == 0,
        (from_first > 0) & (from_second < 0),
        from_second == 0,
        from_second > 0,
    ]
    return torch.stack([*distances, *(flag.float() for flag in where)], -1)
