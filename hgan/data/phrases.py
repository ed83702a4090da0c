"""Grounding: where it is known which words of a caption name which things, a word should meet a region on its thing.

Teaches the local level what an explanation then shows (this project's addition). Known from exact truth, or from a detector's
boxes and a list of nouns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..io.left_out import LeftOut, log
from ..labels import canonical
from ..model.boxes import pairwise_iou
from ..processing import Sentence
from ..types import ImageGraph, TextGraph
from .nouns import named_labels
from .record import Box
from .truth import SceneTruth

IOU = 0.5
TEACHER = 0.5  # a detector's box of less confidence is not taken for truth


@dataclass(frozen=True)
class Naming:
    """Words of a sentence that name things in known places."""

    words: tuple[int, ...]  # indices of the text graph's nodes
    boxes: Float[Tensor, "things 4"]
    kind: str


def namings_of_truth(
    sentence: Sentence, caption: int, truth: SceneTruth, things: Mapping[str, Box] | None = None
) -> list[Naming]:
    """What the words of a scene's caption number `caption` name; words that were cut off name nothing.

    Args:
        things: those in the picture as it is seen, where that is not the whole scene; others are named by no words.
    """
    things = truth.things if things is None else things
    found = []
    for mention in truth.mentions[caption] if caption < len(truth.mentions) else ():
        try:
            start, end = mention.characters(sentence.text)
        except ValueError as error:  # of one caption among thousands
            log([LeftOut("caption_facts.jsonl", str(error))])
            continue
        words = tuple(n for n, (a, b) in enumerate(sentence.spans) if a < end and b > start)
        named = [things[id_] for id_ in mention.things if id_ in things]
        if words and named:
            found.append(Naming(words, torch.tensor([thing.box for thing in named]), canonical(named[0].label)))
    return found


def namings_of_labels(sentence: Sentence, known: Sequence[Box]) -> list[Naming]:
    """From a list of everyday nouns; a noun counts where a box of its label is known with a score of at least TEACHER."""
    boxes = defaultdict(list)
    for box in known:
        if box.score >= TEACHER:
            boxes[canonical(box.label)].append(box.box)
    return [
        Naming(tuple(range(start, end)), torch.tensor(boxes[label]), label)
        for start, end, label in named_labels(sentence.words)
        if label in boxes
    ]


def hits(
    regions: Float[Tensor, "regions 4"], boxes: Float[Tensor, "things 4"]
) -> tuple[Bool[Tensor, regions], Bool[Tensor, regions]]:
    """Which regions lie on any of the boxes: by an IoU of at least 0.5 or their centre, and by IoU alone."""
    overlap = (pairwise_iou(regions, boxes) >= IOU).any(1)
    centre = ((regions[:, :2] + regions[:, 2:]) / 2)[:, None]
    inside = ((centre >= boxes[None, :, :2]) & (centre <= boxes[None, :, 2:])).all(-1).any(1)
    return overlap | inside, overlap


def grounding_loss(
    image: ImageGraph,
    text: TextGraph,
    owner: Int[Tensor, texts],
    named: Sequence[Sequence[Naming]],
    temperature: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """-log of the share that a word's soft maximum gives to regions on its thing; mean over words that name a thing some
    region lies on.

    Args:
        owner: row of the picture of each text.
        named: of each text.
        temperature: of the soft maximum.
    """
    losses = []
    for row, own in enumerate(named):
        if not own:
            continue
        picture = int(owner[row])
        boxes, mask = image.boxes[picture].float(), image.mask[picture]
        cosines = text.nodes[row].float() @ image.nodes[picture].float().T / temperature  # (W, R)
        shares = cosines.masked_fill(~mask, float("-inf")).log_softmax(1)
        for naming in own:
            on = hits(boxes, naming.boxes.to(boxes.device))[0] & mask
            if on.any():
                losses.append(-shares[list(naming.words)][:, on].logsumexp(1))
    return torch.cat(losses).mean() if losses else image.nodes.new_zeros(())
