"""A dev set that is evaluated again and again: its pictures are decoded once, and stay on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..data.pictures import Pictures
from ..data.record import Record
from ..encoding import Encoder
from ..evaluation.evaluate import Scored, score_graphs
from ..model.hgan import HGANModel
from ..processing import HGANProcessor
from ..types import concatenate

BATCH = 64  # pictures


class HeldOut:
    """Records to choose on; those whose picture cannot be read are left out.

    Args:
        records: with captions.
        size: side of the pictures that the model looks at.
        device: where they are kept.
        progress: show a progress bar.
    """

    def __init__(self, records: Sequence[Record], size: int, device: torch.device, progress: bool = False) -> None:
        self.pictures = Pictures([record.path for record in records], size, device, progress)
        self.records = [record for record in records if record.path not in self.pictures.unread]

    @torch.no_grad()
    def score(self, model: HGANModel, processor: HGANProcessor) -> Scored:
        """All records with all their captions, as `hgan.evaluation.evaluate.score_records` gives them."""
        training = model.training
        model.eval()
        rows = torch.tensor([self.pictures.rows[record.path] for record in self.records])
        mean, std = model.config.image_mean, model.config.image_std
        parts = []
        for chosen in rows.split(BATCH):
            pixels = self.pictures.pixels[chosen.to(self.pictures.pixels.device)].float() / 255
            parts.append(model.encode_image((pixels - mean) / std))
        found = score_graphs(Encoder(model, processor), concatenate(parts), self.records)
        model.train(training)
        return found
