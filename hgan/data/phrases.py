"""Grounding: which words of a caption name which things in known places, from exact truth, or from a detector's boxes and a
list of nouns (this project's addition)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..io.left_out import LeftOut, log
from ..labels import canonical
from ..model.boxes import pairwise_iou
from ..processing import Sentence
from .nouns import named_labels
from .record import Box
from .truth import SceneTruth

IOU = 0.5
TEACHER = 0.5  # a detector's box of less confidence is not taken for truth


@dataclass(frozen=True)
class GroundedPhrase:
    """Words of a sentence that name things in known places."""

    words: tuple[int, ...]  # indices of the text graph's nodes: function words have none
    boxes: Float[Tensor, "things 4"]
    kind: str


def phrases_of_truth(
    sentence: Sentence, caption: int, truth: SceneTruth, things: Mapping[str, Box] | None = None
) -> list[GroundedPhrase]:
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
        words = _nodes(sentence, (n for n, (a, b) in enumerate(sentence.spans) if a < end and b > start))
        named = [things[id_] for id_ in mention.things if id_ in things]
        if words and named:
            found.append(GroundedPhrase(words, torch.tensor([thing.box for thing in named]), canonical(named[0].label)))
    return found


def phrases_of_labels(sentence: Sentence, known: Sequence[Box]) -> list[GroundedPhrase]:
    """From a list of everyday nouns; a noun counts where a box of its label is known with a score of at least TEACHER."""
    boxes = defaultdict(list)
    for box in known:
        if box.score >= TEACHER:
            boxes[canonical(box.label)].append(box.box)
    return [
        GroundedPhrase(nodes, torch.tensor(boxes[label]), label)
        for start, end, label in named_labels(sentence.words)
        if label in boxes and (nodes := _nodes(sentence, range(start, end)))
    ]


def _nodes(sentence: Sentence, words: Iterable[int]) -> tuple[int, ...]:
    return tuple(node for word in words if (node := sentence.node_of(word)) is not None)


def hits(
    regions: Float[Tensor, "*b regions 4"],
    boxes: Float[Tensor, "*b things 4"],
    mask: Bool[Tensor, "*b things"] | None = None,
) -> tuple[Bool[Tensor, "*b regions"], Bool[Tensor, "*b regions"]]:
    """Which regions lie on any of the boxes: by an IoU of at least 0.5 or their centre, and by IoU alone.

    Args:
        regions, boxes: normalised XYXY.
        mask: True = a real box; all by default.
    """
    overlap = pairwise_iou(regions, boxes) >= IOU
    centre = ((regions[..., :2] + regions[..., 2:]) / 2)[..., None, :]
    low, high = boxes[..., None, :, :2], boxes[..., None, :, 2:]
    inside = ((centre >= low) & (centre <= high)).all(-1)
    if mask is not None:
        overlap, inside = overlap & mask[..., None, :], inside & mask[..., None, :]
    return (overlap | inside).any(-1), overlap.any(-1)
