"""The audit of one model on one dataset: everything is encoded once, then asked five questions."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from tqdm import tqdm

from ...data.phrases import TEACHER, GroundedPhrase, phrases_of_labels, phrases_of_truth
from ...data.readable import none_readable, open_readable
from ...data.record import Box, Record
from ...data.truth import SceneTruth
from ...encoding import encode_texts, to_pixels
from ...io.left_out import LeftOut, log
from ...model.hgan import HGANModel
from ...model.similarity import SimilarityParameters, pair_terms, similarity
from ...processing import HGANProcessor, Sentence
from ...types import ImageGraph, Regions, TextGraph, concatenate
from . import deletion, edges, pointing, proposals

PAIRS = 10_000  # of the additivity check
BATCH = 32


def audit(
    model: HGANModel,
    processor: HGANProcessor,
    records: Sequence[Record],
    truth: Mapping[str, SceneTruth] | None = None,
    seed: int = 0,
    pairs: int | None = None,
    progress: bool = False,
    left_out: list[LeftOut] | None = None,
) -> dict[str, Any]:
    """Pointing of words and of edges, deletion, additivity and proposals, as plain data; the modules of this package say what
    each holds.

    Args:
        model: in eval mode.
        records: with captions, and with known boxes for pointing and proposals.
        truth: scenes by record id, where exact mentions are known; otherwise words name COCO labels, and the known boxes are a
            teacher's.
        seed: of the random orders, of the caption of each picture that deletion looks at, and of the pairs.
        pairs: checked for additivity, of any pictures and captions; PAIRS by default.
        progress: show progress bars.
        left_out: takes the pictures that cannot be read; without it they go to the log of "hgan".

    Raises:
        ValueError: no picture can be read, or no record has a caption.
    """
    unread = list[LeftOut]()
    _captions_of(records)
    regions, images, records = _encode(model, records, unread, progress)
    if left_out is None:
        log(unread, records[0].path.parent)
    else:
        left_out += unread
    captions = _captions_of(records)
    said = [records[row].captions[n] for row, n in captions]
    texts, sentences = encode_texts(model, processor, said, progress=progress), list(map(processor.read, said))
    parameters = model.similarity_parameters.frozen()
    known = [[box for box in record.regions or () if box.score >= TEACHER] for record in records]

    pointed, edges_pointed = [], []
    for column, (row, number) in enumerate(tqdm(captions, desc="pointing", unit="caption", disable=not progress)):
        if grounded_phrases := _phrases_of(records[row], number, sentences[column], truth or {}, known[row]):
            nodes, pair = _pointed(grounded_phrases, images[row], texts[column], parameters)
            pointed += nodes
            edges_pointed += [pair] if pair is not None else []

    return {
        "truth": "exact" if truth is not None else "teacher",
        "pictures": len(records),
        "captions": len(captions),
        "seed": seed,
        "pointing": pointing.summarise(pointed),
        "edges": edges.summarise(edges_pointed),
        "deletion": _deletion(model, processor, records, regions, seed, progress),
        "additivity": _additivity(images, texts, parameters, seed, PAIRS if pairs is None else pairs, progress),
        "proposals": _proposals(model, images, known, records),
    }


def _phrases_of(
    record: Record, number: int, sentence: Sentence, truth: Mapping[str, SceneTruth], known: Sequence[Box]
) -> Sequence[GroundedPhrase]:
    """What the words of a caption name: by the truth of the scene, or by known boxes and a list of nouns."""
    if record.id in truth:
        return phrases_of_truth(sentence, record.number(number), truth[record.id])
    return phrases_of_labels(sentence, known)


def _captions_of(records: Sequence[Record]) -> list[tuple[int, int]]:
    """Row and number of every caption."""
    captions = [(row, number) for row, record in enumerate(records) for number in range(len(record.captions))]
    if not captions:
        raise ValueError("got a dataset without captions, but expected some to audit with")
    return captions


def _pointed(
    grounded_phrases: Sequence[GroundedPhrase], image: ImageGraph, text: TextGraph, parameters: SimilarityParameters
) -> tuple[list[tuple[str, dict[str, pointing.Pointed]]], edges.EdgePointed | None]:
    """Where the words of each phrase point, and where the edges between phrases do, of one pair."""
    terms = pair_terms(image, text, parameters)
    local, real = terms.local_words + terms.local_regions, image.mask[0]
    boxes, kinds = image.boxes[0][real], image.kinds[0][real]
    pair = None if text.relations is None else edges.point_edges(grounded_phrases, terms.edges, text.relations, boxes)
    return [
        (named_phrase.kind, pointing.point(named_phrase, local, boxes, kinds)) for named_phrase in grounded_phrases
    ], pair


@torch.no_grad()
def _encode(
    model: HGANModel, records: Sequence[Record], left_out: list[LeftOut], progress: bool
) -> tuple[Regions, ImageGraph, list[Record]]:
    """Regions, as the graph gets them, and graphs of all pictures that can be read, on the CPU; and their records."""
    regions, images, kept = [], [], list[Record]()
    for start in tqdm(range(0, len(records), BATCH), desc="pictures", unit="batch", disable=not progress):
        pictures, read, unread = open_readable(records[start : start + BATCH], model.config.image_size)
        left_out += unread
        kept += read
        if not pictures:
            continue
        found, _ = model.encode_regions(to_pixels(pictures, model).to(model.device))
        regions.append(found.to("cpu"))
        images.append(model.encode_image(regions=found).to("cpu"))
    if not kept:
        raise ValueError(none_readable(len(records), left_out))
    return concatenate(regions), concatenate(images), kept


@torch.no_grad()
def _deletion(
    model: HGANModel, processor: HGANProcessor, records: Sequence[Record], regions: Regions, seed: int, progress: bool
) -> dict[str, Any]:
    """One caption of each picture, drawn with the seed."""
    chooser, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    costs: dict[str, list[deletion.Costs]] = {"regions": [], "words": []}
    for row, record in enumerate(tqdm(records, desc="deletion", unit="pair", disable=not progress)):
        if not record.captions:
            continue
        words = model.encode_words(**processor(text=chooser.choice(record.captions)).to(model.device))
        for name, cost in deletion.costs_of_pair(model, regions[row].to(model.device), words, generator).items():
            if cost is not None:
                costs[name].append(cost)
    return {name: deletion.summarise(listed) for name, listed in costs.items()}


def _additivity(
    images: ImageGraph, texts: TextGraph, parameters: SimilarityParameters, seed: int, pairs: int, progress: bool
) -> dict[str, float]:
    """How far the terms that an explanation lists, added in double precision, are from the score."""
    chooser, worst, total = random.Random(seed), 0.0, 0.0
    for _ in tqdm(range(pairs), desc="additivity", unit="pair", disable=not progress):
        image, text = images[chooser.randrange(len(images))], texts[chooser.randrange(len(texts))]
        terms = pair_terms(image, text, parameters)
        error = abs(terms.total.item() - similarity(image, text, parameters).score.item())
        worst, total = max(worst, error), total + error
    return {"pairs": pairs, "worst": worst, "mean": total / max(1, pairs)}


def _proposals(
    model: HGANModel, images: ImageGraph, known: Sequence[Sequence[Box]], records: Sequence[Record]
) -> dict[str, Any]:
    looked = [row for row, record in enumerate(records) if record.regions is not None]
    compared = [proposals.compare(images[row], known[row], model.config.labels) for row in looked]
    boxes = [box for pair in compared for box in pair[0]]
    detections = [detection for pair in compared for detection in pair[1]]
    return proposals.summarise(boxes, detections, len(looked))
