"""Edge terms of one graph against many, without padding: pictures with equally many things are worked on together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..types import CONTEXT, OBJECT, ImageGraph, TextEdges
from .edges import NEVER, EdgeParameters, image_edges
from .soft_maximum import LN2, NOTHING

SENTENCES = 512  # that are worked on together


@dataclass(frozen=True)
class FlatThings:
    """Where the regions of many pictures are, and which of them are things: those of one picture after those of the one
    before."""

    boxes: Float[Tensor, "regions 4"]
    kinds: Int[Tensor, regions]
    scores: Float[Tensor, regions]
    counts: Int[Tensor, pictures]

    @property
    def cells(self) -> Bool[Tensor, regions]:
        """The context cells."""
        return self.kinds == CONTEXT

    @property
    def local(self) -> Bool[Tensor, regions]:
        """What a local level of things reads: the objects of a picture, or all its regions where it has no object."""
        things = self.kinds == OBJECT
        owner = torch.arange(len(self.counts)).repeat_interleave(self.counts)
        some = torch.zeros(len(self.counts), dtype=torch.bool)
        some[owner[things]] = True
        return things | ~some[owner]


@dataclass(frozen=True)
class Packed:
    """Pictures with equally many things that make pairs."""

    pictures: Int[Tensor, pictures]  # their rows
    things: Int[Tensor, "things pictures"]  # rows of the flat nodes
    phi: Float[Tensor, "geometry things*things*pictures"]


PackedPairs = list[Packed]


@torch.no_grad()
def packed_pairs(regions: FlatThings, parameters: EdgeParameters) -> PackedPairs:
    """The edges of many pictures, for many searches."""
    owner = torch.arange(len(regions.counts)).repeat_interleave(regions.counts)
    things = (regions.kinds == OBJECT).nonzero()[:, 0]
    # The best things of each picture first: by picture, then by falling score, as `image_edges` takes them.
    things = things[regions.scores[things].argsort(descending=True, stable=True)]
    things = things[owner[things].argsort(stable=True)]
    counts = torch.bincount(owner[things], minlength=len(regions.counts))
    starts = counts.cumsum(0) - counts
    counts = counts.clamp(max=parameters.things)
    packed = []
    for count in counts.unique().tolist():
        if count < 2:
            continue
        pictures = (counts == count).nonzero()[:, 0]
        rows = things[starts[pictures][:, None] + torch.arange(count)]  # (I, A)
        phi = torch.cat([parameters.geometry(regions.boxes[some]) for some in rows.split(256)])  # (I, A, A, P)
        packed.append(Packed(pictures, rows.T.contiguous(), phi.permute(3, 1, 2, 0).flatten(1).contiguous()))
    return packed


def values_of_pictures(
    text: TextEdges,
    places: Int[Tensor, words],
    pairs: PackedPairs,
    cosines: Float[Tensor, "nodes columns"],
    ratio: Float[Tensor, ""],
    parameters: EdgeParameters,
    pictures: int,
) -> Float[Tensor, "pictures edges"]:
    """`hgan.model.edges.edge_values` of one sentence.

    Args:
        places: the column of each node of the sentence.
        cosines: of all nodes of the pictures with the sentence's, in units of ln 2 times the temperature of nodes.
        ratio: temperature of nodes / temperature of edges.
        pictures: how many there are.
    """
    unit = LN2 * parameters.temperature
    predicate = text.predicate[0] / unit  # (E, P)
    edges = len(predicate)
    values = cosines.new_zeros(pictures, edges)
    ends = places[torch.stack([text.first[0], text.second[0]])]  # (2, E)
    for packed in pairs:
        count, own = packed.things.shape
        on_things = (cosines[packed.things.flatten()] * (ratio / 2)).T.contiguous()  # (columns, A * I)
        subjects, objects = on_things[ends].view(2, edges, count, own)
        matches = (predicate @ packed.phi).view(edges, count, count, own)
        matches += subjects[:, :, None]
        matches += objects[:, None]
        matches.diagonal(dim1=1, dim2=2).fill_(NEVER)
        weights = matches.exp2()
        matches *= weights
        matches, weights = (each.view(edges, -1, own).sum(1) for each in (matches, weights))
        values[packed.pictures] = (unit * matches / weights.clamp(min=NOTHING)).T
    return values


def values_of_sentences(
    image: ImageGraph,
    text: TextEdges,
    starts: Int[Tensor, texts],
    cosines: Float[Tensor, "nodes columns"],
    ratio: Float[Tensor, ""],
    parameters: EdgeParameters,
) -> Float[Tensor, "texts edges"]:
    """`hgan.model.edges.edge_values` of one picture.

    Args:
        starts: where the nodes of each sentence begin.
        cosines, ratio: as in `values_of_pictures`, the picture's real regions in the columns.
    """
    unit = LN2 * parameters.temperature
    pairs = image_edges(image, parameters).trimmed()
    real, phi = pairs.mask[0], pairs.phi[0] / unit  # (A, A), (A, A, P)
    columns = (image.mask[0].cumsum(0) - 1).clamp(min=0)[pairs.things[0]]
    values = cosines.new_zeros(text.mask.shape)
    last = len(cosines) - 1  # the masked edges of a last sentence without words would point beyond it
    if not real.any() or not len(cosines):
        return values
    for rows in torch.arange(len(text)).split(SENTENCES):
        ends = [(starts[rows][:, None] + nodes[rows]).clamp(max=last) for nodes in (text.first, text.second)]
        subjects, objects = (cosines[end][..., columns] * (ratio / 2) for end in ends)  # (T, E, A)
        matches = torch.einsum("tep,abp->teab", text.predicate[rows], phi)
        matches = (matches + subjects[..., None] + objects[..., None, :]).masked_fill(~real, NEVER).flatten(2)
        weights = matches.exp2()
        values[rows] = unit * (weights * matches).sum(2) / weights.sum(2).clamp(min=NOTHING)
    return values
