"""Samples: one picture as an epoch sees it, with the captions drawn for it. No pixels: they are cut on the device."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from .augment import WHOLE, Window
from .mirror import has_sides
from .record import Box
from .truth import SceneTruth

Look = tuple[Path, bool]  # a picture, and whether it is its mirror image that is meant


@dataclass(frozen=True)
class View:
    """How a picture is seen: a window (normalised XYXY), then a mirror, then brightness and contrast as factors."""

    window: Window = WHOLE
    mirror: bool = False
    brightness: float = 1.0
    contrast: float = 1.0


@dataclass(frozen=True)
class FalseCaption:
    """A caption made false."""

    text: str
    of: int  # which of the sample's captions it was made of


@dataclass(frozen=True)
class Sample:
    """One picture, augmented, before it is padded into a batch."""

    id: str
    captions: list[str]
    regions: list[Box] | None
    true_of: list[frozenset[str]]  # one a caption: ids of the records it is known to be true of
    look: Look
    view: View = View()
    drawn: tuple[int, ...] = ()  # which captions of the record these are
    caption_embeddings: Float[Tensor, "captions meaning"] | None = None  # unit vectors, one a caption
    mean_embedding: Float[Tensor, meaning] | None = None  # of all captions of the picture together
    numbers: tuple[int, ...] = ()  # of the captions in the file
    truth: SceneTruth | None = None
    things: dict[str, Box] | None = None  # those of the truth that are seen, where they are seen
    grounded: bool = False
    false: tuple[FalseCaption, ...] = ()
    group: str | None = None  # samples of one group are told apart by one thing; None where truth is not exact

    def refuses(self, other: Sample, caption: int) -> bool:
        """Whether a caption of another sample is a negative here: it is not known to be true of this picture. What a caption
        with a side says of the mirror images of other pictures is not known either way."""
        if self.look[1] != other.look[1] and has_sides(other.captions[caption]):
            return self.id == other.id
        return self.id not in other.true_of[caption]


def draw_captions(rng: random.Random, weights: Sequence[float], count: int) -> list[int]:
    """Indices of captions: without replacement first, then with; the larger the weight, the more often."""
    # Sorting by u ** (1 / weight) draws without replacement (Efraimidis and Spirakis, 2006).
    order = sorted(range(len(weights)), key=lambda i: -(rng.random() ** (1 / weights[i])))
    return order[:count] + rng.choices(range(len(weights)), weights, k=max(0, count - len(order)))
