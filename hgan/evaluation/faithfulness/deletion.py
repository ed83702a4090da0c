"""Deletion: taking away the node with the largest attribution, and running the model again, should cost more score than taking
away any other.

A node's attribution is all it contributed to the score: its local and its cross term, and the edge terms that it takes part in. A
word that makes no node is never taken away. A node is taken away before the feature
graph, so that the others can no longer read from it; the image-level and the sentence-level feature stay as they were, and the
other words were read by the text encoder with it. Nodes go one after the other, in the order of the first attribution.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ...model.hgan import HGANModel
from ...model.similarity import pair_terms
from ...types import Regions, Words

RANDOM_ORDERS = 3
STEPS = 10  # of the mean curve: pairs differ in their number of nodes, so it runs over the share taken away


@dataclass(frozen=True)
class Costs:
    """What it costs to take away 0 .. N nodes, in score. `random` holds several orders."""

    top: Float[Tensor, " taken"]
    least: Float[Tensor, " taken"]
    random: Float[Tensor, "orders taken"]


def keep_masks(orders: Int[Tensor, "orders nodes"]) -> Bool[Tensor, "orders 1+nodes nodes"]:
    """For each order the nodes that are left after 0 .. N are taken away."""
    count = orders.shape[1]
    place = orders.argsort(1)  # when a node goes
    return place[:, None, :] >= torch.arange(count + 1)[:, None]


@torch.no_grad()
def costs_of_pair(
    model: HGANModel, regions: Regions, words: Words, generator: torch.Generator
) -> dict[str, Costs | None]:
    """Costs of regions and of words of one pair.

    Args:
        model: in eval mode.
        regions, words: batches of one, on the model's device.
        generator: of the random orders.

    Returns:
        For "regions" and "words"; None where there is no such node.
    """
    regions, words = _only_real_regions(regions), _only_real_words(words)
    image, text = model.graph_of_regions(regions), model.graph_of_words(words)
    terms = pair_terms(image, text, model.similarity_parameters)
    nodes = terms.local_words + terms.local_regions + terms.cross_cells
    places = words.mask[0].nonzero()[:, 0] if text.words is None else text.words[0][text.mask[0]]  # of the nodes
    edges_of_words = terms.edges.of_nodes(text.relations, text.mask.shape[1])[text.mask[0]]

    def run_regions(keep: Bool[Tensor, "runs nodes"]) -> Tensor:
        graphs = model.graph_of_regions(replace(_repeat(regions, len(keep)), mask=keep))
        return model.similarity(graphs, text).score[:, 0]

    def run_words(keep: Bool[Tensor, "runs nodes"]) -> Tensor:
        mask = words.mask.repeat(len(keep), 1)
        mask[:, places] = keep
        graphs = model.graph_of_words(replace(_repeat(words, len(keep)), mask=mask))
        return model.similarity(image, graphs).score[0]

    found: dict[str, Costs | None] = {}
    for name, attribution, run in (
        ("regions", nodes.sum(0) + terms.cross_regions + terms.edges.of_regions, run_regions),
        ("words", nodes.sum(1) + terms.cross_words + edges_of_words, run_words),
    ):
        count = len(attribution)
        if count == 0:
            found[name] = None
            continue
        ranked = attribution.cpu().argsort(descending=True)
        shuffled = [torch.randperm(count, generator=generator) for _ in range(RANDOM_ORDERS)]
        keep = keep_masks(torch.stack([ranked, ranked.flip(0), *shuffled]))  # (orders, 1 + N, N)
        scores = run(keep.flatten(0, 1).to(attribution.device)).cpu().view(keep.shape[:2])
        cost = scores[:, :1] - scores
        found[name] = Costs(cost[0], cost[1], cost[2:])
    return found


def area_under(costs: Float[Tensor, "*orders taken"]) -> Float[Tensor, "*orders"]:
    """Area under a curve of costs over the share of nodes taken away (trapezoids): a mean cost, in score."""
    return ((costs[..., 1:] + costs[..., :-1]) / 2).mean(-1)


def at_shares(costs: Float[Tensor, "*orders taken"], steps: int = STEPS) -> Float[Tensor, "*orders 1+steps"]:
    """The curve at shares 0, 1/steps .. 1, straight between whole numbers of nodes."""
    place = torch.linspace(0, costs.shape[-1] - 1, steps + 1, dtype=torch.double)
    low = place.floor().long().clamp(max=costs.shape[-1] - 2)
    part = (place - low).to(costs.dtype)
    return costs[..., low] * (1 - part) + costs[..., low + 1] * part


def summarise(pairs: list[Costs]) -> dict[str, Any] | None:
    """Means over pairs, in score.

    Returns:
        `pairs`; `first`: cost of taking one node away; `curve`: mean cost over the share taken away; `area` under the curves;
        `area_between` top and random with its standard error `se`; `top_costs_more`: percent of pairs where the first, and
        where the area, of the top order is above the mean of the random ones. None without pairs.
    """
    if not pairs:
        return None
    firsts = [(c.top[1].item(), c.random[:, 1].mean().item(), c.least[1].item()) for c in pairs]
    areas = [(area_under(c.top).item(), area_under(c.random).mean().item(), area_under(c.least).item()) for c in pairs]
    curves = [(at_shares(c.top), at_shares(c.random).mean(0), at_shares(c.least)) for c in pairs]
    names = ("top", "random", "least")
    between = torch.tensor([top - random for top, random, _ in areas])
    return {
        "pairs": len(pairs),
        "first": dict(zip(names, torch.tensor(firsts).mean(0).tolist(), strict=True)),
        "shares": torch.linspace(0, 1, STEPS + 1).tolist(),
        "curve": {n: torch.stack([c[i] for c in curves]).mean(0).tolist() for i, n in enumerate(names)},
        "area": dict(zip(names, torch.tensor(areas).mean(0).tolist(), strict=True)),
        "area_between": between.mean().item(),
        "se": between.std(correction=0).item() / len(pairs) ** 0.5,
        "top_costs_more": {
            "first": 100 * sum(top > random for top, random, _ in firsts) / len(pairs),
            "area": 100 * (between > 0).float().mean().item(),
        },
    }


def _only_real_regions(regions: Regions) -> Regions:
    real = regions.mask[0]
    return Regions(
        regions.features[:, real],
        regions.boxes[:, real],
        regions.mask[:, real],
        regions.image_feature,
        regions.kinds[:, real],
        regions.labels[:, real],
        regions.scores[:, real],
    )


def _only_real_words(words: Words) -> Words:
    real = words.mask[0]
    content = None if words.content is None else words.content[:, real]
    return Words(words.features[:, real], words.mask[:, real], words.sentence_feature, content)


def _repeat(batch: Any, times: int) -> Any:
    return batch.map(lambda tensor: tensor.expand(times, *tensor.shape[1:]))
