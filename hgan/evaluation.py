"""Retrieval metrics of a dataset, for the score and for each level alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .data.folder import Record
from .encoding import encode_records, encode_texts
from .metrics import RetrievalMetrics, retrieval_metrics
from .model.hgan import HGANModel
from .model.similarity import score_table
from .processing import HGANProcessor
from .types import Similarity


@dataclass(frozen=True)
class Scored:
    """Every record with every caption."""

    table: Similarity
    owner: Int[Tensor, texts]  # row of the record that each caption was written for
    truth: Bool[Tensor, "images texts"] | None  # as `truth_of` gives it

    def metrics(self) -> dict[str, RetrievalMetrics]:
        """Of the score ("score") and of each level alone. Where it is known which records a caption is true of, any of them
        is a hit."""
        tables = {"score": self.table.score, **self.table.levels}
        return {name: retrieval_metrics(table, self.owner, self.truth) for name, table in tables.items()}


def score_records(model: HGANModel, processor: HGANProcessor, records: list[Record], progress: bool = False) -> Scored:
    """Scores of all records with all their captions.

    Raises:
        ValueError: if no record has a caption.
    """
    texts = [caption for record in records for caption in record.captions]
    if not texts:
        raise ValueError("got a dataset without captions, but expected some to evaluate on")
    owner = torch.tensor([row for row, record in enumerate(records) for _ in record.captions])
    training = model.training
    model.eval()
    images = encode_records(model, records, progress=progress)
    graphs = encode_texts(model, processor, texts, progress=progress)
    parameters = model.similarity_parameters
    table = score_table(images, graphs, type(parameters)(parameters.temperature.cpu(), parameters.level_weights.cpu()))
    model.train(training)
    return Scored(table, owner, truth_of(records))


def evaluate(
    model: HGANModel, processor: HGANProcessor, records: list[Record], progress: bool = False
) -> dict[str, RetrievalMetrics]:
    """Metrics of the score ("score") and of each level alone, over all captions of the records. Where it is known which
    records a caption is true of, any of them is a hit.

    Raises:
        ValueError: if no record has a caption.
    """
    return score_records(model, processor, records, progress).metrics()


def truth_of(records: list[Record]) -> Bool[Tensor, "images texts"] | None:
    """Which captions are true of which records; None unless that is known of every caption."""
    if any(record.facts is None for record in records):
        return None
    row_of = {record.id: row for row, record in enumerate(records)}
    facts = [fact for record in records for fact in record.facts or ()]
    truth = torch.zeros(len(records), len(facts), dtype=torch.bool)
    for column, fact in enumerate(facts):
        truth[[row_of[id_] for id_ in fact.true_of if id_ in row_of], column] = True
    return truth
