"""Encoding queries, ranking a gallery and explaining a pair: what every study of `hgan.retrieval.retriever` stands on."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch

from ..checkpoint import fingerprint
from ..gallery.calibrate import calibrate_pictures, calibrate_sentences
from ..gallery.calibration import Calibration, judge
from ..gallery.captions import Progress, caption_graphs
from ..gallery.scorer import Side
from ..gallery.store import Gallery
from ..model.hgan import HGANModel
from ..model.similarity import SimilarityParameters, scaled_weights
from ..processing import HGANProcessor
from ..types import LEVELS, Similarity
from .explain import explain_pair
from .query import ImageSource, Query, encode_query
from .results import Explanation, Hit, SearchResult, Verdict


class Searcher:
    """Searches one gallery with one model, and explains what it found.

    Args:
        model, processor: as `hgan.checkpoint.load` gives them.
        gallery: built with this very model.

    Raises:
        ValueError: the gallery belongs to another model.
    """

    def __init__(self, model: HGANModel, processor: HGANProcessor, gallery: Gallery) -> None:
        self.fingerprint = fingerprint(model)
        gallery.require_model(self.fingerprint)
        self.model, self.processor, self.gallery = model.eval(), processor, gallery
        with torch.no_grad():
            learned = model.similarity_parameters
            self.parameters = SimilarityParameters(learned.temperature.cpu(), learned.level_weights.cpu())
        self._captions: Side | None = None
        self._lock = threading.Lock()

    @property
    def level_weights(self) -> dict[str, float]:
        """The learned weights of the levels, summing to 1."""
        return dict(zip(LEVELS, self.parameters.level_weights.tolist(), strict=True))

    def encode(self, text: str | None = None, image: ImageSource | None = None) -> Query:
        """Encodes a sentence or a picture.

        Raises:
            ValueError: neither or both are given, an empty sentence, or a picture that cannot be read.
        """
        return encode_query(self.model, self.processor, text, image)

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
        side = self.side(for_pictures)
        start = time.perf_counter()
        table, rows = side.score(query.graph, parameters)
        scores = table.score.flatten()
        best = scores.topk(min(k, len(scores)))
        levels = torch.stack([table.levels[name].flatten()[best.indices] for name in LEVELS], 1).tolist()
        hits = [
            self._hit(rank, rows[place], for_pictures, value, dict(zip(LEVELS, own, strict=True)), table.weights)
            for rank, (value, place, own) in enumerate(
                zip(best.values.tolist(), best.indices.tolist(), levels, strict=True), 1
            )
        ]
        background = {
            "count": float(len(scores)),
            "mean": scores.mean().item(),
            "std": scores.std(correction=0).item(),
        }
        timing = {"encode": query.encode_ms, "search": _since(start)}
        verdict = self._verdict(table, for_pictures)
        return SearchResult(query.label, self.gallery.name, timing, background, query.notices, hits, verdict)

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
        parameters = self._weighted(weights)
        picture: Any
        text_graph: Any
        start = time.perf_counter()
        if query.sentence is not None:
            row = self.row(id)
            id = self.gallery.items[row].id
            picture, sentence = self.gallery.images.rows([row]), query.sentence
            text_graph = query.graph
        else:
            captions = self.side(False)
            caption = self._caption_row(id, query, captions, parameters)
            row, picture = self.gallery.caption_keys[caption].row, query.graph
            id = self.gallery.caption_id(caption)
            text_graph = captions.graphs.rows([caption])
            sentence = self.processor.read(self.gallery.caption_text(caption))
        numbers = explain_pair(picture, text_graph, sentence, self.model.config.labels, parameters)
        return Explanation(
            query=query.label,
            gallery=self.gallery.name,
            id=id,
            image=self.gallery.items[row].image,
            caption=sentence.text,
            timing_ms={"encode": query.encode_ms, "explain": _since(start)},
            notices=query.notices,
            **numbers,
        )

    def row(self, id: str) -> int:
        """The gallery row of a picture's or a caption's id.

        Raises:
            ValueError: no such id.
        """
        found = self.gallery.row_of.get(id)
        if found is None and id in self.gallery.caption_row_of:
            found = self.gallery.caption_keys[self.gallery.caption_row_of[id]].row
        if found is None:
            example = self.gallery.items[0].id
            raise ValueError(
                f"got id {id!r}, which is not in gallery {self.gallery.name}, but expected one such as {example!r}"
            )
        return found

    def side(self, for_pictures: bool, progress: Progress | None = None) -> Side:
        """What a query is compared with: the gallery's pictures or its captions.

        Captions of a lean gallery are encoded at the first call (see `hgan.gallery.captions`); `progress` is called meanwhile.

        Raises:
            ValueError: captions are asked for, and the gallery has none.
        """
        if for_pictures:
            return self._pictures
        with self._lock:  # two visitors must not encode everything twice
            if self._captions is None:
                self._captions = Side(caption_graphs(self.gallery, self.model, self.processor, progress))
            return self._captions

    @cached_property
    def _pictures(self) -> Side:
        return Side(self.gallery.images)

    @cached_property
    def _for_sentences(self) -> Calibration:
        stored = Calibration.read(self.gallery.manifest.get("calibration"))
        if stored is not None:
            return stored
        captions = self.side(False).graphs if self.gallery.captions is not None else None
        return calibrate_sentences(self.model, self.processor, self.parameters, self.gallery.images, captions)

    @cached_property
    def _for_pictures(self) -> Calibration:
        return calibrate_pictures(self.model, self.parameters, self.gallery.images, self.side(False).graphs)

    def _verdict(self, table: Similarity, for_pictures: bool) -> Verdict:
        learned = sum(weight * table.levels[name] for name, weight in self.level_weights.items())
        assert isinstance(learned, torch.Tensor)
        calibration = self._for_sentences if for_pictures else self._for_pictures
        return judge(learned.max().item(), calibration, "sentences" if for_pictures else "pictures")

    def _weighted(self, weights: Mapping[str, float] | None) -> SimilarityParameters:
        if weights is None:
            return self.parameters
        return SimilarityParameters(self.parameters.temperature, scaled_weights(weights))

    def _hit(
        self, rank: int, row: int, for_pictures: bool, value: float, levels: dict[str, float], weights: dict[str, float]
    ) -> Hit:
        contributions = {name: weights[name] * levels[name] for name in LEVELS}
        if for_pictures:
            item, id_, caption = self.gallery.items[row], self.gallery.items[row].id, None
        else:
            item, id_ = self.gallery.items[self.gallery.caption_keys[row].row], self.gallery.caption_id(row)
            caption = self.gallery.caption_text(row)
        return Hit(rank, id_, value, levels, contributions, item.image, caption)

    def _caption_row(self, id: str, query: Query, captions: Side, parameters: SimilarityParameters) -> int:
        if id in self.gallery.caption_row_of:
            return self.gallery.caption_row_of[id]
        row = self.row(id)
        own = [n for n, key in enumerate(self.gallery.caption_keys) if key.row == row]
        if not own:
            raise ValueError(
                f"picture {id!r} has no caption to compare with, but expected the id of a picture with captions"
            )
        return own[int(captions.score(query.graph, parameters, own)[0].score.argmax())]


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
