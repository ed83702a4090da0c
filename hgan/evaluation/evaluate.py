"""Retrieval metrics of a dataset, for the score and for each level alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ..data.readable import encode_readable
from ..data.record import Record
from ..encoding import encode_texts
from ..io.left_out import LeftOut, log
from ..model.hgan import HGANModel
from ..model.similarity import score_table
from ..processing import HGANProcessor
from ..types import Similarity
from .metrics import RetrievalMetrics, retrieval_metrics


@dataclass(frozen=True)
class Scored:
    """Every record with every caption."""

    table: Similarity
    owner: Int[Tensor, texts]  # row of the record that each caption was written for
    truth: Bool[Tensor, "images texts"] | None  # as `truth_of` gives it
    records: tuple[Record, ...] = ()  # one a row: those whose picture can be read

    def metrics(self) -> dict[str, RetrievalMetrics]:
        """Of the score ("score") and of each level alone. Where it is known which records a caption is true of, any of them
        is a hit."""
        tables = {"score": self.table.score, **self.table.levels}
        return {name: retrieval_metrics(table, self.owner, self.truth) for name, table in tables.items()}


def score_records(
    model: HGANModel,
    processor: HGANProcessor,
    records: Sequence[Record],
    progress: bool = False,
    left_out: list[LeftOut] | None = None,
) -> Scored:
    """Scores of all records whose picture can be read, with all their captions.

    Args:
        left_out: takes the pictures that cannot be read; without it they go to the log of "hgan".

    Raises:
        ValueError: if no picture can be read, or no record has a caption.
    """
    _require_captions(records)
    training, unread = model.training, list[LeftOut]()
    model.eval()
    images, records = encode_readable(model, records, unread, progress=progress)
    if left_out is None:
        log(unread, records[0].path.parent)
    else:
        left_out += unread
    texts = _require_captions(records)
    owner = torch.tensor([row for row, record in enumerate(records) for _ in record.captions])
    graphs = encode_texts(model, processor, texts, progress=progress)
    parameters = model.similarity_parameters
    table = score_table(images, graphs, type(parameters)(parameters.temperature.cpu(), parameters.level_weights.cpu()))
    model.train(training)
    return Scored(table, owner, truth_of(records), tuple(records))


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


def truth_of(records: Sequence[Record]) -> Bool[Tensor, "images texts"] | None:
    """Which captions are true of which records; None unless that is known of every caption."""
    if any(record.facts is None for record in records):
        return None
    row_of = {record.id: row for row, record in enumerate(records)}
    facts = [fact for record in records for fact in record.facts or ()]
    truth = torch.zeros(len(records), len(facts), dtype=torch.bool)
    for column, fact in enumerate(facts):
        truth[[row_of[id_] for id_ in fact.true_of if id_ in row_of], column] = True
    return truth
