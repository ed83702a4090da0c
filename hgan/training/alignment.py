"""Losses that say which nodes and edges of a picture and a text belong together, where that is known (this project's addition).

Contrast alone leaves a model free to be right for the wrong reason. Grounding sends a word to the regions on what it names; edge
grounding sends a pair of words to the pair of regions on the two things, and not to the same pair in the mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.batch import NONE, Named, NamedPairs
from ..data.phrases import hits
from ..model.edges import EdgeParameters, edge_matches_of, image_edges
from ..types import ImageGraph, TextGraph
from .losses import NEVER

SHARPNESS = 20.0  # of unit vectors, so that 0.1 in a channel is already a sure answer


def named_regions(image: ImageGraph, image_index: Int[Tensor, texts], named: Named) -> Bool[Tensor, "phrases regions"]:
    """Which regions of its picture lie on the things that a phrase names."""
    pictures = image_index[named.text]
    return hits(image.boxes[pictures].float(), named.boxes, named.mask)[0] & image.mask[pictures]


def grounding_loss(
    image: ImageGraph,
    text: TextGraph,
    image_index: Int[Tensor, texts],
    named: Named,
    temperature: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """-log of the share that a word's soft maximum gives to regions on its thing; mean over words that name a thing some
    region lies on, 0 without any.

    Args:
        image_index: row of the picture of each text.
        named: phrases of the texts.
        temperature: of the soft maximum.
    """
    pictures, real = image_index[named.text], named.words >= 0
    on = named_regions(image, image_index, named)[:, None]  # (M, 1, R)
    words = text.nodes[named.text[:, None], named.words.clamp(min=0)].float()  # (M, L, D)
    cosines = words @ image.nodes[pictures].float().transpose(1, 2) / temperature  # (M, L, R)
    shares = cosines.masked_fill(~image.mask[pictures][:, None], NEVER).log_softmax(-1)
    losses = -shares.masked_fill(~on, NEVER).logsumexp(-1)
    counted = real & on.any(-1)
    return (losses * counted).sum() / counted.sum().clamp(min=1)


def side_loss(
    image: ImageGraph, text: TextGraph, image_index: Int[Tensor, texts], named: Named, sides: Int[Tensor, "sides 3"]
) -> Float[Tensor, ""]:
    """Cross entropy of telling two things apart by their words, and by the regions on them, in one channel of the shared space
    for each pair of sides; 0 where no text has sides.

    Exchanging "left" and "right" changes a score only once words *and* regions tell sides apart, and as long as neither does,
    hardly any gradient leads there: contrast alone left this model at chance. So both are told.

    Args:
        image_index: row of the picture of each text.
        named: phrases of the texts.
        sides: channel, and rows of `named`: left or behind, right or in front.
    """
    channel = sides[:, :1].expand(-1, 2).reshape(-1)
    phrase = sides[:, 1:].reshape(-1)  # low, high, low, high ...
    high = (torch.arange(2 * len(sides), device=sides.device) % 2).float()
    row = named.text[phrase]
    words = named.words[phrase]
    said = text.nodes[row[:, None], words.clamp(min=0), channel[:, None]].float()
    real = (words >= 0).float()
    on = named_regions(image, image_index, named)[phrase]
    shown = (
        image.nodes[image_index[row]]
        .float()
        .gather(2, channel[:, None, None].expand(-1, image.nodes.shape[1], 1))[..., 0]
    )
    found = image.nodes.new_zeros((), dtype=torch.float)
    for values, counted in ((said, real), (shown, on.float())):
        logits = SHARPNESS * (values * counted).sum(1) / counted.sum(1).clamp(min=1)
        some = counted.any(1)
        losses = F.binary_cross_entropy_with_logits(logits, high, reduction="none")
        found = found + (losses * some).sum() / some.sum().clamp(min=1)
    return found


@dataclass(frozen=True)
class EdgesAtPairs:
    """The edges of texts at pairs of phrases whose things are known; Q pairs, E edges a text, P pairs of things a picture."""

    matches: Float[Tensor, "pairs edges things"]  # of each edge with each pair of things of the text's own picture
    right: Bool[Tensor, "pairs things"]  # pairs of things that the phrases name, in their order
    turned: Bool[Tensor, "pairs things"]  # the same the other way round
    chosen: Bool[Tensor, "pairs edges"]  # edges between the two phrases


def edges_at(
    image: ImageGraph,
    text: TextGraph,
    image_index: Int[Tensor, texts],
    named: Named,
    pairs: NamedPairs,
    edges: EdgeParameters,
) -> EdgesAtPairs:
    """What `edge_grounding_loss` and `edge_contrast_loss` read.

    Args:
        image_index: row of the picture of each text.
        named: phrases of the texts.
        pairs: which of them are the ends of an edge.
        edges: of the model.
    """
    column = named.text[pairs.first]
    row = image_index[column]
    on, things = named_regions(image, image_index, named), image_edges(image, edges)
    first, second = things.first[row], things.second[row]  # (Q, P)
    one, other = on[pairs.first], on[pairs.second]
    real = things.mask.flatten(1)[row]  # a region that lies on both things makes no pair with itself
    return EdgesAtPairs(
        edge_matches_of(image, text, row, column, edges),
        one.gather(1, first) & other.gather(1, second) & real,
        other.gather(1, first) & one.gather(1, second) & real,
        _between(text, column, named.words[pairs.first], named.words[pairs.second]),
    )


def _between(
    text: TextGraph,
    column: Int[Tensor, pairs],
    first: Int[Tensor, "pairs words"],
    second: Int[Tensor, "pairs words"],
) -> Bool[Tensor, "pairs edges"]:
    """Which edges of a text lead from one of the first nodes to one of the second."""
    assert text.relations is not None
    ends = text.relations[column]
    starts = (ends.first[..., None] == first[:, None]).any(-1)
    return starts & (ends.second[..., None] == second[:, None]).any(-1) & ends.mask


def edge_grounding_loss(
    image: ImageGraph,
    text: TextGraph,
    known: EdgesAtPairs,
    column: Int[Tensor, pairs],
    mirror: Int[Tensor, pairs],
    temperature: Float[Tensor, ""],
    edges: EdgeParameters,
) -> Float[Tensor, ""]:
    """Edge grounding: cross entropy of the pair of things that an edge's two phrases name, among all pairs of their picture and,
    where the text has a side, of the mirror image; mean over such edges, 0 without any (architecture.md, section 5).

    Args:
        column: the text of each pair.
        mirror: row of the mirror image, in which every pair is wrong; NONE where it is not, or not there.
        temperature: of the softmax over pairs.
    """
    matches = known.matches / temperature
    right = matches.masked_fill(~known.right[:, None], NEVER).logsumexp(-1)  # (Q, E)
    wrong = edge_matches_of(image, text, mirror.clamp(min=0), column, edges) / temperature
    wrong = wrong.masked_fill((mirror == NONE)[:, None, None], NEVER)
    losses = torch.cat([matches, wrong], -1).logsumexp(-1) - right
    counted = known.chosen & known.right.any(-1, keepdim=True)
    return (losses.masked_fill(~counted, 0.0)).sum() / counted.sum().clamp(min=1)


def edge_contrast_loss(
    image: ImageGraph,
    text: TextGraph,
    known: EdgesAtPairs,
    row: Int[Tensor, pairs],
    pairs: NamedPairs,
    temperature: Float[Tensor, ""],
    edges: EdgeParameters,
) -> Float[Tensor, ""]:
    """softplus((false - true) / temperature): at the right pairs of things, the edge of a caption above that of its false
    version; mean over pairs of phrases that have one, 0 without any.

    Args:
        row: the picture of each pair.
    """
    false = pairs.false.clamp(min=0)
    matches = edge_matches_of(image, text, row, false, edges)
    straight = _between(text, false, pairs.false_first, pairs.false_second)[..., None] & known.right[:, None]
    turned = _between(text, false, pairs.false_second, pairs.false_first)[..., None] & known.turned[:, None]
    at_true = known.chosen[..., None] & known.right[:, None]
    at_false = straight | turned
    counted = (pairs.false != NONE) & at_true.any(2).any(1) & at_false.any(2).any(1)
    losses = F.softplus((_mean(matches, at_false) - _mean(known.matches, at_true)) / temperature)
    return losses.masked_fill(~counted, 0.0).sum() / counted.sum().clamp(min=1)


def _mean(values: Float[Tensor, "rows a b"], mask: Bool[Tensor, "rows a b"]) -> Float[Tensor, rows]:
    return values.masked_fill(~mask, 0.0).sum((1, 2)) / mask.sum((1, 2)).clamp(min=1)
