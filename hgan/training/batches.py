"""Training batches: augmentation, several captions a picture, padding. Every sample is a function of (seed, epoch,
index) alone,
so that a resumed run sees exactly what the unbroken one would have seen."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from PIL import Image, ImageEnhance
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..data.augment import WHOLE, Window, draw_window, move_boxes, see
from ..data.hard_negatives import falsify
from ..data.mirror import has_sides, mirrored
from ..data.phrases import Naming, namings_of_labels, namings_of_truth
from ..data.record import Box, Record
from ..data.spatial import Side, sides_of
from ..data.substitutes import Pictures
from ..data.truth import SceneTruth
from ..io.pixels import pixels
from ..labels import label_index
from ..processing import HGANProcessor
from ..types import Batched

_EXACT_CROP = 0.9

Look = tuple[Path, bool]  # a picture, and whether it is its mirror image that is meant


@dataclass(frozen=True)
class Batch(Batched):
    """B pictures, T texts sorted by length, at most G known boxes a picture."""

    pixel_values: Float[Tensor, "batch 3 size size"] | None  # None where regions are known already
    input_ids: Int[Tensor, "texts tokens"]
    attention_mask: Int[Tensor, "texts tokens"]
    word_index: Int[Tensor, "texts tokens"]
    owner: Int[Tensor, texts]  # row of the picture a text belongs to; -1 for a false text
    boxes: Float[Tensor, "batch targets 4"]
    labels: Int[Tensor, "batch targets"]
    scores: Float[Tensor, "batch targets"]
    box_mask: Bool[Tensor, "batch targets"]
    has_boxes: Bool[Tensor, batch]
    # The text is not known to be true of the picture; a false text is a rival of one picture alone.
    rivals: Bool[Tensor, "batch texts"]
    teacher: Float[Tensor, "batch texts"] | None = None  # how like the text is to the picture's captions
    namings: tuple[tuple[Naming, ...], ...] = ()  # of each text; none where there is no truth
    ids: tuple[str, ...] = ()
    sides: tuple[tuple[Side, ...], ...] = ()  # of each text
    looks: tuple[Look, ...] = ()

    def text_blocks(self, size: int) -> list[dict[str, Int[Tensor, "texts tokens"]]]:
        """The texts in blocks of `size`, each cut to its longest: the inputs of the sentence tower."""
        blocks = []
        for start in range(0, len(self.owner), size):
            mask = self.attention_mask[start : start + size]
            most = int(mask.sum(1).max())
            parts = (self.input_ids[start : start + size], mask, self.word_index[start : start + size])
            blocks.append(
                {n: p[:, :most] for n, p in zip(("input_ids", "attention_mask", "word_index"), parts, strict=True)}
            )
        return blocks


@dataclass(frozen=True)
class Sample:
    """One picture, augmented, before it is padded into a batch."""

    id: str
    image: Image.Image | None
    captions: list[str]
    regions: list[Box] | None
    true_of: list[frozenset[str]]  # one a caption: ids of the records it is known to be true of
    meanings: Float[Tensor, "captions meaning"] | None = None  # unit vectors, one a caption
    gist: Float[Tensor, meaning] | None = None  # of all captions of the picture together
    numbers: tuple[int, ...] = ()  # of the captions in the file
    truth: SceneTruth | None = None
    things: dict[str, Box] | None = None  # those of the truth that are seen, where they are seen
    grounded: bool = False
    false: tuple[str, ...] = ()  # captions made false
    look: Look | None = None

    def refuses(self, other: Sample, caption: int) -> bool:
        """Whether a caption of another sample is a rival here: it is not known to be true of this picture. What a caption with
        a side says of the mirror images of other pictures is not known either way."""
        turned = self.look is not None and other.look is not None and self.look[1] != other.look[1]
        if turned and has_sides(other.captions[caption]):
            return self.id == other.id
        return self.id not in other.true_of[caption]


class TrainingSet(Dataset[Any]):
    """Augmented samples of records; set `epoch` before each pass.

    Args:
        records: with at least one caption each. A record may be there several times: an epoch passes through it so often.
        size: side of the picture in pixels.
        captions: drawn for each picture and epoch, without replacement where there are enough; the fewer pictures a
            caption is true of, the more often it is drawn.
        crop: least share of the area that a random crop keeps; 1 switches cropping off.
        seed: of every random choice.
        sources: which dataset each record is from; batches are of one dataset, for a photograph is no rival of a scene.
        meanings: of the captions of each record, where a teacher gave them.
        truth: by record id, for grounding words where truth is exact.
        grounded: ground words; where truth is not exact, by the known boxes and a list of nouns.
        false: add false versions of captions whose truth is exact.
        twins: beside each picture whose truth is exact stands its mirror image, with the sides in its captions exchanged. It is
            the record ~index.
        pixels: False leaves pictures unread and whole, for a model that knows their regions.
    """

    def __init__(
        self,
        records: list[Record],
        size: int,
        captions: int,
        crop: float,
        seed: int,
        sources: Sequence[int] | None = None,
        meanings: Sequence[Tensor | None] | None = None,
        truth: Mapping[str, SceneTruth] | None = None,
        grounded: bool = False,
        false: bool = False,
        twins: bool = False,
        pixels: bool = True,
    ) -> None:
        bare = next((r.id for r in records if not r.captions), None)
        if bare is not None:
            raise ValueError(f"got picture {bare} without captions, but expected at least one to train on")
        self.records, self.size, self.captions, self.crop, self.seed = records, size, captions, crop, seed
        self.sources = sources or [0] * len(records)
        self.meanings = meanings or [None] * len(records)
        self.truth, self.grounded, self.false = truth or {}, grounded, false
        self.twins, self.pixels = twins, pixels
        self.pictures = Pictures(self.records, self.sources)
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.records)

    def batches(self, batch_size: int) -> list[list[int]]:
        """The shuffled batches of this epoch. A batch is of one dataset and holds groups whole, so that the hardest
        rivals meet; what does not fill a batch is left out."""
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
            indices = [index for key in order if key[0] == source for index in units[key]]
            if self.twins and self.records[indices[0]].facts is not None:
                indices = [look for index in indices for look in (index, ~index)]
            batches += [indices[i : i + batch_size] for i in range(0, len(indices) - batch_size + 1, batch_size)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def leave_out(self, paths: Container[Path]) -> None:
        """Leaves out the records of these pictures, for a run that cannot read them.

        Raises:
            ValueError: no record is left.
        """
        kept = [n for n, record in enumerate(self.records) if record.path not in paths]
        if not kept:
            raise ValueError(
                f"got {len(self.records):,} pictures of which none can be read, but expected some to train on"
            )
        self.records, self.sources = [self.records[n] for n in kept], [self.sources[n] for n in kept]
        self.meanings = [self.meanings[n] for n in kept]
        self.pictures = Pictures(self.records, self.sources)

    def __getitem__(self, index: int) -> Sample:
        rng = random.Random(f"{self.seed} {self.epoch} {index}")
        twin, index = index < 0, max(index, ~index)
        index, picture = self.pictures(index) if self.pixels else (index, None)
        record = self.records[index]
        true_of = [fact.true_of for fact in record.facts or ()] or [frozenset((record.id,))] * len(record.captions)
        drawn = draw_captions(rng, [len(true) for true in true_of], self.captions)
        captions = [mirrored(record.captions[i]) if twin else record.captions[i] for i in drawn]
        window, mirror = WHOLE, twin
        if self.pixels:
            # Where the truth of captions is exact, a crop must hardly cut away what they count.
            window = draw_window(rng, self.crop if record.facts is None else max(self.crop, _EXACT_CROP))
            if not self.twins or record.facts is None:
                mirror = rng.random() < 0.5 and not any(map(has_sides, captions))
        image = self._see(picture, window, mirror, rng) if picture is not None else None
        regions = None if record.regions is None else move_boxes(record.regions, window, mirror)
        meanings, gist = self.meanings[index], None
        if meanings is not None:
            gist, meanings = F.normalize(meanings.mean(0), dim=0), meanings[drawn]
        truth, things = self.truth.get(record.id), None
        if truth is not None:
            seen = {id_: move_boxes((box,), window, mirror) for id_, box in truth.things.items()}
            things = {id_: boxes[0] for id_, boxes in seen.items() if boxes}
        true = [true_of[i] for i in drawn]
        false = [falsify(c, rng) for c in captions] if self.false and record.facts is not None else []
        return Sample(
            record.id, image, captions, regions, true, meanings, gist, tuple(map(record.number, drawn)), truth, things,
            self.grounded, tuple(text for text in false if text is not None), (record.path, twin),
        )  # fmt: skip

    def _see(self, picture: Image.Image, window: Window, mirror: bool, rng: random.Random) -> Image.Image:
        image = see(picture, self.size, window, mirror)
        if self.crop < 1:
            image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.2))
            image = ImageEnhance.Contrast(image).enhance(rng.uniform(0.8, 1.2))
        return image

    @property
    def looks(self) -> list[Look]:
        """Every picture that samples are of, mirror images among them."""
        plain = [(record.path, False) for record in self.records]
        return plain + [(record.path, True) for record in self.records if self.twins and record.facts is not None]


def draw_captions(rng: random.Random, spread: list[int], count: int) -> list[int]:
    """Indices of captions: without replacement first, then with; weighted by 1 / sqrt(number of pictures it is true of)."""
    weights = [1 / max(1, n) ** 0.5 for n in spread]
    # Sorting by u ** (1 / weight) draws without replacement (Efraimidis and Spirakis, 2006).
    order = sorted(range(len(spread)), key=lambda i: -(rng.random() ** (1 / weights[i])))
    return order[:count] + rng.choices(range(len(spread)), weights, k=max(0, count - len(order)))


class Collate:
    """Samples to a `Batch`.

    Args:
        processor: for its tokenizer.
        labels: display labels of the model.
        mean, std: of pixels in [0, 1].
    """

    def __init__(self, processor: HGANProcessor, labels: list[str], mean: float, std: float) -> None:
        self.processor, self.labels, self.mean, self.std = processor, list(labels), mean, std

    def __call__(self, samples: list[Sample]) -> Batch:
        # Sorted by length, so that the trainer can cut them into blocks with little padding.
        texts = [[*s.captions, *s.false] for s in samples]
        pairs = sorted(
            ((row, n) for row, own in enumerate(texts) for n in range(len(own))),
            key=lambda pair: len(texts[pair[0]][pair[1]]),
        )
        text = self.processor(text=[texts[row][n] for row, n in pairs])
        true = [n < len(samples[row].captions) for row, n in pairs]
        owner = torch.tensor([row if known else -1 for (row, _), known in zip(pairs, true, strict=True)])
        rivals = [
            [s.refuses(samples[row], n) if known else row == place for (row, n), known in zip(pairs, true, strict=True)]
            for place, s in enumerate(samples)
        ]
        gists = [s.gist for s in samples if s.gist is not None]
        teacher = None
        if len(gists) == len(samples):
            meanings = [samples[row].meanings for row, _ in pairs]
            meant = torch.stack([m[n] for m, (_, n) in zip(meanings, pairs, strict=True) if m is not None])
            teacher = torch.stack(gists) @ meant.T
        most = max(1, max(len(s.regions or ()) for s in samples))
        boxes, labels = torch.zeros(len(samples), most, 4), torch.full((len(samples), most), -1)
        scores, mask = torch.zeros(len(samples), most), torch.zeros(len(samples), most, dtype=torch.bool)
        for row, sample in enumerate(samples):
            for column, region in enumerate(sample.regions or ()):
                boxes[row, column] = torch.tensor(region.box)
                index = label_index(region.label, self.labels)
                labels[row, column] = -1 if index is None else index
                scores[row, column] = region.score
                mask[row, column] = True
        seen = [pixels(s.image, self.mean, self.std) for s in samples if s.image is not None]
        namings = [self._namings(samples[row], n) if known else () for (row, n), known in zip(pairs, true, strict=True)]
        return Batch(
            torch.stack(seen) if seen else None,
            text["input_ids"],
            text["attention_mask"],
            text["word_index"],
            owner,
            boxes,
            labels,
            scores,
            mask,
            torch.tensor([s.regions is not None for s in samples]),
            torch.tensor(rivals),
            teacher,
            tuple(namings),
            tuple(s.id for s in samples),
            tuple(sides_of(texts[row][n], own) for (row, n), own in zip(pairs, namings, strict=True)),
            tuple(s.look for s in samples if s.look is not None),
        )

    def _namings(self, sample: Sample, place: int) -> tuple[Naming, ...]:
        if not sample.grounded:
            return ()
        sentence = self.processor.read(sample.captions[place])
        if sample.truth is None:
            return tuple(namings_of_labels(sentence, sample.regions or ()))
        return tuple(namings_of_truth(sentence, sample.numbers[place], sample.truth, sample.things))


def loader(data: TrainingSet, collate: Collate, batch_size: int, start: int, workers: int) -> DataLoader[Batch]:
    """Batches of the set's current epoch from batch `start` on; a last batch that is not full is dropped."""
    return DataLoader(
        data,
        batch_sampler=data.batches(batch_size)[start:],
        collate_fn=collate,
        num_workers=workers,
        # Its own: a loader draws a seed from the global generator, and a resumed run opens one more loader.
        generator=torch.Generator(),
    )
