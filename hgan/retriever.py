"""The retriever: encode once, query often. The one door for app, command line, notebooks and tests, so that their
numbers cannot differ."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from .build import fingerprint, load
from .encoding import encode_images, encode_texts
from .explain import explain_pair
from .gallery import Gallery
from .images import open_image, to_rgb
from .index import CANDIDATES, EXACT_LIMIT, CandidateIndex
from .model.hgan import HGANModel
from .model.similarity import SimilarityParameters, score_table
from .processing import HGANProcessor, Sentence
from .ragged import RaggedGraphs
from .types import LEVELS, Explanation, Hit, ImageGraph, SearchResult, Similarity, TextGraph

ROOT = Path(__file__).resolve().parent.parent
ImageSource = str | Path | bytes | Image.Image


def default_checkpoint() -> str:
    """HGAN_CHECKPOINT (folder or hub id), or the checkpoint in the repository."""
    return os.environ.get("HGAN_CHECKPOINT") or str(ROOT / "checkpoints" / "hgan-mini")


def default_gallery() -> str:
    """HGAN_GALLERY (a folder), or the Toy Town gallery in the repository."""
    return os.environ.get("HGAN_GALLERY") or str(ROOT / "assets" / "galleries" / "toytown")


@dataclass(frozen=True)
class Query:
    """An encoded query: a sentence or a picture."""

    label: dict[str, Any]  # {"text": ...} or {"image": name}
    graph: ImageGraph | TextGraph  # a batch of one
    sentence: Sentence | None
    encode_ms: float
    notices: list[str]


class Retriever:
    """Searches one gallery with one model, and explains what it found.

    Args:
        model, processor: as `hgan.build.load` gives them.
        gallery: built with this very model.

    Raises:
        ValueError: the gallery belongs to another model.
    """

    def __init__(self, model: HGANModel, processor: HGANProcessor, gallery: Gallery) -> None:
        gallery.require_model(fingerprint(model))
        self.model, self.processor, self.gallery = model.eval(), processor, gallery
        with torch.no_grad():
            learned = model.similarity_parameters
            self.parameters = SimilarityParameters(learned.temperature.cpu(), learned.level_weights.cpu())

    @classmethod
    def open(cls, checkpoint: str | None = None, gallery: str | Path | None = None, device: str = "auto") -> Retriever:
        """From a checkpoint (folder or hub id) and a gallery folder; the project's own where none is named."""
        return cls(*load(checkpoint or default_checkpoint(), device), Gallery(gallery or default_gallery()))

    @property
    def level_weights(self) -> dict[str, float]:
        """The learned weights of the levels, summing to 1."""
        return dict(zip(LEVELS, self.parameters.level_weights.tolist(), strict=True))

    def encode(self, text: str | None = None, image: ImageSource | None = None) -> Query:
        """Encodes a sentence or a picture.

        Raises:
            ValueError: neither or both are given, an empty sentence, or a picture that cannot be read.
        """
        if (text is None) == (image is None):
            raise ValueError(
                f"got {'neither' if text is None else 'both'} a sentence and a picture, but expected one of them"
            )
        start = time.perf_counter()
        if text is not None:
            sentence = self.processor.read(text)
            graph: ImageGraph | TextGraph = encode_texts(self.model, self.processor, [text])
            notices = [sentence.notice] if sentence.notice else []
            return Query({"text": text}, graph, sentence, _since(start), notices)
        assert image is not None
        picture = to_rgb(image) if isinstance(image, Image.Image) else open_image(image)
        name = Path(image).name if isinstance(image, str | Path) else "picture"
        return Query({"image": name}, encode_images(self.model, [picture]), None, _since(start), [])

    def search(
        self,
        text: str | None = None,
        image: ImageSource | None = None,
        k: int = 10,
        weights: Mapping[str, float] | None = None,
        query: Query | None = None,
    ) -> SearchResult:
        """Ranked matches: pictures for a sentence, captions for a picture.

        Args:
            k: at most so many hits.
            weights: of the levels in place of the learned ones; scaled to sum to 1.
            query: an encoded query in place of `text` or `image`.

        Raises:
            ValueError: as `encode`; a picture query on a gallery without captions; k < 1; damaged weights.
        """
        if k < 1:
            raise ValueError(f"got k={k}, but expected at least 1")
        query = query or self.encode(text, image)
        parameters = self._weighted(weights)
        start = time.perf_counter()
        for_pictures = query.sentence is not None
        graphs, rows = self._compared(query, for_pictures)
        table = _score(query, graphs, parameters)
        scores = table.score.flatten()
        best = scores.topk(min(k, len(scores)))
        hits = []
        for rank, (score, place) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True), 1):
            hits.append(self._hit(rank, place if rows is None else rows[place], for_pictures, score, table, place))
        background = {
            "count": float(len(scores)),
            "mean": scores.mean().item(),
            "std": scores.std(correction=0).item(),
        }
        timing = {"encode": query.encode_ms, "search": _since(start)}
        return SearchResult(query.label, self.gallery.name, timing, background, query.notices, hits)

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
            picture, sentence = self.gallery.images.rows([row]), query.sentence
            text_graph = query.graph
        else:
            caption = self._caption_row(id, query, parameters)
            row, picture = self.gallery.caption_keys[caption].row, query.graph
            id = self.gallery.caption_id(caption)
            assert self.gallery.captions is not None
            text_graph, sentence = (
                self.gallery.captions.rows([caption]),
                self.processor.read(self.gallery.caption_text(caption)),
            )
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

    def _weighted(self, weights: Mapping[str, float] | None) -> SimilarityParameters:
        if weights is None:
            return self.parameters
        values = torch.tensor([float(weights.get(name, 0.0)) for name in LEVELS])
        if set(weights) - set(LEVELS) or not torch.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
            raise ValueError(
                f"got level weights {dict(weights)}, but expected numbers of 0 or more for {', '.join(LEVELS)}, not all 0"
            )
        return SimilarityParameters(self.parameters.temperature, values / values.sum())

    def _side(self, for_pictures: bool) -> RaggedGraphs:
        """What a query is compared with: the gallery's pictures or its captions."""
        if for_pictures:
            return self.gallery.images
        if self.gallery.captions is None:
            raise ValueError(
                f"gallery {self.gallery.name} has no captions, so a picture has nothing to be compared with: build it from a "
                "dataset folder with captions, or search by sentence"
            )
        return self.gallery.captions

    def _compared(self, query: Query, for_pictures: bool) -> tuple[ImageGraph | TextGraph, list[int] | None]:
        """Graphs to score, and their rows (None: all rows in order). Large galleries give candidates only."""
        side = self._side(for_pictures)
        if len(side) <= EXACT_LIMIT:
            return (self._all_pictures if for_pictures else self._all_captions), None
        index = self._picture_index if for_pictures else self._caption_index
        rows = index.candidates(query.graph.global_node[0].numpy(), CANDIDATES)
        return side.rows(rows), rows

    @cached_property
    def _all_pictures(self) -> ImageGraph | TextGraph:
        return self._side(True).rows(range(len(self._side(True))))

    @cached_property
    def _all_captions(self) -> ImageGraph | TextGraph:
        return self._side(False).rows(range(len(self._side(False))))

    @cached_property
    def _picture_index(self) -> CandidateIndex:
        return CandidateIndex(self._side(True).arrays["global_node"])

    @cached_property
    def _caption_index(self) -> CandidateIndex:
        return CandidateIndex(self._side(False).arrays["global_node"])

    def _hit(self, rank: int, row: int, for_pictures: bool, score: float, table: Similarity, place: int) -> Hit:
        levels = {name: table.levels[name].flatten()[place].item() for name in LEVELS}
        contributions = {name: table.weights[name] * levels[name] for name in LEVELS}
        if for_pictures:
            item, id_, caption = self.gallery.items[row], self.gallery.items[row].id, None
        else:
            item, id_ = self.gallery.items[self.gallery.caption_keys[row].row], self.gallery.caption_id(row)
            caption = self.gallery.caption_text(row)
        return Hit(rank, id_, score, levels, contributions, item.image, caption)

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

    def _caption_row(self, id: str, query: Query, parameters: SimilarityParameters) -> int:
        side = self._side(False)
        if id in self.gallery.caption_row_of:
            return self.gallery.caption_row_of[id]
        row = self.row(id)
        own = [n for n, key in enumerate(self.gallery.caption_keys) if key.row == row]
        if not own:
            raise ValueError(
                f"picture {id!r} has no caption to compare with, but expected the id of a picture with captions"
            )
        scores = _score(query, side.rows(own), parameters).score[0]
        return own[int(scores.argmax())]


def _score(query: Query, graphs: ImageGraph | TextGraph, parameters: SimilarityParameters) -> Similarity:
    """A sentence against pictures is one column; a picture against captions is one row."""
    if isinstance(query.graph, TextGraph):
        assert isinstance(graphs, ImageGraph)
        return score_table(graphs, query.graph, parameters)
    assert isinstance(graphs, TextGraph)
    return score_table(query.graph, graphs, parameters)


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
