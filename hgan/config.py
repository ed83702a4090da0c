"""The configuration of HGAN. Only builders (`HGANModel.__init__`, the processor's `from_config`) read it."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, BertConfig, MobileNetV2Config, PreTrainedConfig
from transformers.utils import logging

from .labels import LABELS

_log = logging.get_logger(__name__)


@strict
class HGANConfig(PreTrainedConfig):
    r"""
    backbone_config (`dict` or `PreTrainedConfig`, *optional*):
        A transformers vision model whose hidden states are feature maps (B, C, H, W), or an AutoBackbone. `None` with
        `precomputed_dim > 0` builds a model without a region encoder, for precomputed region features.
    backbone_taps (`list[int]`):
        Indices into the backbone's hidden states, finest first; -1 is its last hidden state.
    backbone_channels (`list[int]`):
        Channels of the tapped maps, in the order of `backbone_taps`.
    precomputed_dim (`int`):
        Width of precomputed region features (2048 in the field's `*_precomp` folders); 0 means pixels.
    text_config (`dict` or `PreTrainedConfig`, *optional*):
        A transformers text encoder.
    labels (`list[str]`):
        Display labels that the proposal head tells apart.
    image_size (`int`):
        Side of the square that every picture is resized to, in pixels (224 to 320).
    image_mean, image_std (`float`):
        Pixels in [0, 1] become (x - mean) / std.
    region_dim, dim, heads, graph_layers, concepts, groups (`int`):
        Width of region features; width D of the shared space; attention heads; layers of each feature graph; the K
        concept queries of MFAR (0: no mid-level nodes); groups of its rearrangement map.
    edge_bias, rearrange (`bool`):
        False builds graph layers whose attention no edge features bias, or an MFAR that adds up the granularities in place of
        rearranging them. With `graph_layers` or `concepts` at 0, or `context_grid` at 0, the other parts can be left out too.
    edge_words, edge_things, edge_dim, edge_share (`int`, `int`, `int`, `float`):
        Salient words whose pairs are the edges of a sentence (0: no edge terms); best things whose pairs are the edges of a
        picture; width of a predicate and of the map of a pair's geometry; most that edges take of the local level.
    edge_values, counts, content_words, levels_apart (`bool`):
        Values of the graph layer carry the edge, too; each thing's node carries how many of its like there are; function words
        make no node; the local level reads things alone, the cross level cells and the whole picture.
    max_regions, context_grid (`int`):
        Most detections kept for a picture; context cells are a `context_grid` x `context_grid` grid, 0 for none.
    score_threshold, nms_threshold (`float`):
        A detection needs this objectness; two with a larger IoU are one.
    nms_between_labels (`float`):
        The same for two that are sure to be of different kinds; 0 asks no label.
    label_threshold (`float`):
        A label is kept only where the product of its probability and the score reaches this; else the detection has none.
    head_kernel, side_tower (`int`, `bool`):
        Kernel of the proposal head's convolutions; whether the sides of boxes have a tower of their own.
    max_words, max_text_tokens (`int`):
        A longer sentence is cut, with a notice.
    """

    model_type = "hgan"
    sub_configs = {"backbone_config": AutoConfig, "text_config": AutoConfig}
    # Records that `transformers.Trainer` cannot gather; without them it predicts the logits.
    keys_to_ignore_at_inference = ["similarity", "image_graph", "text_graph", "proposals"]

    backbone_config: dict[str, Any] | PreTrainedConfig | None = None
    backbone_taps: list[int] | tuple[int, ...] = (4, 11, -1)
    backbone_channels: list[int] | tuple[int, ...] = (32, 96, 1280)
    precomputed_dim: int = 0
    text_config: dict[str, Any] | PreTrainedConfig | None = None
    labels: list[str] | tuple[str, ...] = LABELS
    image_size: int = 224
    image_mean: float = 0.5
    image_std: float = 0.5
    pyramid_dim: int = 96
    region_dim: int = 512
    roi_size: int = 3
    dim: int = 256
    heads: int = 4
    graph_layers: int = 1
    concepts: int = 8
    groups: int = 4
    edge_bias: bool = True
    rearrange: bool = True
    edge_words: int = 0
    edge_things: int = 14
    edge_dim: int = 16
    edge_share: float = 0.5
    edge_values: bool = False
    counts: bool = False
    content_words: bool = False
    levels_apart: bool = False
    dropout: float = 0.1
    max_regions: int = 27
    context_grid: int = 3
    score_threshold: float = 0.05
    nms_threshold: float = 0.5
    nms_between_labels: float = 0.0
    label_threshold: float = 0.0
    head_kernel: int = 3
    side_tower: bool = False
    max_words: int = 48
    max_text_tokens: int = 64
    temperature_init: float = 0.1
    logit_scale_init: float = 3.0
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs: Any) -> None:
        self.backbone_config = _as_config(self.backbone_config)
        self.text_config = _as_config(self.text_config)
        if self.backbone_config is None and self.precomputed_dim == 0:
            self.backbone_config = MobileNetV2Config(depth_multiplier=1.0, image_size=self.image_size)
        if self.text_config is None:
            self.text_config = BertConfig(
                hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
            )
        if self.backbone_config is not None and self.precomputed_dim:
            raise ValueError(
                f"got a backbone_config and precomputed_dim={self.precomputed_dim}, but expected one of them: "
                "pixels go through a backbone, precomputed features do not"
            )
        if len(self.backbone_taps) != len(self.backbone_channels):
            raise ValueError(
                f"got {len(self.backbone_taps)} backbone_taps and {len(self.backbone_channels)} backbone_channels, "
                "but expected one width a tap"
            )
        if self.dim % self.heads or self.dim % self.groups:
            raise ValueError(
                f"got dim={self.dim}, heads={self.heads}, groups={self.groups}, but expected both to divide dim"
            )
        super().__post_init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """As transformers' own, for a config.json that is read.

        Raises:
            ValueError: it is no HGAN's, or lacks settings without which the same weights answer otherwise.
        """
        if not isinstance(config_dict, dict):
            raise ValueError(
                f"config.json: got {type(config_dict).__name__}, but expected the settings of an HGAN model"
            )
        kind, missing = config_dict.get("model_type"), sorted(_NEEDED - config_dict.keys())
        if kind is not None and kind != cls.model_type:
            raise ValueError(f"config.json: got model_type {kind!r}, but expected 'hgan'")
        if len(missing) == len(_NEEDED):
            raise ValueError("config.json: got none, or an empty one, but expected the settings of an HGAN model")
        if missing:
            raise ValueError(
                f"config.json: got settings without {', '.join(missing)}, but expected all of them: is it damaged?"
            )
        known = {field.name for field in fields(cls)} | {
            "model_type",
            "transformers_version",
            "torch_dtype",
            "auto_map",
        }
        strange = sorted(name for name in config_dict.keys() - known if not name.startswith("_"))
        if strange:
            _log.warning(f"config.json: got {', '.join(strange)}, which no HGAN model has: ignored")
        return super().from_dict(config_dict, **kwargs)


# Settings that shape no weight, or not every one: a checkpoint that lacks one would be filled up with a default and answer
# otherwise. (`edge_bias` and `rearrange` came later.)
_NEEDED = {
    "backbone_taps", "concepts", "context_grid", "dim", "graph_layers", "groups", "heads", "image_mean", "image_size",
    "image_std", "labels", "max_regions", "max_text_tokens", "max_words", "nms_threshold", "roi_size", "score_threshold",
}  # fmt: skip
_COUNTS = {
    "image_size": 1, "pyramid_dim": 1, "region_dim": 1, "roi_size": 1, "dim": 1, "heads": 1, "groups": 1, "max_regions": 1,
    "max_words": 1, "max_text_tokens": 3, "head_kernel": 1, "precomputed_dim": 0, "graph_layers": 0, "concepts": 0,
    "context_grid": 0, "edge_words": 0, "edge_things": 2, "edge_dim": 1,
}  # fmt: skip
_SHARES = ("score_threshold", "nms_threshold", "nms_between_labels", "label_threshold", "dropout", "edge_share")
_SWITCHES = ("edge_bias", "rearrange", "side_tower", "edge_values", "counts", "content_words", "levels_apart")
_POSITIVE = ("image_std", "temperature_init", "initializer_range")


def require_settings(config: HGANConfig) -> None:
    """Refuses settings that no model can have, also those that were set after the config was made.

    Raises:
        ValueError: with the setting's name, what came and what was expected.
    """

    def refuse(name: str, expected: str) -> None:
        raise ValueError(f"config: got {name}={getattr(config, name)!r}, but expected {expected}")

    for name, least in _COUNTS.items():
        if type(getattr(config, name)) is not int or getattr(config, name) < least:
            refuse(name, f"a whole number of {least} or more")
    for name in ("image_mean", "logit_scale_init", *_SHARES, *_POSITIVE):
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            refuse(name, "a finite number")
        if name in _SHARES and not 0 <= value <= 1:
            refuse(name, "a number from 0 to 1")
        if name in _POSITIVE and value <= 0:
            refuse(name, "a number above 0")
    for name in _SWITCHES:
        if not isinstance(getattr(config, name), bool):
            refuse(name, "true or false")
    if config.edge_values and not config.edge_bias:
        refuse("edge_values", "false where edge_bias is false: both read the same edge features")
    if config.edge_words == 1:
        refuse("edge_words", "0, or at least 2: an edge has two words")
    if config.levels_apart and not config.context_grid and not config.precomputed_dim:
        refuse("levels_apart", "false where context_grid is 0: the cross level would have nothing to read")
    if config.head_kernel % 2 == 0:
        refuse("head_kernel", "an odd number")
    for name, kind in (("labels", str), ("backbone_taps", int), ("backbone_channels", int)):
        values = getattr(config, name)
        if not isinstance(values, list | tuple) or not values or any(type(v) is not kind for v in values):
            refuse(name, "a list of names" if kind is str else "a list of whole numbers")


def _as_config(value: dict[str, Any] | PreTrainedConfig | None) -> PreTrainedConfig | None:
    if not isinstance(value, dict):
        return value
    if "model_type" not in value:
        raise ValueError(f"got a sub-config with keys {sorted(value)}, but expected one with 'model_type'")
    return AutoConfig.for_model(**value)
