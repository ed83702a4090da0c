"""The records that a run trains on."""

from __future__ import annotations

from torch import Tensor

from ..data.folder import Record, read_dataset
from ..data.truth import SceneTruth, read_truth
from .batches import TrainingSet
from .config import TrainConfig
from .soft_targets import embed_captions


def training_set(config: TrainConfig, progress: bool = True) -> TrainingSet:
    """All records that an epoch passes through, with the teacher's word on captions where it is asked for."""
    records: list[Record] = []
    sources: list[int] = []
    caption_embeddings: list[Tensor | None] = []
    truth: dict[str, SceneTruth] = {}
    for source, (folder, passes) in enumerate(config.data.items()):
        own = [r for r in read_dataset(folder, config.train_split) if r.captions][: config.limit or None]
        # Exact facts say which captions are true of a picture: no softer word is wanted there.
        soft = config.teacher_weight > 0 and all(r.facts is None for r in own)
        meant = embed_captions(config.text_encoder, own, progress) if soft else [None] * len(own)
        records += own * passes
        caption_embeddings += meant * passes
        sources += [source] * (len(own) * passes)
        if config.grounding_weight:
            truth |= read_truth(folder, config.train_split) or {}
    return TrainingSet(
        records,
        config.captions,
        config.crop,
        config.seed,
        sources,
        caption_embeddings,
        truth,
        grounded=config.grounding_weight > 0,
        false=config.false_captions,
        mirrored_pairs=config.mirrored_pairs,
        groups=config.group_weight > 0,
        whole=config.frozen_regions,
    )
