"""Every loss by name in one object, summed by a weight dictionary (as DETR's SetCriterion): the loops know none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from ..data.batch import Targets
from ..model.edges import EdgeParameters
from ..model.hgan import HGANModel
from ..model.nodes import things_of
from ..model.proposals import Proposals
from ..model.similarity import join_columns
from ..types import ImageGraph, Similarity, TextGraph, concatenate
from .alignment import edge_contrast_loss, edge_grounding_loss, edges_at, grounding_loss, side_loss
from .config import TrainConfig
from .losses import false_caption_loss, group_loss, objective
from .proposal_loss import proposal_loss

Losses = dict[str, Float[Tensor, ""]]


@dataclass(frozen=True)
class Outputs:
    """What a model says of a batch."""

    table: Similarity
    images: ImageGraph
    things: ImageGraph  # the same, its mask keeping what the local level reads
    texts: TextGraph
    scale: Float[Tensor, ""]  # inverse temperature of contrast
    temperature: Float[Tensor, ""]  # of the soft maxima
    proposals: Proposals | None = None
    edges: EdgeParameters | None = None  # of a model with edge terms


def compare(
    model: HGANModel, images: ImageGraph, texts: list[TextGraph], proposals: Proposals | None = None
) -> Outputs:
    """Scores of a batch whose graphs are made, its texts in blocks."""
    table = join_columns([model.similarity(images, block) for block in texts])
    scale = model.logit_scale.float().exp().clamp(max=100)
    learned = model.similarity_parameters
    things = replace(images, mask=things_of(images.kinds, images.mask)) if learned.levels_apart else images
    return Outputs(table, images, things, concatenate(texts), scale, learned.temperature, proposals, learned.edges)


class Criterion:
    """The losses of a run and what each weighs.

    Args:
        config: the run.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.known: dict[str, Callable[[Outputs, Targets], Tensor | None]] = {
            "detection": _detection, "grounding": _grounding, "sides": _sides, "edges": _edges, "groups": _groups,
            "false": _false,
        }  # fmt: skip
        self.weights = {
            "matching": 1.0,
            "detection": config.detection_weight,
            "grounding": config.grounding_weight,
            "sides": config.side_weight,
            "edges": config.edge_weight,
            "groups": config.group_weight,
            "false": config.false_weight,
        }

    def __call__(self, outputs: Outputs, targets: Targets, hinge: float = 0.0) -> Losses:
        """The losses of a batch by name; "loss" is their weighted sum. One whose truth a batch does not have is left out, one
        that weighs nothing is not computed. "hinge" and "spread" are for watching (see `Collapse`), where there is a hinge.

        Args:
            hinge: weight of the hinge now.
        """
        config = self.config
        matching, hinges = objective(
            outputs.table, targets.image_index, outputs.scale, targets.negatives, targets.teacher, hinge_weight=hinge,
            level_weight=config.level_weight, teacher_weight=config.teacher_weight,
            teacher_temperature=config.teacher_temperature, margin=config.margin,
        )  # fmt: skip
        found: Losses = {"matching": matching}
        for name, loss in self.known.items():
            value = loss(outputs, targets) if self.weights[name] else None
            if value is not None:
                found[name] = value
        total = torch.stack([self.weights[name] * value for name, value in found.items()]).sum()
        watched = {"hinge": hinges, "spread": outputs.table.score.std()} if hinge else {}
        return {"loss": total, **found, **watched}


def _detection(outputs: Outputs, targets: Targets) -> Tensor | None:
    known = (targets.boxes, targets.labels, targets.scores, targets.box_mask, targets.has_boxes)
    boxes, labels, scores, mask, has = known
    if outputs.proposals is None or boxes is None or labels is None or scores is None or mask is None or has is None:
        return None
    return proposal_loss(outputs.proposals, boxes, labels, scores, mask, has)


def _grounding(outputs: Outputs, targets: Targets) -> Tensor | None:
    if targets.named is None or not len(targets.named):
        return None
    return grounding_loss(outputs.things, outputs.texts, targets.image_index, targets.named, outputs.temperature)


def _sides(outputs: Outputs, targets: Targets) -> Tensor | None:
    if targets.named is None or targets.sides is None or not len(targets.sides):
        return None
    return side_loss(outputs.things, outputs.texts, targets.image_index, targets.named, targets.sides)


def _edges(outputs: Outputs, targets: Targets) -> Tensor | None:
    """Grounding of edges, and their contrast with false captions."""
    images, texts, edges = outputs.images, outputs.texts, outputs.edges
    image_index, named, pairs = targets.image_index, targets.named, targets.pairs
    if edges is None or named is None or pairs is None or not len(pairs):
        return None
    with torch.autocast(images.nodes.device.type, enabled=False):
        known = edges_at(images, texts, image_index, named, pairs, edges)
        column = named.text[pairs.first]
        temperature = edges.temperature
        grounding = edge_grounding_loss(images, texts, known, column, pairs.mirror, temperature, edges)
        return grounding + edge_contrast_loss(images, texts, known, image_index[column], pairs, temperature, edges)


def _binding(outputs: Outputs, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """A loss about binding, of the score and of the local level: the other two levels read no single things."""
    return (loss(outputs.table.score) + loss(outputs.table.levels["local"])) / 2


def _groups(outputs: Outputs, targets: Targets) -> Tensor | None:
    image_index, negatives, group = targets.image_index, targets.negatives, targets.group
    if group is None:
        return None
    return _binding(outputs, lambda scores: group_loss(scores, image_index, outputs.scale, negatives, group))


def _false(outputs: Outputs, targets: Targets) -> Tensor | None:
    image_index, false_of = targets.image_index, targets.false_of
    if false_of is None:
        return None
    return _binding(outputs, lambda scores: false_caption_loss(scores, image_index, outputs.scale, false_of))
