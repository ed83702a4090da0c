"""The retriever: encode once, query often. The one door for app, command line, notebooks and tests, so that their
numbers cannot differ."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ..defaults import ROOT, default_checkpoint, default_gallery
from ..encoding import Encoder
from ..gallery.calibrate import calibrate_pictures, calibrate_sentences
from ..gallery.calibration import Calibration, judge
from ..gallery.captions import Progress, caption_graphs
from ..gallery.hub import gallery_folder
from ..gallery.scorer import Scorer
from ..gallery.store import Gallery
from ..io.timing import Timer
from ..model.hgan import HGANModel
from ..model.similarity import SimilarityParameters, weighted_sum
from ..processing import HGANProcessor
from ..types import LEVELS, Similarity
from . import case, errors, perturb
from .compare import compare_pairs
from .explain import explain_match
from .ids import picture_row
from .query import ImageSource, Query, encode_query
from .ranking import background, best_hits
from .results import Analysis, Comparison, Explanation, SearchResult, Verdict, WhatIf

__all__ = ["ROOT", "ImageSource", "Query", "Retriever", "default_checkpoint", "default_gallery"]


class Retriever:
    """Everything that can be asked about one gallery with one model.

    Args:
        model, processor: as `hgan.checkpoint.load` gives them.
        gallery: built with this very model.
        encoder: of this model, where it is not to encode in float32 on the device where it is (see `of`).

    Raises:
        ValueError: the gallery belongs to another model.
    """

    def __init__(
        self, model: HGANModel, processor: HGANProcessor, gallery: Gallery, encoder: Encoder | None = None
    ) -> None:
        self.encoder = encoder or Encoder(model, processor)
        self.fingerprint, self.parameters = self.encoder.fingerprint, self.encoder.parameters
        gallery.require_model(self.fingerprint)
        self.model, self.processor, self.gallery = self.encoder.model, self.encoder.processor, gallery
        self._captions: Scorer | None = None
        self._lock = threading.Lock()

    @classmethod
    def of(cls, encoder: Encoder, gallery: Gallery) -> Retriever:
        """Encodes where the encoder does.

        Raises:
            ValueError: the gallery belongs to another model.
        """
        return cls(encoder.model, encoder.processor, gallery, encoder)

    @classmethod
    def open(cls, checkpoint: str | None = None, gallery: str | Path | None = None, device: str = "auto") -> Retriever:
        """From a checkpoint and a gallery, each a folder or a hub id; the project's own where none is named.

        Args:
            device: as `hgan.checkpoint.device_of` takes it.
        """
        folder = gallery_folder(str(gallery or default_gallery()))
        return cls.of(Encoder.open(checkpoint or default_checkpoint(), device), Gallery(folder))

    def warm(self, progress: Progress | None = None) -> None:
        """Makes ready what the first queries would wait for: the verdicts' measure, and the captions of a lean gallery.

        Args:
            progress: called with (captions done, captions in all) while captions are encoded.
        """
        self.search(text="warm")
        if self.gallery.caption_keys:
            self.scorer(False, progress)
            self.search(image=self.gallery.read_thumbnail(0))

    @property
    def level_weights(self) -> dict[str, float]:
        """The learned weights of the levels, summing to 1."""
        return dict(zip(LEVELS, self.parameters.level_weights.tolist(), strict=True))

    def encode(self, text: str | None = None, image: ImageSource | None = None) -> Query:
        """Encodes a sentence or a picture.

        Raises:
            ValueError: neither or both are given, an empty sentence, or a picture that cannot be read.
        """
        return encode_query(self.encoder, text, image)

    def search(
        self,
        text: str | None = None,
        image: ImageSource | None = None,
        k: int = 10,
        weights: Mapping[str, float] | None = None,
        query: Query | None = None,
    ) -> SearchResult:
        """Ranked matches: pictures for a sentence, captions for a picture.

        The verdict is about the query and the gallery: it is measured with the learned weights, whatever `weights` say.

        Args:
            k: at most so many hits.
            weights: of the levels in place of the learned ones; scaled to sum to 1.
            query: an encoded query in place of `text` or `image`.

        Raises:
            ValueError: as `encode`; a picture query on a gallery without captions; k < 1; damaged weights.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise ValueError(f"got k={k if isinstance(k, int | float) else type(k).__name__}, but expected at least 1")
        query = query or self.encode(text, image)
        parameters = self._weighted(weights)
        for_pictures = query.sentence is not None
        scorer = self.scorer(for_pictures)
        timer = Timer()
        table, rows = scorer.score(query.graph, parameters)
        hits = best_hits(table, rows, self.gallery, for_pictures, k)
        around = background(table)
        timing = {"encode": query.encode_ms, "search": timer.lap()}
        verdict = self._verdict(table, for_pictures)
        return SearchResult(query.label, self.gallery.name, timing, around, query.notices, hits, verdict)

    def explain(
        self,
        id: str,
        text: str | None = None,
        image: ImageSource | None = None,
        weights: Mapping[str, float] | None = None,
        query: Query | None = None,
    ) -> Explanation:
        """Why a picture of the gallery and a sentence match: every term of the score.

        Args:
            id: of a picture, for a sentence; of a caption ("PICTURE#NUMBER"), or of a picture (its best caption is
                taken), for a picture query.
            weights, query: as in `search`.

        Raises:
            ValueError: as `search`; an id that is not in the gallery.
        """
        query = query or self.encode(text, image)
        captions = self.scorer(False) if query.sentence is None else None
        return explain_match(self.encoder, self.gallery, id, query, captions, self._weighted(weights))

    def compare(self, a: str, b: str, query: Query, weights: Mapping[str, float] | None = None) -> Comparison:
        """Why one match of a query scores above another.

        Args:
            a, b: ids as in `explain`.

        Raises:
            ValueError: as `explain`.
        """
        first, second = (self.explain(id, weights=weights, query=query) for id in (a, b))
        return compare_pairs(first, second, "words" if query.sentence is not None else "regions")

    def what_if(
        self,
        id: str,
        query: Query,
        text: str | None = None,
        words_off: Sequence[int] = (),
        regions_off: Sequence[int] = (),
        edges_off: Sequence[perturb.Edge] = (),
        weights: Mapping[str, float] | None = None,
    ) -> WhatIf:
        """What a pair's score would be with another sentence, or without some words, regions or edges.

        The model runs for both, on the gallery's thumbnail (or the query's picture) and on the sentence.

        Args:
            id: as in `explain`.
            text: in place of the sentence of the query, or of the caption of a picture query.
            words_off: indices of words (of `text`, where given).
            regions_off: indices of regions.
            edges_off: ("image" | "text", node, node), both directions; node 0 is the global node, local node n is n + 1.
                Or ("relation", word, word): the edge term of two words.

        Raises:
            ValueError: as `explain`; a word, region or edge that is not there.
        """
        stored = self.explain(id, weights=weights, query=query)
        scorer = self.scorer(query.sentence is not None)
        asked = perturb.Asked(self.gallery, query, stored, scorer, self._weighted(weights))
        return perturb.what_if(
            self.encoder, asked, text, perturb.Off(tuple(words_off), tuple(regions_off), tuple(edges_off))
        )

    def analyse(self, progress: errors.Progress | None = None, weights: Mapping[str, float] | None = None) -> Analysis:
        """Every caption of the gallery against every picture, both ways.

        Args:
            progress: called with (captions done, captions in all).

        Raises:
            ValueError: a gallery without captions, or one too large (`hgan.retrieval.errors.MAX_CELLS`).
        """
        parameters = self._weighted(weights)
        return errors.analyse(
            self.gallery, self.scorer(True), lambda report: self.scorer(False, report), parameters, progress
        )

    def row(self, id: str) -> int:
        """The gallery row of a picture's or a caption's id.

        Raises:
            ValueError: no such id.
        """
        return picture_row(self.gallery, id)

    def scorer(self, for_pictures: bool, progress: Progress | None = None) -> Scorer:
        """What a query is compared with: the gallery's pictures or its captions.

        Captions of a lean gallery are encoded at the first call (see `hgan.gallery.captions`); `progress` is called meanwhile.

        Raises:
            ValueError: captions are asked for, and the gallery has none.
        """
        if for_pictures:
            return self._pictures
        with self._lock:  # two visitors must not encode everything twice
            if self._captions is None:
                self._captions = Scorer(caption_graphs(self.gallery, self.encoder, progress))
            return self._captions

    @cached_property
    def _pictures(self) -> Scorer:
        return Scorer(self.gallery.images)

    @cached_property
    def sources(self) -> tuple[case.Source, case.Source]:
        """Model and gallery, by name and hash."""
        model = case.Source(self.gallery.manifest["model"]["name"], self.fingerprint)
        return model, case.Source(self.gallery.name, self.gallery.sha256)

    def case(self, answer: case.Answer, state: Mapping[str, Any]) -> dict[str, Any]:
        """An answer of this retriever with the page's state and the hashes of model and gallery (see `hgan.retrieval.case`)."""
        return case.to_case(answer, state, *self.sources)

    def read_case(self, data: bytes | str) -> tuple[dict[str, Any], list[str]]:
        """A saved case, and warnings where it came from another model or gallery.

        Raises:
            ValueError: not a case.
        """
        return case.read_case(data, *self.sources)

    @cached_property
    def _for_sentences(self) -> Calibration:
        stored = Calibration.read(self.gallery.manifest.get("calibration"))
        if stored is not None:
            return stored
        captions = self.scorer(False).graphs if self.gallery.captions is not None else None
        return calibrate_sentences(self.encoder, self.gallery.images, captions)

    @cached_property
    def _for_pictures(self) -> Calibration:
        return calibrate_pictures(self.encoder, self.gallery.images, self.scorer(False).graphs)

    def _verdict(self, table: Similarity, for_pictures: bool) -> Verdict:
        learned = weighted_sum(table.levels, self.parameters.level_weights)
        calibration = self._for_sentences if for_pictures else self._for_pictures
        return judge(learned.max().item(), calibration, "sentences" if for_pictures else "pictures")

    def _weighted(self, weights: Mapping[str, float] | None) -> SimilarityParameters:
        return self.parameters if weights is None else self.parameters.weighted(weights)
