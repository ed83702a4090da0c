"""The edge terms of one pair, one by one: what an explanation lists."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..types import ImageGraph, TextEdges, TextGraph
from .edges import EdgeParameters, ends_on_things, image_edges


@dataclass(frozen=True)
class EdgeTerms:
    """The terms of one pair's edges, each in its three parts, by regions in their order: text edge, first thing, second
    thing."""

    subjects: Float[Tensor, "edges regions regions"]  # the first word is the first thing
    objects: Float[Tensor, "edges regions regions"]  # the second word is the second thing
    fit: Float[Tensor, "edges regions regions"]  # the two things stand as the sentence says

    @property
    def total(self) -> Float[Tensor, "edges regions regions"]:
        """What each pair of things contributes to each text edge."""
        return self.subjects + self.objects + self.fit

    @property
    def of_regions(self) -> Float[Tensor, regions]:
        """What each region takes part in; a pair counts for both of its things."""
        pairs = self.total.sum(0)
        return pairs.sum(0) + pairs.sum(1)

    def of_nodes(self, edges: TextEdges | None, count: int) -> Float[Tensor, nodes]:
        """What each node of the sentence takes part in; an edge counts for both of its words.

        Args:
            edges: of this sentence, a batch of one.
            count: of the sentence's nodes, masked ones among them.
        """
        found = self.total.new_zeros(count)
        if edges is None:
            return found
        values = self.total.sum((1, 2))
        return found.index_add(0, edges.first[0], values).index_add(0, edges.second[0], values)


def edge_terms(
    image: ImageGraph, text: TextGraph, parameters: EdgeParameters | None, weight: Float[Tensor, ""]
) -> tuple[EdgeTerms, Float[Tensor, ""]]:
    """The edge terms of the first image and the first text, over real regions, and what share of the local level nodes keep.

    Args:
        parameters: None for a model that compares nodes alone: it has no text edges.
        weight: of the local level.
    """
    real = image.mask[0]
    regions = int(real.sum())
    if parameters is None or text.relations is None:
        none = weight.new_zeros(0, regions, regions)
        return EdgeTerms(none, none, none), torch.ones_like(weight)
    edges, pairs = text.relations[0], image_edges(image[0], parameters)
    cosines = image.nodes[:1] @ text.nodes[0].T  # (1, R, W)
    ends = ends_on_things(cosines, pairs, edges.first[0], edges.second[0])
    fit = pairs.phi[0] @ edges.predicate[0].T  # (A, A, E)
    subjects, objects = ends[0][0, :, None].expand_as(fit), ends[1][0, None].expand_as(fit)
    parts = torch.stack([subjects, objects, fit]).permute(0, 3, 1, 2)  # (3, E, A, A)
    logits = (parts.sum(0) / parameters.temperature).masked_fill(~pairs.mask, -torch.inf).flatten(1)
    shares = logits.softmax(1).nan_to_num().view(parts.shape[1:])
    terms = weight * parameters.share * edges.weight[0][:, None, None] * shares * parts
    placed = terms.new_zeros(3, terms.shape[1], *image.mask[:1].shape[1:] * 2)
    things = pairs.things[0]
    placed[:, :, things[:, None], things] = terms
    placed = placed[:, :, real][..., real]
    return EdgeTerms(*placed), 1 - parameters.share * edges.weight[0].sum()
