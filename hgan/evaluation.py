"""Retrieval metrics of a dataset, for the score and for each level alone."""

from __future__ import annotations

import torch

from .data.folder import Record
from .encoding import encode_records, encode_texts
from .metrics import RetrievalMetrics, retrieval_metrics
from .model.hgan import HGANModel
from .model.similarity import score_table
from .processing import HGANProcessor


def evaluate(
    model: HGANModel, processor: HGANProcessor, records: list[Record], progress: bool = False
) -> dict[str, RetrievalMetrics]:
    """Metrics of the score ("score") and of each level alone, over all captions of the records.

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
    return {
        "score": retrieval_metrics(table.score, owner),
        **{name: retrieval_metrics(level, owner) for name, level in table.levels.items()},
    }
