"""A transformers vision model as a source of feature maps."""

from __future__ import annotations

from typing import cast

from jaxtyping import Float
from torch import Tensor, nn
from transformers import AutoBackbone, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_BACKBONE_MAPPING


class Backbone(nn.Module):
    """Feature maps at several strides, finest first.

    An AutoBackbone gives its own `feature_maps`; any other model whose hidden states are maps is tapped by index.

    Args:
        config: the vision model's configuration. An EfficientNet whose `squeeze_expansion_ratio` is 0 is built without
            squeeze-and-excite, as EfficientNet-Lite is.
        taps: indices into hidden states (or feature maps), -1 the last hidden state.
    """

    def __init__(self, config: PreTrainedConfig, taps: tuple[int, ...]) -> None:
        super().__init__()
        self.taps = taps
        self.has_feature_maps = type(config) in MODEL_FOR_BACKBONE_MAPPING
        self.model = AutoBackbone.from_config(config) if self.has_feature_maps else AutoModel.from_config(config)
        # A classifier's pooler is of no use here, but some models call theirs in any case: it costs next to nothing unless it
        # has weights, which a checkpoint would keep.
        pooler = getattr(self.model, "pooler", None)
        if isinstance(pooler, nn.Module) and list(pooler.parameters()):
            self.model.pooler = None
        if getattr(config, "squeeze_expansion_ratio", None) == 0:  # transformers builds them with a width of 1
            _take_out_squeezes(self.model)

    def forward(self, pixel_values: Float[Tensor, "batch 3 height width"]) -> list[Float[Tensor, "batch channels h w"]]:
        if self.has_feature_maps:
            maps = self.model(pixel_values).feature_maps
            return [maps[tap] for tap in self.taps]
        output = self.model(pixel_values, output_hidden_states=True)
        return [output.last_hidden_state if tap == -1 else output.hidden_states[tap] for tap in self.taps]

    def blocks(self) -> list[nn.Module]:
        """The stem, then the blocks, in the order in which a picture passes through them."""
        stem = [part for name, part in self.model.named_children() if "stem" in name or "embed" in name]
        stack = next((part for part in self.model.modules() if isinstance(part, nn.ModuleList)), ())
        return [*stem, *stack]


def without_idle_squeezes(model: PreTrainedModel) -> bool:
    """Takes squeeze-and-excite out of an EfficientNet in which it multiplies by exactly 1, and says so in its configuration:
    the same output to the bit, for less work. (EfficientNet-Lite, kept as a transformers model, has such weights.)

    Returns:
        Whether anything was taken out.
    """
    squeezes = [cast(nn.Module, block.squeeze_excite) for block in model.modules() if hasattr(block, "squeeze_excite")]
    if not squeezes or not all(_multiplies_by_one(squeeze) for squeeze in squeezes):
        return False
    _take_out_squeezes(model)
    model.config.squeeze_expansion_ratio = 0.0
    return True


def _multiplies_by_one(squeeze: nn.Module) -> bool:
    expand = getattr(squeeze, "expand", None)
    if not isinstance(expand, nn.Conv2d) or expand.bias is None:
        return False
    return not expand.weight.any() and bool((expand.bias.float().sigmoid() == 1).all())


def _take_out_squeezes(model: nn.Module) -> None:
    for block in model.modules():
        if hasattr(block, "squeeze_excite"):
            block.squeeze_excite = nn.Identity()
