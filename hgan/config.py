"""The configuration of HGAN. Only builders (`HGANModel.__init__`, the processor's `from_config`) read it."""

from __future__ import annotations

from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, BertConfig, MobileNetV2Config, PreTrainedConfig

from .labels import LABELS


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
    max_regions, context_grid (`int`):
        Most detections kept for a picture; context cells are a `context_grid` x `context_grid` grid, 0 for none.
    score_threshold, nms_threshold (`float`):
        A detection needs this objectness; two with a larger IoU are one.
    max_words, max_text_tokens (`int`):
        A longer sentence is cut, with a notice.
    """

    model_type = "hgan"
    sub_configs = {"backbone_config": AutoConfig, "text_config": AutoConfig}

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
    dropout: float = 0.1
    max_regions: int = 27
    context_grid: int = 3
    score_threshold: float = 0.05
    nms_threshold: float = 0.5
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


def _as_config(value: dict[str, Any] | PreTrainedConfig | None) -> PreTrainedConfig | None:
    if not isinstance(value, dict):
        return value
    if "model_type" not in value:
        raise ValueError(f"got a sub-config with keys {sorted(value)}, but expected one with 'model_type'")
    return AutoConfig.for_model(**value)
