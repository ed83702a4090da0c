"""Retrieval metrics of a dataset, for the score and for each level alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.readable import encode_readable
from ..data.record import Record
from ..encoding import Encoder
from ..io.left_out import LeftOut, log
from ..model.hgan import HGANModel
from ..model.similarity import score_table
from ..processing import HGANProcessor
from ..types import LEVELS, ImageGraph, Similarity
from .metrics import RetrievalMetrics, image_indices, retrieval_metrics, truth_of


@dataclass(frozen=True)
class Scored:
    """Every record with every caption."""

    table: Similarity
    image_index: Int[Tensor, texts]  # row of the record that each caption was written for
    truth: Bool[Tensor, "images texts"]  # as `hgan.evaluation.metrics.truth_of` gives it
    records: tuple[Record, ...] = ()  # one a row: those whose picture can be read

    def metrics(self) -> dict[str, RetrievalMetrics]:
        """Of the score ("score") and of each level alone. Where it is known which records a caption is true of, any of them
        is a hit."""
        tables = {"score": self.table.score, **{name: self.table.levels[name] for name in LEVELS}}
        return {name: retrieval_metrics(table, self.image_index, self.truth) for name, table in tables.items()}


def score_records(
    model: HGANModel,
    processor: HGANProcessor,
    records: Sequence[Record],
    progress: bool = False,
    left_out: list[LeftOut] | None = None,
    encoder: Encoder | None = None,
) -> Scored:
    """Scores of all records whose picture can be read, with all their captions.

    Args:
        encoder: of this model, where it is not to encode in float32 on the device where it is.
        left_out: takes the pictures that cannot be read; without it they go to the log of "hgan".

    Raises:
        ValueError: if no picture can be read, or no record has a caption.
    """
    _require_captions(records)
    training, unread = model.training, list[LeftOut]()
    encoder = encoder or Encoder(model, processor)
    images, records = encode_readable(encoder.images, model.config.image_size, records, unread, progress=progress)
    if left_out is None:
        log(unread, records[0].path.parent)
    else:
        left_out += unread
    found = score_graphs(encoder, images, records, progress)
    model.train(training)
    return found


@torch.no_grad()
def score_graphs(encoder: Encoder, images: ImageGraph, records: Sequence[Record], progress: bool = False) -> Scored:
    """Scores of pictures that are encoded already, with all captions of their records; computed where the pictures are.

    Args:
        images: one row a record.
    """
    device = images.nodes.device
    texts = encoder.texts(_require_captions(records), progress=progress).to(device)
    with torch.autocast(device.type, enabled=False):  # numbers that are compared are float32
        table = score_table(images, texts, encoder.parameters.to(device))
    levels = {name: level.cpu() for name, level in table.levels.items()}
    found = Similarity(table.score.cpu(), levels, table.weights)
    return Scored(found, image_indices(records), truth_of(records), tuple(records))


def _require_captions(records: Sequence[Record]) -> list[str]:
    texts = [caption for record in records for caption in record.captions]
    if not texts:
        raise ValueError("got a dataset without captions, but expected some to evaluate on")
    return texts


def evaluate(
    model: HGANModel, processor: HGANProcessor, records: list[Record], progress: bool = False
) -> dict[str, RetrievalMetrics]:
    """Metrics of the score ("score") and of each level alone, over all captions of the records. Where it is known which
    records a caption is true of, any of them is a hit.

    Raises:
        ValueError: if no record has a caption.
    """
    return score_records(model, processor, records, progress).metrics()
