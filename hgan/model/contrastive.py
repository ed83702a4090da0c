"""What people expect of a model like CLIP: one vector a picture or a sentence, and a loss without labels."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ..types import Regions


def contrastive_loss(logits_per_image: Float[Tensor, "pairs pairs"] | None) -> Float[Tensor, ""]:
    """Cross entropy of telling each picture's text, and each text's picture, from the others (CLIP, Radford et al., ICML 2021);
    the mean of both directions.

    The loss of `hgan.training` is richer: several texts a picture, soft targets, hard negatives, levels. This one is for
    `transformers.Trainer`, which hands a model its batch and expects a loss back.

    Args:
        logits_per_image: scores times a scale; picture n and text n belong together. None where one of the two is missing.

    Raises:
        ValueError: no logits, or other than one text a picture.
    """
    if logits_per_image is None:
        raise ValueError("got no pictures or no texts, but expected both for a loss")
    if logits_per_image.dim() != 2 or logits_per_image.shape[0] != logits_per_image.shape[1]:
        raise ValueError(
            f"got logits of shape {tuple(logits_per_image.shape)}, but expected as many texts as pictures: text n is that of "
            "picture n"
        )
    target = torch.arange(len(logits_per_image), device=logits_per_image.device)
    return (F.cross_entropy(logits_per_image, target) + F.cross_entropy(logits_per_image.T, target)) / 2


class GlobalFeatures:
    """`get_image_features` and `get_text_features`, as CLIP has them, for a model with `encode_image` and `encode_text`.

    They are the global nodes: unit vectors whose product is the global level of the score, one of its three. Fit for an index of
    vectors or a linear probe; ranking is better by the whole score (`HGANModel.similarity`).
    """

    encode_image: Any
    encode_text: Any

    def get_image_features(
        self, pixel_values: Float[Tensor, "batch 3 height width"] | None = None, regions: Regions | None = None
    ) -> Float[Tensor, "batch dim"]:
        """One unit vector a picture; arguments and errors as `encode_image`."""
        features: Tensor = self.encode_image(pixel_values, regions).global_node
        return features

    def get_text_features(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        attention_mask: Int[Tensor, "batch tokens"],
        word_index: Int[Tensor, "batch tokens"],
        content_mask: Int[Tensor, "batch tokens"] | None = None,
    ) -> Float[Tensor, "batch dim"]:
        """One unit vector a sentence; arguments as `encode_text`."""
        features: Tensor = self.encode_text(input_ids, attention_mask, word_index, content_mask).global_node
        return features
