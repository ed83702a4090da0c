"""A pair encoded again with words, regions or edges switched off. Runs the model; knows no gallery.

A node is switched off before its graph is made: the graph, MFAR and all three levels do without it. What came before has
seen it still: the text encoder has read the whole sentence, and the picture's own feature is of the whole picture. To take a
word away altogether, edit the sentence. An edge is switched off in both directions in the graph layers; MFAR, which reads
through the concepts and the global node, has no edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..encoding import to_pixels
from ..io.pixels import Picture
from ..model.hgan import HGANModel
from ..processing import HGANProcessor
from ..types import ImageGraph, Regions, TextGraph, Words
from .results import Explanation

Edge = tuple[str, int, int]  # "image" or "text", two nodes; node 0 is the global node, local node n is n + 1
SIDES = ("image", "text")


@dataclass(frozen=True)
class Off:
    """What is switched off."""

    words: tuple[int, ...] = ()
    regions: tuple[int, ...] = ()
    edges: tuple[Edge, ...] = ()


@torch.no_grad()
def encode_pair(
    model: HGANModel, processor: HGANProcessor, regions: Regions, text: str, off: Off
) -> tuple[ImageGraph, TextGraph]:
    """The graphs of a picture's regions and of a sentence without what is switched off, on the CPU.

    Raises:
        ValueError: a word, a region or an edge that is not there.
    """
    words = words_of(model, processor, text)
    return image_graph(model, regions, off.regions, off.edges), text_graph(model, words, off.words, off.edges)


@torch.no_grad()
def regions_of(model: HGANModel, image: Picture) -> Regions:
    """The regions of one picture, a batch of one."""
    return model.encode_regions(to_pixels([image], model).to(model.device))[0]


@torch.no_grad()
def words_of(model: HGANModel, processor: HGANProcessor, text: str) -> Words:
    """The words of one sentence, a batch of one."""
    return model.encode_words(**processor(text=[text]).to(model.device))


@torch.no_grad()
def image_graph(
    model: HGANModel, regions: Regions, off: Sequence[int] = (), edges_off: Sequence[Edge] = ()
) -> ImageGraph:
    """The graph of a picture without some regions and edges, on the CPU.

    Raises:
        ValueError: a region or an edge that is not there.
    """
    mask = _without(regions.mask, off, "region")
    edges = _edge_mask(mask, edges_off, "image")
    return model.graph_of_regions(replace(regions, mask=mask), edges).to("cpu")


@torch.no_grad()
def text_graph(model: HGANModel, words: Words, off: Sequence[int] = (), edges_off: Sequence[Edge] = ()) -> TextGraph:
    """The graph of a sentence without some words and edges, on the CPU.

    Raises:
        ValueError: a word or an edge that is not there.
    """
    mask = _without(words.mask, off, "word")
    edges = _edge_mask(mask, edges_off, "text")
    return model.graph_of_words(replace(words, mask=mask), edges).to("cpu")


def explained(before: Explanation, words_off: Sequence[int], regions_off: Sequence[int]) -> float:
    """The sum of the terms that some words and regions of an explanation have; a local term that both a word and a
    region of them share counts once."""
    words, regions = set(words_off), set(regions_off)
    local = sum(
        term
        for w, row in enumerate(before.local_terms)
        for r, term in enumerate(row)
        if w in words or r in regions
    )  # fmt: skip
    cross = sum(before.words[w].cross for w in words) + sum(before.regions[r].cross for r in regions)
    return local + cross


def _without(mask: Tensor, off: Sequence[int], what: str) -> Tensor:
    bad = [n for n in off if not 0 <= n < mask.shape[1]]
    if bad:
        raise ValueError(f"got {what} {bad[0]} to switch off, but expected one of 0 to {mask.shape[1] - 1}")
    mask = mask.clone()
    mask[:, list(off)] = False
    return mask


def _edge_mask(mask: Tensor, edges_off: Sequence[Edge], side: str) -> Tensor | None:
    """None where no edge of this side is switched off: the model then runs as it always does."""
    wrong = [edge for edge in edges_off if edge[0] not in SIDES]
    if wrong:
        raise ValueError(f"got an edge of {wrong[0][0]!r} to switch off, but expected 'image' or 'text'")
    pairs = [(i, j) for name, i, j in edges_off if name == side]
    if not pairs:
        return None
    nodes = mask.shape[1] + 1
    edges = mask.new_ones(1, nodes, nodes)
    for i, j in pairs:
        if i == j or not (0 <= i < nodes and 0 <= j < nodes):
            raise ValueError(
                f"got the {side} edge {i}-{j} to switch off, but expected two different nodes of 0 to {nodes - 1}"
            )
        edges[:, i, j] = edges[:, j, i] = False
    return edges
