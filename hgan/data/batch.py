"""What a training step takes, and what the losses are told about it: records of tensors."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..types import Batched
from .samples import Look

NONE = -1  # in place of a row, a column or a word where there is none


@dataclass(frozen=True)
class Named(Batched):
    """M phrases of a batch's texts that name things in known places."""

    text: Int[Tensor, phrases]
    words: Int[Tensor, "phrases words"]  # nodes of the text graph, padded with NONE
    boxes: Float[Tensor, "phrases things 4"]  # normalised XYXY, padded
    mask: Bool[Tensor, "phrases things"]  # True = a real box


@dataclass(frozen=True)
class NamedPairs(Batched):
    """Q pairs of phrases of one text, the first before the second: the two ends of a text edge whose right place is known."""

    first: Int[Tensor, pairs]  # rows of `Named`
    second: Int[Tensor, pairs]
    mirror: Int[Tensor, pairs]  # picture in which every pair of things is wrong, or NONE
    false: Int[Tensor, pairs]  # text that says something else of the two, or NONE
    false_first: Int[Tensor, "pairs words"]  # the same words in that text, padded with NONE
    false_second: Int[Tensor, "pairs words"]


@dataclass(frozen=True, kw_only=True)
class Targets(Batched):
    """What is known about B pictures and T texts; what is None is not known."""

    image_index: Int[Tensor, texts]  # row of the picture a text belongs to; NONE for a false text
    # The text is not known to be true of the picture; a false text is a negative of one picture alone.
    negatives: Bool[Tensor, "batch texts"]
    teacher: Float[Tensor, "batch texts"] | None = None  # how like the text is to the picture's captions
    group: Int[Tensor, batch] | None = None  # pictures told apart by one thing share a number; NONE: alone
    false_of: Int[Tensor, texts] | None = None  # the text that a false text was made of, else NONE
    named: Named | None = None
    sides: Int[Tensor, "sides 3"] | None = None  # channel, and rows of `named`: left or behind, right or in front
    pairs: NamedPairs | None = None
    boxes: Float[Tensor, "batch targets 4"] | None = None
    labels: Int[Tensor, "batch targets"] | None = None
    scores: Float[Tensor, "batch targets"] | None = None
    box_mask: Bool[Tensor, "batch targets"] | None = None
    has_boxes: Bool[Tensor, batch] | None = None


@dataclass(frozen=True, kw_only=True)
class Batch(Targets):
    """What a training step takes: how pictures are seen, and texts as tokens, sorted by length."""

    input_ids: Int[Tensor, "texts tokens"]
    attention_mask: Int[Tensor, "texts tokens"]
    word_index: Int[Tensor, "texts tokens"]
    content_mask: Int[Tensor, "texts tokens"] | None  # for a model whose nodes are content words
    windows: Float[Tensor, "batch 4"]
    mirror: Bool[Tensor, batch]
    light: Float[Tensor, "batch 2"]  # factors of brightness and contrast
    looks: tuple[Look, ...]
    ids: tuple[str, ...]
    lengths: tuple[int, ...]  # tokens of each text

    def text_blocks(self, size: int) -> list[dict[str, Int[Tensor, "texts tokens"]]]:
        """The texts in blocks of `size`, each cut to its longest: the inputs of the sentence tower."""
        blocks = []
        lengths = self.lengths
        for start in range(0, len(self.image_index), size):
            most = max(lengths[start : start + size])
            parts = {
                name: getattr(self, name) for name in ("input_ids", "attention_mask", "word_index", "content_mask")
            }
            blocks.append({name: p[start : start + size, :most] for name, p in parts.items() if p is not None})
        return blocks
