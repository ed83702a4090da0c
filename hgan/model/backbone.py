"""A transformers vision model as a source of feature maps."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from transformers import AutoBackbone, AutoModel, PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_BACKBONE_MAPPING


class Backbone(nn.Module):
    """Feature maps at several strides, finest first.

    An AutoBackbone gives its own `feature_maps`; any other model whose hidden states are maps is tapped by index.

    Args:
        config: the vision model's configuration.
        taps: indices into hidden states (or feature maps), -1 the last hidden state.
    """

    def __init__(self, config: PreTrainedConfig, taps: tuple[int, ...]) -> None:
        super().__init__()
        self.taps = taps
        self.has_feature_maps = type(config) in MODEL_FOR_BACKBONE_MAPPING
        self.model = AutoBackbone.from_config(config) if self.has_feature_maps else AutoModel.from_config(config)
        # The pooler of a classifier is of no use here.
        if getattr(self.model, "pooler", None) is not None:
            self.model.pooler = None

    def forward(self, pixel_values: Float[Tensor, "batch 3 height width"]) -> list[Float[Tensor, "batch channels h w"]]:
        if self.has_feature_maps:
            maps = self.model(pixel_values).feature_maps
            return [maps[tap] for tap in self.taps]
        output = self.model(pixel_values, output_hidden_states=True)
        return [output.last_hidden_state if tap == -1 else output.hidden_states[tap] for tap in self.taps]
