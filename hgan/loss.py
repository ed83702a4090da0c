"""The objective (design section 6): InfoNCE, then hardest-negative hinge, on the score and on each level; pure
functions of a score table."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from .types import Similarity


def info_nce(
    scores: Float[Tensor, "images texts"], owner: Int[Tensor, texts], scale: Float[Tensor, ""]
) -> Float[Tensor, ""]:
    """Bidirectional InfoNCE (van den Oord et al., 2018) with several texts a picture; the mean of both directions.

    A picture's other texts are no negatives of one of its texts.

    Args:
        scores: cosines.
        owner: row of the picture that a text belongs to.
        scale: inverse temperature.
    """
    logits = scores * scale
    text_to_image = F.cross_entropy(logits.T, owner)
    positive = F.one_hot(owner, len(scores)).T.bool()  # (I, T)
    others = logits.masked_fill(positive, float("-inf")).logsumexp(1)  # (I,)
    own = logits[owner, range(len(owner))]  # (T,)
    image_to_text = F.softplus(others[owner] - own).mean()
    return (image_to_text + text_to_image) / 2


def hardest_hinge(scores: Float[Tensor, "images texts"], owner: Int[Tensor, texts], margin: float) -> Float[Tensor, ""]:
    """Bidirectional hinge with the hardest negative in the batch (VSE++, Faghri et al., BMVC 2018), mean over texts
    of the sum of both."""
    positive = F.one_hot(owner, len(scores)).T.bool()
    own = scores[owner, range(len(owner))]
    negatives = scores.masked_fill(positive, -2.0)
    image_to_text = (margin + negatives.max(1).values[owner] - own).clamp(min=0)
    text_to_image = (margin + negatives.max(0).values - own).clamp(min=0)
    return (image_to_text + text_to_image).mean()


def objective(
    similarity: Similarity,
    owner: Int[Tensor, texts],
    scale: Float[Tensor, ""],
    hinge_weight: float,
    level_weight: float,
    margin: float,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The matching loss and, for watching, the hinge part of the score alone.

    Args:
        hinge_weight: 0 is InfoNCE alone; ramped in late by the trainer.
        level_weight: of the same loss on each level alone, so that each level can be read on its own.
        margin: of the hinge.
    """

    def both(scores: Tensor) -> tuple[Tensor, Tensor]:
        hinge = hardest_hinge(scores, owner, margin)
        return info_nce(scores, owner, scale) + hinge_weight * hinge, hinge

    loss, hinge = both(similarity.score)
    for level in similarity.levels.values():
        loss = loss + level_weight * both(level)[0]
    return loss, hinge
