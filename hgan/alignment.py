"""Losses that say which nodes and edges of a picture and a text belong together, where that is known (this project's addition).

Contrast alone leaves a model free to be right for the wrong reason. Grounding sends a word to the regions on what it names; edge
grounding sends a pair of words to the pair of regions on the two things, and not to the same pair in the mirror image.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .collate import Named
from .grounding import hits
from .loss import NEVER
from .types import ImageGraph, TextGraph

SHARPNESS = 20.0  # of unit vectors, so that 0.1 in a channel is already a sure answer


def named_regions(image: ImageGraph, owner: Int[Tensor, texts], named: Named) -> Bool[Tensor, "phrases regions"]:
    """Which regions of its picture lie on the things that a phrase names."""
    pictures = owner[named.text]
    return hits(image.boxes[pictures].float(), named.boxes, named.mask)[0] & image.mask[pictures]


def grounding_loss(
    image: ImageGraph,
    text: TextGraph,
    owner: Int[Tensor, texts],
    named: Named,
    temperature: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """-log of the share that a word's soft maximum gives to regions on its thing; mean over words that name a thing some
    region lies on, 0 without any.

    Args:
        owner: row of the picture of each text.
        named: phrases of the texts.
        temperature: of the soft maximum.
    """
    pictures, real = owner[named.text], named.words >= 0
    on = named_regions(image, owner, named)[:, None]  # (M, 1, R)
    words = text.nodes[named.text[:, None], named.words.clamp(min=0)].float()  # (M, L, D)
    cosines = words @ image.nodes[pictures].float().transpose(1, 2) / temperature  # (M, L, R)
    shares = cosines.masked_fill(~image.mask[pictures][:, None], NEVER).log_softmax(-1)
    losses = -shares.masked_fill(~on, NEVER).logsumexp(-1)
    counted = real & on.any(-1)
    return (losses * counted).sum() / counted.sum().clamp(min=1)


def side_loss(
    image: ImageGraph, text: TextGraph, owner: Int[Tensor, texts], named: Named, sides: Int[Tensor, "sides 3"]
) -> Float[Tensor, ""]:
    """Cross entropy of telling two things apart by their words, and by the regions on them, in one channel of the shared space
    for each pair of sides; 0 where no text has sides.

    Exchanging "left" and "right" changes a score only once words *and* regions tell sides apart, and as long as neither does,
    hardly any gradient leads there: contrast alone left this model at chance. So both are told.

    Args:
        owner: row of the picture of each text.
        named: phrases of the texts.
        sides: channel, and rows of `named`: left or behind, right or in front.
    """
    channel = sides[:, :1].expand(-1, 2).reshape(-1)
    phrase = sides[:, 1:].reshape(-1)  # low, high, low, high ...
    high = torch.tensor([0.0, 1.0], device=sides.device).repeat(len(sides))
    row = named.text[phrase]
    words = named.words[phrase]
    said = text.nodes[row[:, None], words.clamp(min=0), channel[:, None]].float()
    real = (words >= 0).float()
    on = named_regions(image, owner, named)[phrase]
    shown = (
        image.nodes[owner[row]].float().gather(2, channel[:, None, None].expand(-1, image.nodes.shape[1], 1))[..., 0]
    )
    found = image.nodes.new_zeros((), dtype=torch.float)
    for values, counted in ((said, real), (shown, on.float())):
        logits = SHARPNESS * (values * counted).sum(1) / counted.sum(1).clamp(min=1)
        some = counted.any(1)
        losses = F.binary_cross_entropy_with_logits(logits, high, reduction="none")
        found = found + (losses * some).sum() / some.sum().clamp(min=1)
    return found
