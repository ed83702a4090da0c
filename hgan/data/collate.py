"""Samples to batches: texts as tokens, and all that the losses are told about pictures and texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..labels import label_index
from ..processing import HGANProcessor, Sentence
from .batch import NONE, Batch, Named, NamedPairs, Targets
from .mirror import has_sides
from .phrases import GroundedPhrase, phrases_of_labels, phrases_of_truth
from .samples import Sample
from .spatial import sides_of

KEPT = 200_000  # sentences whose words a process remembers


class Reader:
    """Words and tokens of sentences, remembered: a caption comes again every epoch.

    Args:
        processor: for its tokenizer.
    """

    def __init__(self, processor: HGANProcessor) -> None:
        self.processor = processor
        self.known: dict[str, tuple[dict[str, Tensor], Sentence]] = {}

    def __call__(self, text: str) -> tuple[dict[str, Tensor], Sentence]:
        """Tokens of a sentence as the processor gives them, each (T,), and its words."""
        found = self.known.get(text)
        if found is None:
            tokens = {name: row[0] for name, row in self.processor(text=[text]).items()}
            found = tokens, self.processor.read(text)
            if len(self.known) < KEPT:
                self.known[text] = found
        return found


class Collate:
    """Samples to a `Batch`.

    Args:
        processor: for its tokenizer.
        labels: display labels of the model.
    """

    def __init__(self, processor: HGANProcessor, labels: Sequence[str]) -> None:
        self.read, self.labels = Reader(processor), list(labels)
        self.pad = int(processor.tokenizer.pad_token_id or 0)

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        texts = texts_of(samples)
        told = targets_of(samples, texts, self.labels, lambda text: self.read(text)[1])
        tokens = [self.read(text.text)[0] for text in texts]
        lengths = tuple(len(row["input_ids"]) for row in tokens)
        padding = {"input_ids": self.pad, "attention_mask": 0, "word_index": NONE, "content_mask": 0}
        padded: dict[str, Any] = {"content_mask": None}
        for name in tokens[0]:
            padded[name] = pad_sequence([row[name] for row in tokens], batch_first=True, padding_value=padding[name])
        views = [sample.view for sample in samples]
        return Batch(
            **vars(told),
            **padded,
            lengths=lengths,
            windows=torch.tensor([view.window for view in views]),
            mirror=torch.tensor([view.mirror for view in views]),
            light=torch.tensor([[view.brightness, view.contrast] for view in views]),
            looks=tuple(sample.look for sample in samples),
            ids=tuple(sample.id for sample in samples),
        )


@dataclass(frozen=True)
class Text:
    """A text of a batch: caption number `caption` of sample `row`, or a false version of it."""

    text: str
    row: int
    caption: int
    true: bool


def texts_of(samples: Sequence[Sample]) -> list[Text]:
    """The texts of a batch, sorted by length, so that the trainer can cut them into blocks with little padding."""
    texts = [
        text
        for row, sample in enumerate(samples)
        for text in (
            *(Text(caption, row, n, True) for n, caption in enumerate(sample.captions)),
            *(Text(false.text, row, false.of, False) for false in sample.false),
        )
    ]
    return sorted(texts, key=lambda text: len(text.text))


def targets_of(samples: Sequence[Sample], texts: Sequence[Text], labels: Sequence[str], read: Any) -> Targets:
    """What is known of a batch.

    Args:
        samples: its pictures.
        texts: as `texts_of` gives them.
        labels: display labels of the model.
        read: gives the `Sentence` of a text.
    """
    column = {(text.row, text.caption): n for n, text in enumerate(texts) if text.true}
    negatives = [
        [sample.refuses(samples[text.row], text.caption) if text.true else text.row == row for text in texts]
        for row, sample in enumerate(samples)
    ]
    grounded_phrases = [_phrases_of(samples[text.row], text, read) for text in texts]
    named, starts = pack(grounded_phrases)
    sides = [
        (side.channel, starts[n] + side.low, starts[n] + side.high)
        for n, text in enumerate(texts)
        for side in sides_of(text.text, grounded_phrases[n])
    ]
    numbers: dict[str, int] = {}
    group = [NONE if s.group is None else numbers.setdefault(s.group, len(numbers)) for s in samples]
    return Targets(
        image_index=torch.tensor([text.row if text.true else NONE for text in texts]),
        negatives=torch.tensor(negatives),
        teacher=_teacher(samples, texts),
        group=torch.tensor(group),
        false_of=torch.tensor([NONE if text.true else column[text.row, text.caption] for text in texts]),
        named=named,
        sides=torch.tensor(sides, dtype=torch.long).view(-1, 3),
        pairs=_pairs(samples, texts, grounded_phrases, starts, read),
        **_boxes(samples, labels),
    )


def pack(grounded_phrases: Sequence[Sequence[GroundedPhrase]]) -> tuple[Named, list[int]]:
    """The phrases of each text as tensors, and the row at which those of each text begin."""
    flat = [(n, named_phrase) for n, own in enumerate(grounded_phrases) for named_phrase in own]
    starts, row = [], 0
    for own in grounded_phrases:
        starts.append(row)
        row += len(own)
    most = max((len(named_phrase.boxes) for _, named_phrase in flat), default=1)
    boxes, mask = torch.zeros(len(flat), most, 4), torch.zeros(len(flat), most, dtype=torch.bool)
    for row, (_, named_phrase) in enumerate(flat):
        boxes[row, : len(named_phrase.boxes)] = named_phrase.boxes
        mask[row, : len(named_phrase.boxes)] = True
    text = torch.tensor([n for n, _ in flat], dtype=torch.long)
    return Named(text, _padded([named_phrase.words for _, named_phrase in flat]), boxes, mask), starts


def _padded(rows: Sequence[Sequence[int]]) -> Int[Tensor, "rows most"]:
    most = max((len(row) for row in rows), default=1) or 1
    return torch.tensor([[*row, *(NONE,) * (most - len(row))] for row in rows], dtype=torch.long).view(-1, most)


def _phrases_of(sample: Sample, text: Text, read: Any) -> tuple[GroundedPhrase, ...]:
    if not sample.grounded or not text.true:
        return ()
    if sample.truth is None:
        return tuple(phrases_of_labels(read(text.text), sample.regions or ()))
    number = sample.numbers[text.caption]
    return tuple(phrases_of_truth(read(text.text), number, sample.truth, sample.things))


def _pairs(
    samples: Sequence[Sample],
    texts: Sequence[Text],
    grounded_phrases: Sequence[Sequence[GroundedPhrase]],
    starts: Sequence[int],
    read: Any,
) -> NamedPairs:
    """All pairs of phrases of a text. Where it has a side and names two things alone, no pair of the mirror image fits."""
    rows = {sample.look: row for row, sample in enumerate(samples)}
    false = {(text.row, text.caption): n for n, text in enumerate(texts) if not text.true}
    ends, mirrors, others, words = [], [], [], []
    for n, (text, own) in enumerate(zip(texts, grounded_phrases, strict=True)):
        order = sorted(range(len(own)), key=lambda place: own[place].words)
        turned = NONE
        if len(own) == 2 and has_sides(text.text):
            path, twin = samples[text.row].look
            turned = rows.get((path, not twin), NONE)
        for place, first in enumerate(order):
            for second in order[place + 1 :]:
                other = false.get((text.row, text.caption), NONE)
                found: tuple[list[int], list[int]] = ([], [])
                if other != NONE:
                    said, now = (_node_words(read(one)) for one in (text.text, texts[other].text))
                    found = same_words(said, now, own[first].words), same_words(said, now, own[second].words)
                ends.append((starts[n] + first, starts[n] + second))
                mirrors.append(turned)
                others.append(other if all(found) else NONE)
                words.append(found)
    both = torch.tensor(ends, dtype=torch.long).view(-1, 2)
    return NamedPairs(
        both[:, 0], both[:, 1], torch.tensor(mirrors, dtype=torch.long), torch.tensor(others, dtype=torch.long),
        _padded([a for a, _ in words]), _padded([b for _, b in words]),
    )  # fmt: skip


def _node_words(sentence: Sentence) -> list[str]:
    """The words of a sentence that are nodes of its graph, in the order of the nodes."""
    return [word for n, word in enumerate(sentence.words) if sentence.node_of(n) is not None]


def same_words(said: Sequence[str], now: Sequence[str], words: Sequence[int]) -> list[int]:
    """Where words of one sentence stand in another: the nth "car" of the one is the nth of the other."""
    lower, found = [word.lower() for word in now], []
    for place in words:
        word = said[place].lower()
        rank = sum(other.lower() == word for other in said[:place])
        places = [n for n, other in enumerate(lower) if other == word]
        if rank < len(places):
            found.append(places[rank])
    return found


def _teacher(samples: Sequence[Sample], texts: Sequence[Text]) -> Tensor | None:
    gists = [sample.mean_embedding for sample in samples if sample.mean_embedding is not None]
    if len(gists) != len(samples):
        return None
    caption_embeddings = [samples[text.row].caption_embeddings for text in texts]
    meant = [m[text.caption] for m, text in zip(caption_embeddings, texts, strict=True) if m is not None]
    return torch.stack(gists) @ torch.stack(meant).T


def _boxes(samples: Sequence[Sample], labels: Sequence[str]) -> dict[str, Any]:
    most = max(1, max(len(s.regions or ()) for s in samples))
    boxes, kinds = torch.zeros(len(samples), most, 4), torch.full((len(samples), most), NONE)
    scores, mask = torch.zeros(len(samples), most), torch.zeros(len(samples), most, dtype=torch.bool)
    for row, sample in enumerate(samples):
        known = sample.regions or ()
        if known:
            boxes[row, : len(known)] = torch.tensor([region.box for region in known])
            indices = [label_index(region.label, tuple(labels)) for region in known]
            kinds[row, : len(known)] = torch.tensor([NONE if index is None else index for index in indices])
            scores[row, : len(known)] = torch.tensor([region.score for region in known])
            mask[row, : len(known)] = True
    has = torch.tensor([sample.regions is not None for sample in samples])
    return {"boxes": boxes, "labels": kinds, "scores": scores, "box_mask": mask, "has_boxes": has}
