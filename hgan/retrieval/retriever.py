"""The retriever: encode once, query often. The one door for app, command line, notebooks and tests, so that their
numbers cannot differ."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..checkpoint import load
from ..gallery.captions import Progress
from ..gallery.hub import gallery_folder
from ..gallery.scorer import Graph
from ..gallery.store import Gallery
from ..io.images import open_image
from ..model.similarity import SimilarityParameters
from ..settings import setting
from ..types import ImageGraph, TextGraph
from . import case
from . import errors as analysis
from . import perturb as what_if
from .compare import compare_pairs
from .explain import explain_pair
from .query import ImageSource, Query
from .results import Analysis, Comparison, WhatIf
from .search import Searcher

__all__ = ["ROOT", "ImageSource", "Query", "Retriever", "default_checkpoint", "default_gallery"]

ROOT = Path(__file__).resolve().parents[2]
NOTICED = 1e-3  # a difference between the stored and the newly encoded score that is worth a word


def default_checkpoint() -> str:
    """HGAN_CHECKPOINT (folder or hub id), or the checkpoint in the repository."""
    return setting("HGAN_CHECKPOINT") or str(ROOT / "checkpoints" / "hgan-mini")


def default_gallery() -> str:
    """HGAN_GALLERY (a folder, or the hub id of a dataset), or the Toy Town gallery in the repository."""
    return setting("HGAN_GALLERY") or str(ROOT / "assets" / "galleries" / "toytown")


class Retriever(Searcher):
    """Everything that can be asked about one gallery with one model: search and explain (see `Searcher`), and what builds
    on them."""

    @classmethod
    def open(cls, checkpoint: str | None = None, gallery: str | Path | None = None, device: str = "auto") -> Retriever:
        """From a checkpoint and a gallery, each a folder or a hub id; the project's own where none is named."""
        folder = gallery_folder(str(gallery or default_gallery()))
        return cls(*load(checkpoint or default_checkpoint(), device), Gallery(folder))

    def warm(self, progress: Progress | None = None) -> None:
        """Makes ready what the first queries would wait for: the verdicts' measure, and the captions of a lean gallery.

        Args:
            progress: called with (captions done, captions in all) while captions are encoded.
        """
        self.search(text="warm")
        if self.gallery.caption_keys:
            self.side(False, progress)
            self.search(image=self.gallery.read_thumbnail(0))

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
        edges_off: Sequence[what_if.Edge] = (),
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

        Raises:
            ValueError: as `explain`; a word, region or edge that is not there.
        """
        parameters = self._weighted(weights)
        stored = self.explain(id, weights=weights, query=query)
        start = time.perf_counter()
        for_pictures = query.sentence is not None
        row = self.row(stored.id)
        regions = query.regions
        if regions is None:
            regions = what_if.regions_of(self.model, open_image(self.gallery.read_thumbnail(row)))
        first, second = self.processor.read(stored.caption), self.processor.read(text or stored.caption)
        off = what_if.Off(tuple(words_off), tuple(regions_off), tuple(edges_off))
        pairs = [
            what_if.encode_pair(self.model, self.processor, regions, sentence.text, switches)
            for sentence, switches in ((first, what_if.Off()), (second, off))
        ]
        timing = {"encode": _since(start)}
        start = time.perf_counter()
        before, after = (
            replace(
                stored,
                caption=sentence.text,
                **explain_pair(*pair, sentence, self.model.config.labels, parameters),
            )
            for sentence, pair in zip((first, second), pairs, strict=True)
        )
        place = row if for_pictures else self.gallery.caption_row_of[stored.id]
        ranks = [
            self._rank(place, pair[1] if for_pictures else pair[0], answer.score, parameters)
            for pair, answer in zip(pairs, (before, after), strict=True)
        ]
        timing["explain"] = _since(start)
        only_nodes = text is None and not edges_off and (words_off or regions_off)
        return WhatIf(
            before=before,
            after=after,
            change=after.score - before.score,
            explained=what_if.explained(before, words_off, regions_off) if only_nodes else None,
            rank_before=ranks[0],
            rank_after=ranks[1],
            stored=stored.score,
            timing_ms=timing,
            notices=_what_if_notices(stored.score - before.score, off, second.notice),
        )

    def analyse(
        self, progress: analysis.Progress | None = None, weights: Mapping[str, float] | None = None
    ) -> Analysis:
        """Every caption of the gallery against every picture, both ways.

        Args:
            progress: called with (captions done, captions in all).

        Raises:
            ValueError: a gallery without captions, or one too large (`analysis.MAX_CELLS`).
        """
        parameters = self._weighted(weights)
        start = time.perf_counter()
        captions = len(self.gallery.caption_keys)
        pictures, encoded = self.side(True), self.gallery.captions is not None

        def first_half(done: int, total: int) -> None:
            if progress:
                progress(done, 2 * total)

        def second_half(done: int, total: int) -> None:
            if progress:
                progress(done, total) if encoded else progress(total + done, 2 * total)

        analysis.require_size(len(pictures.graphs), captions)
        texts, images = self.side(False, first_half).all, pictures.all
        assert isinstance(images, ImageGraph)
        assert isinstance(texts, TextGraph)
        truth = analysis.truth_of(self.gallery)
        table = analysis.scores_of(images, texts, parameters, second_half)
        rows = analysis.rows_of(table, truth, self.gallery)
        return Analysis(
            gallery=self.gallery.name,
            pictures=len(images),
            captions=len(texts),
            level_weights=table.weights,
            metrics=analysis.metrics_of(table, truth),
            tags=analysis.recall_by_tag(rows),
            rows=rows,
            timing_ms={"analyse": _since(start)},
        )

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

    def _rank(self, row: int, query: Graph, value: float, parameters: SimilarityParameters) -> int | None:
        """Rank of a row with this score among all others; None where the gallery is too large to score all of it."""
        side = self.side(isinstance(query, TextGraph))
        if not side.exact:
            return None
        scores = side.score(query, parameters)[0].score.flatten()
        scores[row] = float("-inf")
        return 1 + int((scores > value).sum())


def _what_if_notices(difference: float, off: what_if.Off, cut: str | None) -> list[str]:
    notices = [cut] if cut else []
    if abs(difference) > NOTICED:
        notices.append(
            f"The picture was encoded again from its small copy: its score before any change differs by {-difference:+.4f} from "
            "the one in the ranking."
        )
    if off.words or off.regions:
        notices.append(
            "What is switched off was seen before: by the text encoder (words) and by the whole picture's feature (regions). "
            "To take a word away altogether, edit the sentence."
        )
    return notices


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
