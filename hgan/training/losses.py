"""The objective (docs/architecture.md, section 6): InfoNCE with soft targets, then hardest-negative hinge, on the score and on
each level; pure functions of a score table."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..types import Similarity

NEVER = -1e4  # a logit in place of -inf, whose logsumexp over nothing has no gradient


def negatives_of(image_index: Int[Tensor, texts], images: int) -> Bool[Tensor, "images texts"]:
    """All pairs of a picture and another picture's text."""
    return image_index[None, :] != torch.arange(images, device=image_index.device)[:, None]


def info_nce(
    scores: Float[Tensor, "images texts"],
    image_index: Int[Tensor, texts],
    scale: Float[Tensor, ""],
    negatives: Bool[Tensor, "images texts"],
) -> Float[Tensor, ""]:
    """Bidirectional InfoNCE (van den Oord et al., 2018) with several texts a picture; the mean of both directions.

    Args:
        scores: cosines.
        image_index: row of the picture that a text belongs to; -1 for a text that is a rival and nothing else.
        scale: inverse temperature.
        negatives: the negatives. A picture's other texts are none, nor are pictures that a text is known to be true of.
    """
    logits = scores * scale
    true = (image_index >= 0).nonzero()[:, 0]
    image_index = image_index[true]
    own = logits[image_index, true]  # (true texts,)
    others = logits.masked_fill(~negatives, float("-inf"))
    text_to_image = F.softplus(others[:, true].logsumexp(0) - own)
    image_to_text = F.softplus(others.logsumexp(1)[image_index] - own)
    return (image_to_text + text_to_image).mean() / 2


def hardest_hinge(
    scores: Float[Tensor, "images texts"],
    image_index: Int[Tensor, texts],
    margin: float,
    negatives: Bool[Tensor, "images texts"],
) -> Float[Tensor, ""]:
    """Bidirectional hinge with the hardest negative in the batch (VSE++, Faghri et al., BMVC 2018), mean over texts
    of the sum of both."""
    true = (image_index >= 0).nonzero()[:, 0]
    image_index = image_index[true]
    own = scores[image_index, true]
    others = scores.masked_fill(~negatives, -2.0)
    image_to_text = (margin + others.max(1).values[image_index] - own).clamp(min=0)
    text_to_image = (margin + others[:, true].max(0).values - own).clamp(min=0)
    return (image_to_text + text_to_image).mean()


def distillation(
    scores: Float[Tensor, "images texts"],
    teacher: Float[Tensor, "images texts"],
    scale: Float[Tensor, ""],
    temperature: float,
) -> Float[Tensor, ""]:
    """Cross entropy to soft targets: how like the captions of a picture a text is, says a sentence encoder that stays as
    it was. A dog in the grass is no wrong answer like a kitchen is. Mean of both directions.

    Args:
        teacher: cosines of each text with the mean of each picture's captions.
        temperature: of the softmax over them.
    """
    logits, targets = scores * scale, teacher / temperature
    text_to_image = -(targets.softmax(0) * logits.log_softmax(0)).sum(0).mean()
    image_to_text = -(targets.softmax(1) * logits.log_softmax(1)).sum(1).mean()
    return (image_to_text + text_to_image) / 2


def group_loss(
    scores: Float[Tensor, "images texts"],
    image_index: Int[Tensor, texts],
    scale: Float[Tensor, ""],
    negatives: Bool[Tensor, "images texts"],
    group: Int[Tensor, images],
) -> Float[Tensor, ""]:
    """softplus(logsumexp(own false ones) - true) within each group: of a text that tells the members of its group apart, against
    the members that it is false of; and of a picture with such a text, against the group's texts that are false of it. Mean of
    both directions over those that have any; 0 where none has.

    As one column among hundreds a text that differs in one word would hardly be felt (architecture.md, section 6).

    Args:
        group: number of each picture's group; -1 for a picture that has none.
    """
    true = (image_index >= 0).nonzero()[:, 0]
    image_index = image_index[true]
    logits = (scores * scale)[:, true]
    own = logits[image_index, torch.arange(len(true), device=image_index.device)]  # (true texts,)
    same = (group[:, None] == group[image_index]) & (group >= 0)[:, None]  # (I, true texts)
    against = negatives[:, true] & same
    others = logits.masked_fill(~against, NEVER)
    losses = torch.stack([F.softplus(others.logsumexp(0) - own), F.softplus(others.logsumexp(1)[image_index] - own)])
    counted = torch.stack([against.any(0), against.any(1)[image_index]])
    return (losses * counted).sum() / counted.sum().clamp(min=1)


def false_caption_loss(
    scores: Float[Tensor, "images texts"],
    image_index: Int[Tensor, texts],
    scale: Float[Tensor, ""],
    false_of: Int[Tensor, texts],
) -> Float[Tensor, ""]:
    """softplus(false - true) of each false caption and the one it was made of, on the picture of both; mean, 0 without any.

    Args:
        false_of: the text that a false text was made of; -1 for a true one.
    """
    false = (false_of >= 0).nonzero()[:, 0]
    true = false_of[false]
    row = image_index[true]
    losses = F.softplus(scale * (scores[row, false] - scores[row, true]))
    return losses.sum() / max(1, len(losses))


def objective(
    similarity: Similarity,
    image_index: Int[Tensor, texts],
    scale: Float[Tensor, ""],
    negatives: Bool[Tensor, "images texts"],
    teacher: Float[Tensor, "images texts"] | None,
    *,
    hinge_weight: float,
    level_weight: float | Mapping[str, float],
    teacher_weight: float,
    teacher_temperature: float,
    margin: float,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The matching loss and, for watching, the hinge part of the score alone.

    Args:
        negatives: which pairs are negatives.
        teacher: what `distillation` imitates; None where truth is exact and wants no softening.
        hinge_weight: 0 is InfoNCE alone; ramped in late by the trainer.
        level_weight: of the same loss on each level alone, so that each level can be read on its own; by name, those that
            are not named have none.
        teacher_weight: share of InfoNCE that `distillation` takes, in [0, 1].
        margin: of the hinge.
    """

    def whole(scores: Tensor) -> tuple[Tensor, Tensor]:
        hinge = hardest_hinge(scores, image_index, margin, negatives)
        loss = info_nce(scores, image_index, scale, negatives)
        if teacher is not None and teacher_weight:
            loss = loss.lerp(distillation(scores, teacher, scale, teacher_temperature), teacher_weight)
        return loss + hinge_weight * hinge, hinge

    loss, hinge = whole(similarity.score)
    for name, level in similarity.levels.items():
        weight = level_weight.get(name, 0.0) if isinstance(level_weight, Mapping) else level_weight
        loss = loss + weight * whole(level)[0]
    return loss, hinge
