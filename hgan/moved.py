"""Import paths of version 1: they still work, with a warning that names the new one. Nothing here imports them."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# Old name -> new name, both within `hgan`.
MOVED = {
    "ahead": "io.prefetch",
    "analysis": "retrieval.errors",
    "answers": "retrieval.results",
    "audit": "evaluation.faithfulness",
    "audit.deletion": "evaluation.faithfulness.deletion",
    "audit.pointing": "evaluation.faithfulness.pointing",
    "audit.proposals": "evaluation.faithfulness.proposals",
    "audit.run": "evaluation.faithfulness.run",
    "build": "checkpoint",
    "case": "retrieval.case",
    "class_cases": "retrieval.classroom",
    "commands": "cli.commands",
    "compare": "retrieval.compare",
    "data.batches": "training.batches",
    "data.falsify": "data.hard_negatives",
    "data.jsonl": "io.jsonl",
    "data.left_out": "io.left_out",
    "data.names": "io.names",
    "data.substitutes": "data.pictures",
    "demo.about": "demo.pages.about",
    "demo.cases": "demo.parts.cases",
    "demo.classroom": "demo.pages.classroom",
    "demo.compare": "demo.pages.compare",
    "demo.context": "demo.parts.context",
    "demo.doors": "demo.serving.doors",
    "demo.errors": "demo.pages.errors",
    "demo.explain": "demo.pages.explain",
    "demo.fair_queue": "demo.serving.fair_queue",
    "demo.files_input": "demo.parts.files_input",
    "demo.gpu": "encoding",
    "demo.health": "demo.serving.health",
    "demo.inputs": "demo.parts.inputs",
    "demo.links": "demo.parts.links",
    "demo.matches": "demo.parts.matches",
    "demo.messages": "demo.serving.messages",
    "demo.my_gallery": "demo.pages.my_gallery",
    "demo.restore": "demo.parts.restore",
    "demo.saving": "demo.parts.saving",
    "demo.search": "demo.pages.search",
    "demo.serving.gpu": "encoding",
    "demo.sessions": "demo.serving.sessions",
    "demo.uploading": "demo.serving.uploading",
    "demo.values": "demo.serving.values",
    "demo.visitor": "demo.serving.visitor",
    "demo.what_if": "demo.pages.what_if",
    "depth": "io.depth",
    "edits": "retrieval.edits",
    "explain": "retrieval.explain",
    "facts_metrics": "evaluation.by_tag",
    "failure_files": "retrieval.error_files",
    "files": "io.files",
    "formats": "io.formats",
    "gallery.ragged": "gallery.packed",
    "gallery.side": "gallery.scorer",
    "grounding": "data.phrases",
    "images": "io.images",
    "known_regions": "training.region_cache",
    "level_weights": "evaluation.level_weights",
    "locks": "io.locks",
    "loss": "training.losses",
    "memory": "io.memory",
    "metrics": "evaluation.metrics",
    "model.flat": "model.packed",
    "model.half": "model.fp16",
    "optimisation": "training.optimizer",
    "pixels": "io.pixels",
    "places": "io.places",
    "query": "retrieval.query",
    "replace": "io.replace",
    "report": "cli.report",
    "retriever": "retrieval.retriever",
    "run_folder": "training.run_folder",
    "retrieval.search": "retrieval.retriever",
    "search": "retrieval.retriever",
    "sides": "data.spatial",
    "start": "demo.serving.start",
    "teacher": "training.soft_targets",
    "terminal": "io.terminal",
    "train_config": "training.config",
    "uploads": "demo.uploads",
    "uploads.captions": "demo.uploads.captions",
    "uploads.files": "demo.uploads.files",
    "uploads.galleries": "demo.uploads.galleries",
    "uploads.kept": "demo.uploads.kept",
    "uploads.limits": "demo.uploads.limits",
    "uploads.private": "demo.uploads.private",
    "uploads.session": "demo.uploads.session",
    "uploads.shares": "demo.uploads.shares",
    "uploads.zips": "demo.uploads.zips",
    "what_if": "retrieval.perturb",
}


# By new name: what a module's own `__spec__` is. While it is imported under an old name, it has that of the alias.
_SPECS: dict[str, ModuleSpec | None] = {}


class _Alias(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        # The module under its new name, whole: a thread that imports the same old name never sees an empty one in its place.
        module = importlib.import_module(_new_name(spec.name))
        _SPECS.setdefault(module.__name__, module.__spec__)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = _SPECS[module.__name__]


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.removeprefix("hgan.") not in MOVED or not fullname.startswith("hgan."):
            return None
        warnings.warn(f"{fullname} has moved to {_new_name(fullname)}", DeprecationWarning, stacklevel=2)
        return ModuleSpec(fullname, _Alias())


def _new_name(old: str) -> str:
    return f"hgan.{MOVED[old.removeprefix('hgan.')]}"


def keep_old_paths() -> None:
    """Lets `import hgan.retriever` and its like find what they found in version 1."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        # Ahead of the finder of files, which would load `hgan.uploads.files` a second time from the folder of the new package.
        sys.meta_path.insert(0, _Finder())
