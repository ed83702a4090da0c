"""What `HGANModel.forward` returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from transformers.utils import ModelOutput

from ..types import ImageGraph, Similarity, TextGraph
from .proposals import Proposals


@dataclass
class HGANOutput(ModelOutput):
    """What `HGANModel.forward` returns. Rows of `logits_per_image` are images, columns are texts: scores times
    `logit_scale`. `loss` is there where it was asked for."""

    loss: Tensor | None = None
    logits_per_image: Tensor | None = None
    logits_per_text: Tensor | None = None
    similarity: Similarity | None = None
    image_graph: ImageGraph | None = None
    text_graph: TextGraph | None = None
    proposals: Proposals | None = None
