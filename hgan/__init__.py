"""HGAN: a Hierarchical Graph Alignment Network for image-text retrieval whose scores are sums one can read off."""

from transformers import AutoConfig, AutoModel, AutoProcessor

from .config import HGANConfig
from .model.hgan import HGANModel, HGANOutput
from .moved import keep_old_paths
from .processing import HGANProcessor
from .retrieval.results import Hit, SearchResult
from .types import ImageGraph, Regions, Similarity, TextGraph
from .version import __version__

keep_old_paths()
AutoConfig.register("hgan", HGANConfig)
AutoModel.register(HGANConfig, HGANModel)
AutoProcessor.register(HGANConfig, HGANProcessor)


__all__ = [
    "HGANConfig",
    "HGANModel",
    "HGANOutput",
    "HGANProcessor",
    "Hit",
    "ImageGraph",
    "Regions",
    "SearchResult",
    "Similarity",
    "TextGraph",
    "__version__",
]
