"""HGAN: a Hierarchical Graph Alignment Network for image-text retrieval whose scores are sums one can read off."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from transformers import AutoConfig, AutoModel, AutoProcessor

from .config import HGANConfig
from .model.hgan import HGANModel, HGANOutput
from .moved import keep_old_paths
from .processing import HGANProcessor
from .types import ImageGraph, Regions, Similarity, TextGraph
from .version import __version__

if TYPE_CHECKING:
    from .retrieval.results import Hit, SearchResult
    from .retrieval.retriever import Retriever

# Loaded when they are first asked for (PEP 562): a model alone needs no gallery.
_LAZY = {"Hit": "retrieval.results", "Retriever": "retrieval.retriever", "SearchResult": "retrieval.results"}

__all__ = [
    "HGANConfig",
    "HGANModel",
    "HGANOutput",
    "HGANProcessor",
    "Hit",
    "ImageGraph",
    "Regions",
    "Retriever",
    "SearchResult",
    "Similarity",
    "TextGraph",
    "__version__",
]

keep_old_paths()
AutoConfig.register("hgan", HGANConfig)
AutoModel.register(HGANConfig, HGANModel)
AutoProcessor.register(HGANConfig, HGANProcessor)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
