"""What if: a pair encoded again with words, regions or edges switched off, or with another sentence.

A node is switched off before its graph is made: the graph, MFAR and all three levels do without it. What came before has
seen it still: the text encoder has read the whole sentence, and the picture's own feature is of the whole picture. To take a
word away altogether, edit the sentence. An edge is switched off in both directions in the graph layers; MFAR, which reads
through the concepts and the global node, has no edges. The edge term of two words is switched off by itself, as if the sentence
had no such edge: the others, and the null edge, take its weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..encoding import Encoder, to_pixels
from ..gallery.scorer import Scorer
from ..gallery.store import Gallery
from ..io.images import open_image
from ..io.pixels import Picture, square
from ..io.timing import Timer
from ..model.hgan import HGANModel
from ..model.similarity import SimilarityParameters
from ..processing import HGANProcessor
from ..types import ImageGraph, Regions, TextGraph, Words
from .explain import explain_pair
from .query import Query
from .results import Explanation, WhatIf

NOTICED = 1e-3  # a difference between the stored and the newly encoded score that is worth a word
# "image" or "text", two nodes, where node 0 is the global node and local node n is n + 1: an edge of the graph layer. Or
# "relation" and two words, from 0: the edge term of these two.
Edge = tuple[str, int, int]
SIDES = ("image", "text", "relation")


@dataclass(frozen=True)
class Off:
    """What is switched off."""

    words: tuple[int, ...] = ()
    regions: tuple[int, ...] = ()
    edges: tuple[Edge, ...] = ()


Pair = tuple[ImageGraph, TextGraph]


@dataclass(frozen=True)
class Asked:
    """A match of a query, and what is looked for beside it.

    Attributes:
        stored: why they match, by the gallery's stored graphs.
        scorer: of what the query was compared with: pictures for a sentence, captions for a picture.
        parameters: with the level weights of the caller.
    """

    gallery: Gallery
    query: Query
    stored: Explanation
    scorer: Scorer
    parameters: SimilarityParameters


def what_if(encoder: Encoder, asked: Asked, text: str | None, off: Off) -> WhatIf:
    """The score of a match before and after something is switched off or reworded. The model runs for both, on the gallery's
    thumbnail (or the query's picture) and on the sentence.

    Args:
        text: in place of the sentence of the match.

    Raises:
        ValueError: an empty sentence; a word, region or edge that is not there.
    """
    timer, stored, gallery = Timer(), asked.stored, asked.gallery
    for_pictures = asked.query.sentence is not None
    row = gallery.row_of[stored.id] if for_pictures else gallery.caption_row_of[stored.id]
    picture: Regions | Picture | None = asked.query.regions
    if picture is None:
        # As large as the model takes it: this is what a worker in another process is sent.
        picture = square(open_image(gallery.read_thumbnail(row)), encoder.model.config.image_size)
    sentences = [encoder.processor.read(stored.caption), encoder.processor.read(text or stored.caption)]
    pairs: tuple[Pair, ...] = encoder.run(
        encode_pairs, picture, tuple(sentence.text for sentence in sentences), (Off(), off)
    )
    timing = {"encode": timer.lap()}
    before, after = (
        replace(
            stored,
            caption=sentence.text,
            **explain_pair(*pair, sentence, encoder.model.config.labels, asked.parameters),
        )
        for sentence, pair in zip(sentences, pairs, strict=True)
    )
    ranks = [
        _rank(asked, row, pair[1] if for_pictures else pair[0], answer.score)
        for pair, answer in zip(pairs, (before, after), strict=True)
    ]
    timing["explain"] = timer.lap()
    some = off.words or off.regions or off.edges
    listed = text is None and some and all(side == "relation" for side, _, _ in off.edges)  # by the explanation
    return WhatIf(
        before=before,
        after=after,
        change=after.score - before.score,
        explained=explained(before, off) if listed else None,
        rank_before=ranks[0],
        rank_after=ranks[1],
        stored=stored.score,
        timing_ms=timing,
        notices=_notices(stored.score - before.score, off, sentences[1].notice),
    )


def _rank(asked: Asked, row: int, query: ImageGraph | TextGraph, value: float) -> int | None:
    """Rank of a row with this score among all others; None where the gallery is too large to score all of it."""
    if not asked.scorer.exact:
        return None
    scores = asked.scorer.score(query, asked.parameters)[0].score.flatten()
    scores[row] = float("-inf")
    return 1 + int((scores > value).sum())


def _notices(difference: float, off: Off, cut: str | None) -> list[str]:
    notices = [cut] if cut else []
    if abs(difference) > NOTICED:
        notices.append(
            f"The picture was encoded again from its small copy: its score before any change differs by {-difference:+.4f} from "
            "the one in the ranking."
        )
    if off.words or off.regions:
        notices.append(
            "The text encoder has read the words that are off, and the feature of the whole picture still holds the regions "
            "that are off. To remove a word altogether, edit the sentence."
        )
    return notices


@torch.no_grad()
def encode_pairs(
    model: HGANModel,
    processor: HGANProcessor,
    picture: Regions | Picture,
    texts: Sequence[str],
    offs: Sequence[Off],
) -> tuple[Pair, ...]:
    """The graphs of a picture (or of its regions) with each sentence, without what is switched off for it; on the CPU.

    Raises:
        ValueError: a word, a region or an edge that is not there.
    """
    regions = picture.to(model.device) if isinstance(picture, Regions) else regions_of(model, picture)
    return tuple(encode_pair(model, processor, regions, text, off) for text, off in zip(texts, offs, strict=True))


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
    return model.graph_of_words(replace(words, mask=mask), edges, _relations_off(mask, edges_off)).to("cpu")


def explained(before: Explanation, off: Off) -> float:
    """The sum of the terms that some words, regions and edge terms of an explanation have; a term that several of them share
    counts once."""
    words, regions = set(off.words), set(off.regions)
    relations = {frozenset((i, j)) for side, i, j in off.edges if side == "relation"}
    local = sum(
        term
        for w, row in enumerate(before.local_terms)
        for r, term in enumerate(row)
        if w in words or r in regions
    )  # fmt: skip
    cross = sum(before.words[w].cross for w in words) + sum(before.regions[r].cross for r in regions)
    cross += sum(
        term
        for w, row in enumerate(before.cross_terms)
        for r, term in enumerate(row)
        if w not in words and r in regions
    )
    edges = sum(
        pair.total
        for edge in before.edges
        for pair in edge.pairs
        if {edge.first, edge.second} & words
        or {edge.first, edge.second} in relations
        or {pair.first, pair.second} & regions
    )
    return local + cross + edges


def _relations_off(mask: Tensor, edges_off: Sequence[Edge]) -> Tensor | None:
    """Pairs of words whose edge term is switched off; None where there is none."""
    pairs = [(i, j) for side, i, j in edges_off if side == "relation"]
    words = mask.shape[1]
    for i, j in pairs:
        if i == j or not (0 <= i < words and 0 <= j < words):
            raise ValueError(
                f"got the edge term of words {i} and {j} to switch off, but expected two different words of 0 to {words - 1}"
            )
    if not pairs:
        return None
    off = mask.new_zeros(1, words, words)
    for i, j in pairs:
        off[:, i, j] = True
    return off


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
        raise ValueError(f"got an edge of {wrong[0][0]!r} to switch off, but expected 'image', 'text' or 'relation'")
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
