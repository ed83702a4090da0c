"""Training samples and their order. Every sample is a function of (seed, epoch, index) alone, so that a resumed run sees exactly
what the unbroken one would have seen."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..data.augment import draw_window, move_boxes
from ..data.batch import Batch
from ..data.collate import Collate
from ..data.hard_negatives import falsify
from ..data.mirror import has_sides, mirrored
from ..data.record import Record
from ..data.samples import FalseCaption, Look, Sample, View, draw_captions
from ..data.truth import SceneTruth

_EXACT_CROP = 0.9
_TELLING = 4.0  # a caption that tells the members of its group apart is drawn so much more often


class TrainingSet(Dataset[Any]):
    """Augmented samples of records; set `epoch` before each pass.

    Args:
        records: with at least one caption each. A record may be there several times: an epoch passes through it so often.
        captions: drawn for each picture and epoch, without replacement where there are enough; the fewer pictures a
            caption is true of, the more often it is drawn.
        crop: least share of the area that a random crop keeps; 1 switches cropping off.
        seed: of every random choice.
        sources: which dataset each record is from; batches are of one dataset, for a photograph is no negative of a scene.
        caption_embeddings: of the captions of each record, where a teacher gave them.
        truth: by record id, for grounding words where truth is exact.
        grounded: ground words; where truth is not exact, by the known boxes and a list of nouns.
        false: add false versions of captions whose truth is exact.
        mirrored_pairs: each picture whose truth is exact comes with its mirror image, the sides in its captions exchanged: the
            record ~index.
        groups: whole groups stay in one batch, and captions that tell their members apart are drawn more often.
        whole: pictures are seen whole and as they are, for a model that knows their regions.

    Raises:
        ValueError: a record has no caption.
    """

    def __init__(
        self,
        records: list[Record],
        captions: int,
        crop: float,
        seed: int,
        sources: Sequence[int] | None = None,
        caption_embeddings: Sequence[Tensor | None] | None = None,
        truth: Mapping[str, SceneTruth] | None = None,
        grounded: bool = False,
        false: bool = False,
        mirrored_pairs: bool = False,
        groups: bool = False,
        whole: bool = False,
    ) -> None:
        bare = next((r.id for r in records if not r.captions), None)
        if bare is not None:
            raise ValueError(f"got picture {bare} without captions, but expected at least one to train on")
        self.records, self.captions, self.crop, self.seed = records, captions, crop, seed
        self.sources = list(sources or [0] * len(records))
        self.caption_embeddings = list(caption_embeddings or [None] * len(records))
        self.truth, self.grounded, self.false = truth or {}, grounded, false
        self.mirrored_pairs, self.groups, self.whole = mirrored_pairs, groups, whole
        self.members = members_of(self.sources, records)
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.records)

    def batches(self, batch_size: int) -> list[list[int]]:
        """The shuffled batches of this epoch. A batch is of one dataset and holds groups whole, so that the hardest negatives
        meet; what does not fill a batch is left out."""
        rng = np.random.default_rng((self.seed, self.epoch))
        units: dict[Any, list[int]] = {}  # a group, or a record without one
        times: Counter[str] = Counter()
        for index, (source, record) in enumerate(zip(self.sources, self.records, strict=True)):
            times[record.id] += 1
            units.setdefault((source, (record.group, times[record.id]) if record.group else index), []).append(index)
        keys = list(units)
        order = [keys[i] for i in rng.permutation(len(keys))]
        batches = []
        for source in sorted(set(self.sources)):
            own = [units[key] for key in order if key[0] == source]
            if self.mirrored_pairs and self.records[own[0][0]].facts is not None:
                own = [[look for index in unit for look in (index, ~index)] for unit in own]
            batches += whole_units(own, batch_size) if self.groups else in_chunks(own, batch_size)
        return [batches[i] for i in rng.permutation(len(batches))]

    def leave_out(self, paths: Container[Path]) -> None:
        """Leaves out the records of these pictures, for they cannot be read.

        Raises:
            ValueError: no record is left.
        """
        kept = [n for n, record in enumerate(self.records) if record.path not in paths]
        if not kept:
            raise ValueError(
                f"got {len(self.records):,} pictures of which none can be read, but expected some to train on"
            )
        self.records, self.sources = [self.records[n] for n in kept], [self.sources[n] for n in kept]
        self.caption_embeddings = [self.caption_embeddings[n] for n in kept]

    def __getitem__(self, index: int) -> Sample:
        rng = random.Random(f"{self.seed} {self.epoch} {index}")
        twin, index = index < 0, max(index, ~index)
        record = self.records[index]
        true_of = [fact.true_of for fact in record.facts or ()] or [frozenset((record.id,))] * len(record.captions)
        drawn = draw_captions(rng, self._weights(index, true_of), self.captions)
        captions = [mirrored(record.captions[i]) if twin else record.captions[i] for i in drawn]
        view = self._view(rng, record, twin, captions)
        regions = None if record.regions is None else move_boxes(record.regions, view.window, view.mirror)
        caption_embeddings, mean_embedding = self.caption_embeddings[index], None
        if caption_embeddings is not None:
            mean_embedding, caption_embeddings = (
                F.normalize(caption_embeddings.mean(0), dim=0),
                caption_embeddings[drawn],
            )
        truth, things = self.truth.get(record.id), None
        if truth is not None:
            seen = {id_: move_boxes((box,), view.window, view.mirror) for id_, box in truth.things.items()}
            things = {id_: boxes[0] for id_, boxes in seen.items() if boxes}
        exact = record.facts is not None
        return Sample(
            record.id,
            captions,
            regions,
            [true_of[i] for i in drawn],
            (record.path, twin),
            view,
            tuple(drawn),
            caption_embeddings,
            mean_embedding,
            tuple(map(record.number, drawn)),
            truth,
            things,
            self.grounded,
            _false_versions(captions, rng) if self.false and exact else (),
            f"{self.sources[index]} {record.group or record.id}" if exact else None,
        )

    def _weights(self, index: int, true_of: Sequence[frozenset[str]]) -> list[float]:
        """How often each caption is drawn."""
        weights = [1 / max(1, len(true)) ** 0.5 for true in true_of]
        others = self.members.get((self.sources[index], self.records[index].group))
        if self.groups and others:
            weights = [w if others <= true else _TELLING * w for w, true in zip(weights, true_of, strict=True)]
        return weights

    def _view(self, rng: random.Random, record: Record, twin: bool, captions: Sequence[str]) -> View:
        if self.whole:
            return View(mirror=twin)
        # Where the truth of captions is exact, a crop must hardly cut away what they count.
        window = draw_window(rng, self.crop if record.facts is None else max(self.crop, _EXACT_CROP))
        mirror = twin
        if not self.mirrored_pairs or record.facts is None:
            mirror = rng.random() < 0.5 and not any(map(has_sides, captions))
        if self.crop == 1:
            return View(window, mirror)
        return View(window, mirror, rng.uniform(0.8, 1.2), rng.uniform(0.8, 1.2))

    @property
    def looks(self) -> list[Look]:
        """Every picture that samples are of, mirror images among them."""
        plain = [(record.path, False) for record in self.records]
        return plain + [
            (record.path, True) for record in self.records if self.mirrored_pairs and record.facts is not None
        ]


def members_of(sources: Sequence[int], records: Sequence[Record]) -> dict[tuple[int, str | None], set[str]]:
    """Ids of the records of each group of each dataset."""
    members: dict[tuple[int, str | None], set[str]] = {}
    for source, record in zip(sources, records, strict=True):
        if record.group is not None:
            members.setdefault((source, record.group), set()).add(record.id)
    return members


def in_chunks(units: Sequence[Sequence[int]], size: int) -> list[list[int]]:
    """Batches of units one after the other; the last one of a batch may go on in the next."""
    flat = [index for unit in units for index in unit]
    return [flat[i : i + size] for i in range(0, len(flat) - size + 1, size)]


def whole_units(units: Sequence[Sequence[int]], size: int) -> list[list[int]]:
    """Full batches of whole units: one that does not fit any more waits for the next batch. A unit larger than a batch is cut."""
    waiting = [unit[i : i + size] for unit in units for i in range(0, len(unit), size)]
    batches: list[list[int]] = []
    while waiting:
        batch, rest = list[int](), list[Sequence[int]]()
        for place, unit in enumerate(waiting):
            if len(batch) + len(unit) <= size:
                batch += unit
            else:
                rest.append(unit)
            if len(batch) == size:
                rest += waiting[place + 1 :]
                break
        if len(batch) < size:  # nothing that waits fills it
            break
        batches.append(batch)
        waiting = rest
    return batches


def _false_versions(captions: Sequence[str], rng: random.Random) -> tuple[FalseCaption, ...]:
    false = [(falsify(caption, rng), n) for n, caption in enumerate(captions)]
    return tuple(FalseCaption(text, n) for text, n in false if text is not None)


def loader(data: TrainingSet, collate: Collate, batch_size: int, start: int, workers: int) -> Iterator[Batch]:
    """Batches of the set's current epoch from batch `start` on; a last batch that is not full is dropped.

    From a worker process a batch comes as bytes: sent as tensors, each of its few dozen would keep a file open.
    """
    batches: DataLoader[Any] = DataLoader(
        data,
        batch_sampler=data.batches(batch_size)[start:],
        collate_fn=partial(_as_bytes, collate) if workers else collate,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        # Its own: a loader draws a seed from the global generator, and a resumed run opens one more loader.
        generator=torch.Generator(),
    )
    for batch in batches:
        yield pickle.loads(batch) if workers else batch


def _as_bytes(collate: Collate, samples: list[Sample]) -> bytes:
    return pickle.dumps(collate(samples), protocol=pickle.HIGHEST_PROTOCOL)
