"""What a person or a program gets for an answer: frozen dataclasses of plain data, each with `to_json()`. Nothing here
computes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ..evaluation.metrics import Recall, RetrievalMetrics
from ..gallery.calibration import Verdict

MIN_EDGE = 0.01  # edges of less weight are left out of JSON and drawings
MAX_PAIRS = 5  # of regions that JSON lists for an edge of the sentence


@dataclass(frozen=True)
class Hit:
    """One ranked match. `contributions` sum to `score`."""

    rank: int  # from 1
    id: str
    score: float
    levels: dict[str, float]
    contributions: dict[str, float]
    image: str | None = None  # path of the picture relative to the gallery
    caption: str | None = None  # for picture queries


@dataclass(frozen=True)
class SearchResult:
    """A ranked answer with what it cost."""

    query: dict[str, Any]  # {"text": ...} or {"image": name}
    gallery: str
    timing_ms: dict[str, float]  # encode, search
    background: dict[str, float]  # count, mean, std of the scores of everything in the gallery for this query
    notices: list[str]
    hits: list[Hit]
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True)
class NodeTerms:
    """What one word or one region contributed to the score.

    `local` is its part of the local level's terms, `cross` its own term of the cross level, level weights included.
    """

    index: int
    label: str
    weight: float  # learned node weight
    local: float
    cross: float
    span: tuple[int, int] | None = None  # words: characters in the sentence
    box: tuple[float, float, float, float] | None = None  # regions: normalised XYXY
    kind: str | None = None  # regions: one of KINDS; words: "function" for one that makes no node
    score: float | None = None  # regions: objectness

    @property
    def total(self) -> float:
        """Everything this node contributed."""
        return self.local + self.cross


@dataclass(frozen=True)
class ThingPair:
    """What one ordered pair of regions contributed to one edge of the sentence, by its parts."""

    first: int  # region
    second: int
    subject: float  # the first word is the first thing
    object: float  # the second word is the second thing
    fit: float  # the two things stand as the sentence says

    @property
    def total(self) -> float:
        """The sum of the three."""
        return self.subject + self.object + self.fit


@dataclass(frozen=True)
class EdgeTerms:
    """What one edge of the sentence, a pair of words with what is said of the two, contributed to the score."""

    first: int  # word
    second: int
    label: str
    reads: list[tuple[int, float]]  # words that say how the two stand, with their shares of the attention
    weight: float  # learned edge weight
    pairs: list[ThingPair]  # all of them, the largest first

    @property
    def total(self) -> float:
        """Everything this edge contributed."""
        return sum(pair.total for pair in self.pairs)

    def to_json(self) -> dict[str, Any]:
        """As plain data: the first pairs, and what the others contribute together."""
        listed = self.pairs[:MAX_PAIRS]
        return {
            **asdict(self),
            "pairs": [{**asdict(pair), "total": pair.total} for pair in listed],
            "rest": self.total - sum(pair.total for pair in listed),
            "total": self.total,
        }


@dataclass(frozen=True)
class Explanation:
    """One pair's score as a sum of parts.

    score = contributions["global"] + the sum of `local_terms` + the `total` of all `edges` + the `cross` of all words + the
    `cross` of all regions. The local terms of a pair are listed once in the matrix; a word's `local` is its row sum, a region's
    `local` its column sum: two views of one sum. A word's `cross` holds its row of `cross_terms`.
    """

    query: dict[str, Any]
    gallery: str
    id: str
    image: str
    caption: str  # the sentence that was compared
    score: float
    levels: dict[str, float]
    level_weights: dict[str, float]
    contributions: dict[str, float]
    words: list[NodeTerms]
    regions: list[NodeTerms]
    alignment: list[list[float]]  # cosine of word (row) and region (column)
    local_terms: list[list[float]]  # word (row) x region (column)
    image_edges: list[list[float]]  # (1 + R) x (1 + R), node 0 the global node: attention of row on column
    text_edges: list[list[float]]  # (1 + W) x (1 + W)
    check: dict[str, float]  # sum_error: how far the terms are from the score
    timing_ms: dict[str, float]
    notices: list[str]
    edges: list[EdgeTerms] = field(default_factory=list)  # the largest first; none where the model compares nodes alone
    edge_share: float = 0.0  # of the local level that edges take
    cross_terms: list[list[float]] = field(
        default_factory=list
    )  # word x region, where words look for cells; else empty

    def to_json(self) -> dict[str, Any]:
        """As plain data, graphs as nodes and edges with weights."""
        data = asdict(replace(self, edges=[])) | {"edges": [edge.to_json() for edge in self.edges]}
        for name, nodes in (("image", self.regions), ("text", self.words)):
            edges = data.pop(f"{name}_edges")
            data.setdefault("graphs", {})[name] = {
                "nodes": [name, *(node.label for node in nodes)],
                "edges": [
                    {"from": i, "to": j, "weight": weight}
                    for i, row in enumerate(edges)
                    for j, weight in enumerate(row)
                    if i != j and weight >= MIN_EDGE
                ],
            }
        for group, nodes in (("words", self.words), ("regions", self.regions)):
            for entry, node in zip(data[group], nodes, strict=True):
                entry["total"] = node.total
        return data


@dataclass(frozen=True)
class Step:
    """One step of a sum: a level, a word or a region, and what it adds."""

    label: str
    level: str | None  # one of LEVELS; None: more than one level
    value: float
    index: int | None = None  # of the word or region; None: it stands for something else


@dataclass(frozen=True)
class Comparison:
    """Why `a` scores above (or below) `b` for one query: `difference` = score of a - score of b.

    `levels` are three steps that add up to the difference. What both pairs share (the words of a sentence query, the regions
    of a picture query) can be subtracted node by node; what differs is listed as what each contributed, + for a, - for b.

    Sentence query: `words` = the global level, each word (its row of local terms and its cross term), the cross terms of the
    regions, and each edge of the sentence; they add up to the difference. `regions_a` and `regions_b`: each region's column of
    local terms and its cross term, another view of the same sum. The other three lists are empty.
    Picture query (a and b are captions): the same with words and regions changed over: `regions`, `words_a`, `words_b`.
    """

    query: dict[str, Any]
    gallery: str
    a: Explanation
    b: Explanation
    difference: float
    levels: list[Step]
    words: list[Step]
    regions: list[Step]
    regions_a: list[Step]
    regions_b: list[Step]
    words_a: list[Step]
    words_b: list[Step]
    check: dict[str, float]  # how far each view (levels, nodes, own) is from the difference
    timing_ms: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "a": self.a.to_json(), "b": self.b.to_json()}


@dataclass(frozen=True)
class WhatIf:
    """The score of a pair before and after something was taken away or reworded; the model ran for both.

    Words and regions keep their indices: what is switched off is listed in `after` with terms and weight of zero. Where the
    sentence was reworded, the words of `after` are those of the new sentence.
    """

    before: Explanation
    after: Explanation
    change: float  # score after - score before
    # Sum of the terms that what is now off had before; None: the words changed, or edges of the graph layer.
    explained: float | None
    rank_before: int | None  # from 1, among everything in the gallery; None: the gallery is too large to rank all of it
    rank_after: int | None
    stored: float  # the pair's score from the gallery's stored graphs, as the search shows it
    timing_ms: dict[str, float]
    notices: list[str]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "before": self.before.to_json(), "after": self.after.to_json()}


@dataclass(frozen=True)
class QueryRow:
    """One query of an error analysis: a caption that looks for its picture, or a picture that looks for its captions."""

    direction: Literal["text_to_image", "image_to_text"]
    query_id: str
    query_label: str  # the caption; the picture's file
    tag: str | None  # what kind of caption, where the gallery knows
    rank: int  # of the best true answer, from 1; ties count against it
    truth_id: str  # the best true answer
    best_wrong_id: str | None  # None: every answer is true
    margin: float  # score of the truth - score of the best wrong answer; 0 without a wrong one
    lost_by: str | None  # of a failure (rank above 1): the level that speaks most for the wrong answer


@dataclass(frozen=True)
class Analysis:
    """How well a gallery's captions and pictures find each other, query by query."""

    gallery: str
    pictures: int
    captions: int
    level_weights: dict[str, float]
    metrics: dict[str, RetrievalMetrics]  # "score" and each of LEVELS alone
    tags: dict[str, Recall]  # sentence to picture by tag of caption, with the score; empty where tags are unknown
    rows: list[QueryRow]  # captions first, then pictures, each in the gallery's order
    timing_ms: dict[str, float]

    @property
    def failures(self) -> list[QueryRow]:
        """Queries whose truth does not stand first."""
        return [row for row in self.rows if row.rank > 1]

    def to_json(self) -> dict[str, Any]:
        """As plain data, with rsum."""
        return {**asdict(self), "metrics": {name: metrics.to_json() for name, metrics in self.metrics.items()}}
