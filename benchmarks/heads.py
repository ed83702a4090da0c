"""Trains and scores what comes after the region encoder and the text encoder, on features extracted before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.features import Features
from hgan.checkpoint import device_of
from hgan.cli.report import evaluation_report
from hgan.config import HGANConfig
from hgan.data.batch import Targets
from hgan.data.collate import pack, targets_of, texts_of
from hgan.data.folder import Record
from hgan.data.phrases import GroundedPhrase, phrases_of_labels, phrases_of_truth
from hgan.data.samples import Sample
from hgan.data.truth import SceneTruth
from hgan.evaluation.evaluate import Scored
from hgan.evaluation.faithfulness.pointing import point, summarise
from hgan.evaluation.metrics import truth_of
from hgan.model.hgan import HGANModel
from hgan.model.similarity import pair_terms, score_table
from hgan.processing import HGANProcessor
from hgan.training.batches import TrainingSet
from hgan.training.config import TrainConfig
from hgan.training.criterion import compare
from hgan.training.step import Step
from hgan.types import LEVELS, concatenate


def head_of(config: HGANConfig, changes: Mapping[str, Any], level: str | None = None) -> HGANModel:
    """A model of everything after the two encoders, with random weights.

    Args:
        config: of the model that the features are from.
        changes: settings that differ from it.
        level: the only one that counts in the score; all of them by default.
    """
    assert config.text_config is not None
    settings = {**config.to_dict(), "backbone_config": None, "precomputed_dim": config.region_dim, **changes}
    # Words come from the cache: of the text encoder nothing but its width is needed.
    text = {**settings["text_config"], "num_hidden_layers": 0, "vocab_size": 1, "pad_token_id": 0}
    model = HGANModel(HGANConfig(**{**settings, "text_config": {**text, "max_position_embeddings": 1}}))
    if level is not None:
        alone = [0.0 if name == level else float("-inf") for name in LEVELS]
        model.level_logits.requires_grad_(False).copy_(torch.tensor(alone))
    return model


class Pictures:
    """Features of records, and where to find those of each.

    Args:
        features: of `records`, in their order.
        records: each of them once.
        grounded_phrases: what the words of each caption name.
    """

    def __init__(
        self, features: Features, records: list[Record], grounded_phrases: Sequence[Sequence[GroundedPhrase]]
    ) -> None:
        self.features, self.records, self.grounded_phrases = features, records, grounded_phrases
        self.row_of = {record.path: row for row, record in enumerate(records)}
        self.first = (features.caption_counts.cumsum(0) - features.caption_counts).tolist()

    def without_cells(self) -> Pictures:
        """Detections alone."""
        return Pictures(self.features.without_cells(), self.records, self.grounded_phrases)


def phrases_of(
    records: Sequence[Record], truth: Mapping[str, SceneTruth], processor: HGANProcessor
) -> list[Sequence[GroundedPhrase]]:
    """What the words of each caption name: by the truth of scenes, else by known boxes and a list of nouns."""
    found: list[Sequence[GroundedPhrase]] = []
    for record in records:
        for number, caption in enumerate(record.captions):
            sentence = processor.read(caption)
            scene = truth.get(record.id)
            known = phrases_of_labels(sentence, record.regions or ()) if scene is None else None
            grounded_phrases = phrases_of_truth(sentence, number, scene) if scene is not None else known or ()
            found.append(grounded_phrases)
    return found


def train(model: HGANModel, data: TrainingSet, pictures: Pictures, config: TrainConfig, title: str) -> int:
    """Trains a head on features by the run's own step; returns the number of steps."""
    device = device_of("auto")
    model.to(device).train()
    update = Step(model, config)
    per_epoch, step = len(data.batches(config.batch_size)), 0
    total = config.epochs * per_epoch
    bar = tqdm(total=total, desc=title, unit="step")
    for epoch in range(config.epochs):
        data.epoch = epoch
        for indices in data.batches(config.batch_size):
            samples = [data[index] for index in indices]
            captions, targets = _texts(samples, pictures)
            rows = torch.tensor([pictures.row_of[sample.look[0]] for sample in samples])
            with update.autocast():
                images = model.graph_of_regions(pictures.features.regions(rows).to(device))
                blocks = captions.split(update.text_block)
                texts = [model.graph_of_words(pictures.features.words(block).to(device)) for block in blocks]
            losses = update(compare(model, images, texts), targets.to(device), step, total, step / per_epoch)
            step += 1
            bar.update()
            bar.set_postfix(loss=f"{losses['loss'].item():.3f}")
    bar.close()
    return step


def _texts(samples: Sequence[Sample], pictures: Pictures) -> tuple[Tensor, Targets]:
    """Captions drawn for a batch, by their numbers among the features and by rising length, and what is known of them. What the
    words name is known of whole pictures."""
    first = [pictures.first[pictures.row_of[sample.look[0]]] for sample in samples]
    plain = [replace(sample, grounded=False) for sample in samples]
    texts = texts_of(plain)
    captions = torch.tensor([first[text.row] + samples[text.row].drawn[text.caption] for text in texts])
    order = pictures.features.word_counts[captions].argsort(stable=True)
    captions, texts = captions[order], [texts[n] for n in order.tolist()]
    targets = targets_of(plain, texts, (), None)
    named, _ = pack([pictures.grounded_phrases[caption] for caption in captions.tolist()])
    return captions, replace(targets, named=named)


@torch.no_grad()
def score(model: HGANModel, pictures: Pictures) -> dict[str, Any]:
    """rsum of the score, R@1 of `full` captions where tags are known, and the share of words whose largest term lies on what
    they name (`hgan.evaluation.faithfulness.pointing`, all regions)."""
    model.eval().to("cpu")
    features, records = pictures.features, pictures.records
    images = [model.graph_of_regions(features.regions(rows)) for rows in torch.arange(len(records)).split(256)]
    order = features.word_counts.argsort()
    texts = concatenate([model.graph_of_words(features.words(block)) for block in order.split(256)])[order.argsort()]
    parameters = model.similarity_parameters.frozen()
    joined = concatenate(images)
    table = score_table(joined, texts, parameters)
    image_index = torch.arange(len(records)).repeat_interleave(features.caption_counts)
    report = evaluation_report(Scored(table, image_index, truth_of(records)), records)
    full = report.get("tags", {}).get("full")
    pointed = []
    for caption, (row, grounded_phrases) in enumerate(
        zip(image_index.tolist(), pictures.grounded_phrases, strict=True)
    ):
        if grounded_phrases:
            terms = pair_terms(joined[row], texts[caption], parameters)
            local, real = terms.local_words + terms.local_regions, joined.mask[row]
            boxes, kinds = joined.boxes[row][real], joined.kinds[row][real]
            pointed += [
                (named_phrase.kind, point(named_phrase, local, boxes, kinds)) for named_phrase in grounded_phrases
            ]
    share = summarise(pointed)["regions"]["all"]["share"] if pointed else None
    found = {"rsum": report["rsum"], "full_r1": full["r1"] if full else None, "pointing": share}
    return {name: value for name, value in found.items() if value is not None}
