"""Trains and scores what comes after the region encoder and the text encoder, on features extracted before."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.features import Features
from hgan.checkpoint import device_of
from hgan.cli.report import evaluation_report
from hgan.config import HGANConfig
from hgan.data.folder import Record
from hgan.data.phrases import Naming, grounding_loss, namings_of_labels, namings_of_truth
from hgan.data.truth import SceneTruth
from hgan.evaluation.evaluate import Scored
from hgan.evaluation.faithfulness.pointing import point, summarise
from hgan.evaluation.metrics import truth_of
from hgan.model.hgan import HGANModel
from hgan.model.similarity import join_columns, pair_terms, score_table
from hgan.processing import HGANProcessor
from hgan.training.batches import TrainingSet, draw_captions
from hgan.training.config import TrainConfig
from hgan.training.losses import objective
from hgan.training.optimizer import groups, schedule
from hgan.training.trainer import TEXT_BLOCK
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
        namings: what the words of each caption name.
    """

    def __init__(self, features: Features, records: list[Record], namings: Sequence[Sequence[Naming]]) -> None:
        self.features, self.records, self.namings = features, records, namings
        self.row_of = {record.path: row for row, record in enumerate(records)}
        self.first = (features.caption_counts.cumsum(0) - features.caption_counts).tolist()

    def without_cells(self) -> Pictures:
        """Detections alone."""
        return Pictures(self.features.without_cells(), self.records, self.namings)


def namings_of(
    records: Sequence[Record], truth: Mapping[str, SceneTruth], processor: HGANProcessor
) -> list[Sequence[Naming]]:
    """What the words of each caption name: by the truth of scenes, else by known boxes and a list of nouns."""
    found: list[Sequence[Naming]] = []
    for record in records:
        for number, caption in enumerate(record.captions):
            sentence = processor.read(caption)
            scene = truth.get(record.id)
            known = namings_of_labels(sentence, record.regions or ()) if scene is None else None
            found.append(namings_of_truth(sentence, number, scene) if scene is not None else known or ())
    return found


def train(model: HGANModel, data: TrainingSet, pictures: Pictures, config: TrainConfig, title: str) -> int:
    """Trains a head on features by the run's own objective and schedule; returns the number of steps."""
    device = device_of("auto")
    model.to(device).train()
    optimizer = torch.optim.AdamW(groups(model, config), fused=True)
    bf16 = config.precision == "bfloat16" or (config.precision == "auto" and device.type == "cuda")
    per_epoch, step = len(data.batches(config.batch_size)), 0
    bar = tqdm(total=config.epochs * per_epoch, desc=title, unit="step")
    for epoch in range(config.epochs):
        data.epoch = epoch
        for indices in data.batches(config.batch_size):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * schedule(step, config, per_epoch)
            captions, owner, rivals, teacher = _texts(data, pictures, indices)
            rows = torch.tensor([pictures.row_of[data.records[i].path] for i in indices])
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
                images = model.graph_of_regions(pictures.features.regions(rows).to(device))
                blocks = captions.split(TEXT_BLOCK)
                texts = [model.graph_of_words(pictures.features.words(block).to(device)) for block in blocks]
            table = join_columns([model.similarity(images, graph) for graph in texts])
            ramp = min(1.0, max(0.0, step / per_epoch - config.hinge_from))
            loss, _ = objective(
                table, owner.to(device), model.logit_scale.float().exp().clamp(max=100), rivals.to(device),
                None if teacher is None else teacher.to(device), hinge_weight=config.hinge_weight * ramp,
                level_weight=config.level_weight, teacher_weight=config.teacher_weight,
                teacher_temperature=config.teacher_temperature, margin=config.margin,
            )  # fmt: skip
            if config.grounding_weight:
                named = [pictures.namings[caption] for caption in captions.tolist()]
                temperature = model.similarity_parameters.temperature
                grounding = grounding_loss(images, concatenate(texts), owner, named, temperature)
                loss = loss + config.grounding_weight * grounding
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}")
    bar.close()
    return step


def _texts(data: TrainingSet, pictures: Pictures, indices: list[int]) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Captions drawn for a batch, by rising length: their numbers among the features, owner, rivals and, where it is known, the
    teacher's word, as in `hgan.training.batches`."""
    drawn = []
    for place, index in enumerate(indices):
        record, rng = data.records[index], random.Random(f"{data.seed} {data.epoch} {index}")
        true_of = [fact.true_of for fact in record.facts or ()] or [frozenset((record.id,))] * len(record.captions)
        first = pictures.first[pictures.row_of[record.path]]
        drawn += [(first + n, n, place, true_of[n]) for n in draw_captions(rng, list(map(len, true_of)), data.captions)]
    drawn.sort(key=lambda entry: int(pictures.features.word_counts[entry[0]]))
    owner = torch.tensor([place for _, _, place, _ in drawn])
    ids = [data.records[index].id for index in indices]
    rivals = torch.tensor([[id_ not in true for _, _, _, true in drawn] for id_ in ids])
    meanings = [data.meanings[index] for index in indices]
    if any(m is None for m in meanings):
        return torch.tensor([entry[0] for entry in drawn]), owner, rivals, None
    gists = torch.stack([F.normalize(m.mean(0), dim=0) for m in meanings if m is not None])
    texts = torch.stack([meanings[place][n] for _, n, place, _ in drawn])  # type: ignore[index]
    return torch.tensor([entry[0] for entry in drawn]), owner, rivals, gists @ texts.T


@torch.no_grad()
def score(model: HGANModel, pictures: Pictures) -> dict[str, Any]:
    """rsum of the score, R@1 of `full` captions where tags are known, and the share of words whose largest term lies on what
    they name (`hgan.evaluation.faithfulness.pointing`, all regions)."""
    model.eval().to("cpu")
    features, records = pictures.features, pictures.records
    images = [model.graph_of_regions(features.regions(rows)) for rows in torch.arange(len(records)).split(256)]
    order = features.word_counts.argsort()
    texts = concatenate([model.graph_of_words(features.words(block)) for block in order.split(256)])[order.argsort()]
    parameters = model.similarity_parameters
    joined = concatenate(images)
    table = score_table(joined, texts, parameters)
    owner = torch.arange(len(records)).repeat_interleave(features.caption_counts)
    report = evaluation_report(Scored(table, owner, truth_of(records)), records)
    full = report.get("tags", {}).get("full")
    pointed = []
    for caption, (row, namings) in enumerate(zip(owner.tolist(), pictures.namings, strict=True)):
        if namings:
            terms = pair_terms(joined[row], texts[caption], parameters)
            local, real = terms.local_words + terms.local_regions, joined.mask[row]
            boxes, kinds = joined.boxes[row][real], joined.kinds[row][real]
            pointed += [(naming.kind, point(naming, local, boxes, kinds)) for naming in namings]
    share = summarise(pointed)["regions"]["all"]["share"] if pointed else None
    found = {"rsum": report["rsum"], "full_r1": full["r1"] if full else None, "pointing": share}
    return {name: value for name, value in found.items() if value is not None}
