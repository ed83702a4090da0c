"""Graphs of a whole gallery as flat arrays: no padding on disk, any rows back as a padded batch.

Each array is a `.npy` file that is memory-mapped. With n the nodes of a row and N = n + 1: `nodes` holds sum(n) rows
of D, `edges` sum(N * N) numbers,
`concepts` sum(K * N); `counts` (rows,) says n. Of sentences, `relations_*` holds one entry a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..io.files import atomic
from ..model.flat_edges import FlatThings
from ..model.fp16 import HalfVectors
from ..model.packed import FlatGraphs
from ..types import KINDS, FeatureGraph, ImageGraph, TextEdges, TextGraph

# What each field is stored as. Half precision is exact enough for unit vectors: cosines move by less than 1e-3.
_PER_NODE = {"nodes": np.float16, "weights": np.float32}
_PER_REGION = {"boxes": np.float32, "kinds": np.int8, "labels": np.int16, "scores": np.float16}
# Of sentences, where the model has them: per node, and per sentence the fields of `TextEdges`.
_PER_WORD = {"words": np.int16, "cross_weights": np.float32}
_RELATIONS = {
    "first": np.int16, "second": np.int16, "predicate": np.float16, "weight": np.float32, "null_weight": np.float32,
    "mask": np.bool_, "read_words": np.int16, "read_shares": np.float16,
}  # fmt: skip
_DTYPES = (
    {"global_node": np.float16, "edges": np.float16, "concepts": np.float16, "counts": np.int32}
    | _PER_NODE
    | _PER_REGION
    | _PER_WORD
    | {f"relations_{name}": dtype for name, dtype in _RELATIONS.items()}
)
# Axes, where it is not one.
_SHAPES = {"global_node": 2, "nodes": 2, "boxes": 2} | {
    f"relations_{name}": 3 if name in ("predicate", "read_words", "read_shares") else 2
    for name in _RELATIONS.keys() - {"null_weight"}
}
# Least and most.
_RANGES = {"counts": (0, None), "kinds": (0, len(KINDS) - 1), "labels": (-1, None), "words": (0, None)}
BLOCK = 65_536  # rows that are looked at together


def flatten(graph: FeatureGraph) -> dict[str, np.ndarray]:
    """A padded batch as flat arrays. Real nodes are expected first in each row's order; padding is dropped wherever
    it stands."""
    mask = graph.mask
    whole = torch.nn.functional.pad(mask, (1, 0), value=True)
    flat: dict[str, Tensor] = {"global_node": graph.global_node, "counts": mask.sum(1)}
    per_node = _PER_NODE | (_PER_REGION if isinstance(graph, ImageGraph) else {})
    flat.update({name: getattr(graph, name)[mask] for name in per_node})
    if isinstance(graph, TextGraph):
        flat.update({name: value[mask] for name in _PER_WORD if (value := getattr(graph, name)) is not None})
        if graph.relations is not None:
            edges, places = graph.relations, (mask.cumsum(1) - 1).clamp(min=0)  # of a node among the real ones
            edges = replace(edges, first=places.gather(1, edges.first), second=places.gather(1, edges.second))
            flat.update({f"relations_{name}": getattr(edges, name) for name in _RELATIONS})
    flat["edges"] = graph.edges[whole[:, :, None] & whole[:, None, :]]
    flat["concepts"] = torch.cat([c[:, w].flatten() for c, w in zip(graph.concepts, whole, strict=True)])
    return {name: value.cpu().numpy().astype(_DTYPES[name]) for name, value in flat.items()}


def _require_range(name: str, array: np.ndarray) -> None:
    """Raises ValueError for whole numbers that stand for nothing."""
    low, high = _RANGES.get(name, (None, None))
    if low is not None and len(array) and array.min() < low:
        raise ValueError(f"got {array.min()} where the minimum is {low}")
    if high is not None and len(array) and array.max() > high:
        raise ValueError(f"got {array.max()} where the maximum is {high}")


class RaggedGraphs:
    """Flat arrays of a gallery, read by row.

    Args:
        arrays: as `flatten` gives them, in memory or memory-mapped.
        kind: ImageGraph or TextGraph.
    """

    def __init__(self, arrays: dict[str, np.ndarray], kind: type[ImageGraph] | type[TextGraph]) -> None:
        self.arrays, self.kind = arrays, kind
        counts = arrays["counts"].astype(np.int64)
        concepts = len(arrays["concepts"]) // max(1, int((counts + 1).sum()))
        self.concepts = concepts
        self.node_start = np.concatenate([[0], np.cumsum(counts)])
        self.edge_start = np.concatenate([[0], np.cumsum((counts + 1) ** 2)])
        self.concept_start = np.concatenate([[0], np.cumsum((counts + 1) * concepts)])

    def __len__(self) -> int:
        return len(self.arrays["counts"])

    @classmethod
    def join(cls, parts: list[dict[str, np.ndarray]], kind: type[ImageGraph] | type[TextGraph]) -> RaggedGraphs:
        """Flat arrays one after the other."""
        return cls({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, kind)

    @classmethod
    def read(cls, folder: Path, kind: type[ImageGraph] | type[TextGraph]) -> RaggedGraphs:
        """Memory-maps the arrays of a folder.

        Raises:
            ValueError: an array is missing or damaged, or they do not fit each other.
        """
        names = ["global_node", "counts", "edges", "concepts", *_PER_NODE]
        names += list(_PER_REGION) if kind is ImageGraph else []
        further = [*_PER_WORD, *(f"relations_{name}" for name in _RELATIONS)] if kind is TextGraph else []
        there = [name for name in further if (folder / f"{name}.npy").exists()]
        lost = {name for name in further if name.startswith("relations_")} - set(there)
        if 0 < len(lost) < len(_RELATIONS):
            raise ValueError(f"got {folder.name} without {min(lost)}.npy, but expected all that belongs to edges")
        names += there
        arrays = {}
        for name in names:
            try:
                arrays[name] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
                kinds = "f" if np.issubdtype(_DTYPES[name], np.floating) else np.dtype(_DTYPES[name]).kind
                shape = _SHAPES.get(name, 1)
                if arrays[name].dtype.kind not in kinds or arrays[name].ndim != shape:
                    raise ValueError(f"{arrays[name].ndim} axes of {arrays[name].dtype}")
                _require_range(name, arrays[name])
            except (OSError, ValueError, EOFError, SyntaxError, OverflowError) as error:
                raise ValueError(
                    f"got {folder.name}/{name}.npy that cannot be read ({error}), but expected an array"
                ) from None
        graphs = cls(arrays, kind)
        expected = {
            "global_node": len(graphs),
            "edges": int(graphs.edge_start[-1]),
            "concepts": int(graphs.concept_start[-1]),
        }
        expected |= {
            name: len(graphs) if name.startswith("relations_") else int(graphs.node_start[-1]) for name in names[4:]
        }
        wrong = [name for name, size in expected.items() if len(arrays[name]) != size]
        if wrong:
            raise ValueError(
                f"got {folder.name}/{wrong[0]}.npy of length {len(arrays[wrong[0]])}, but expected {expected[wrong[0]]}"
            )
        if broken := graphs.not_finite():
            raise ValueError(
                f"got {folder.name}/{broken}.npy with numbers that are not finite, but expected finite ones: build the "
                "gallery again with a model whose weights are finite"
            )
        return graphs

    def not_finite(self) -> str | None:
        """The name of an array that holds a number that is not finite; None where all is well."""
        for name, array in self.arrays.items():
            for start in range(0, len(array), BLOCK):  # a memory-mapped array never lies in memory whole
                if not np.isfinite(array[start : start + BLOCK]).all():
                    return name
        return None

    def write(self, folder: Path) -> None:
        """One `.npy` file an array."""
        for name, array in self.arrays.items():
            with atomic(folder / f"{name}.npy") as temporary, temporary.open("wb") as file:
                np.save(file, array, allow_pickle=False)

    def flat(self, rows: Sequence[int] | None = None) -> FlatGraphs:
        """What the similarity reads of some rows, in the order given, without padding, in float32; of all rows by default, and
        then packed for many searches."""
        per_node = [*_PER_NODE, *(("boxes", "kinds", "scores") if self.kind is ImageGraph else _PER_WORD)]
        own = {name: array for name, array in self.arrays.items() if name not in ("edges", "concepts", "labels")}
        if rows is not None:
            spans = [np.arange(self.node_start[row], self.node_start[row + 1]) for row in rows]
            places = np.concatenate(spans) if spans else np.zeros(0, np.int64)
            own = {name: array[places if name in per_node else list(rows)] for name, array in own.items()}
        tensors = {name: _tensor(array) for name, array in own.items()}
        nodes, counts = tensors["nodes"], tensors["counts"]
        return FlatGraphs(
            tensors["global_node"],
            HalfVectors(nodes) if rows is None else nodes,
            tensors["weights"],
            counts,
            FlatThings(tensors["boxes"], tensors["kinds"], tensors["scores"], counts) if "boxes" in tensors else None,
            tensors.get("cross_weights"),
            _relations(tensors),
        )

    def rows(self, rows: list[int] | range) -> ImageGraph | TextGraph:
        """A padded float32 batch of some rows, in the order given."""
        counts = [int(self.arrays["counts"][row]) for row in rows]
        most = max([1, *counts])
        batch = len(counts)
        dim = self.arrays["nodes"].shape[1] if self.arrays["nodes"].ndim == 2 else 0
        new: dict[str, np.ndarray] = {
            "global_node": np.asarray(self.arrays["global_node"][list(rows)], np.float32),
            "nodes": np.zeros((batch, most, dim), np.float32),
            "mask": np.zeros((batch, most), bool),
            "weights": np.zeros((batch, most), np.float32),
            "edges": np.zeros((batch, 1 + most, 1 + most), np.float32),
            "concepts": np.zeros((batch, self.concepts, 1 + most), np.float32),
        }
        if self.kind is ImageGraph:
            new["boxes"] = np.zeros((batch, most, 4), np.float32)
            new["kinds"] = np.zeros((batch, most), np.int64)
            new["labels"] = np.full((batch, most), -1, np.int64)
            new["scores"] = np.zeros((batch, most), np.float32)
        else:
            there = {"words": np.int64, "cross_weights": np.float32}
            new |= {name: np.zeros((batch, most), there[name]) for name in there if name in self.arrays}
        for i, (row, n) in enumerate(zip(rows, counts, strict=True)):
            span = slice(self.node_start[row], self.node_start[row + 1])
            for name in _PER_NODE | _PER_REGION | _PER_WORD:
                if name in new:
                    new[name][i, :n] = self.arrays[name][span]
            new["mask"][i, :n] = True
            edges = self.arrays["edges"][self.edge_start[row] : self.edge_start[row + 1]]
            new["edges"][i, : n + 1, : n + 1] = edges.reshape(n + 1, n + 1)
            concepts = self.arrays["concepts"][self.concept_start[row] : self.concept_start[row + 1]]
            new["concepts"][i, :, : n + 1] = concepts.reshape(self.concepts, n + 1)
        tensors: dict[str, Any] = {name: torch.from_numpy(value) for name, value in new.items()}
        per_row = {name: array[list(rows)] for name, array in self.arrays.items() if name.startswith("relations_")}
        if per_row:
            tensors["relations"] = _relations({name: _tensor(array) for name, array in per_row.items()})
        return self.kind(**tensors)


def _tensor(array: np.ndarray) -> Tensor:
    """In single precision, or as whole numbers of 64 bits."""
    wide = {"f": np.float32, "i": np.int64}.get(array.dtype.kind, array.dtype)
    return torch.from_numpy(np.array(array, wide))


def _relations(tensors: dict[str, Tensor]) -> TextEdges | None:
    """The edges of sentences; None where they have none."""
    if "relations_first" not in tensors:
        return None
    return TextEdges(**{name: tensors[f"relations_{name}"] for name in _RELATIONS})
