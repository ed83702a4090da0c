"""The Hugging Face plumbing of the model: loading that refuses half a checkpoint."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from ..config import HGANConfig
from .checked import require_finite, require_whole, without_report


class HGANPreTrainedModel(PreTrainedModel):
    """Weight initialisation and the Hugging Face plumbing."""

    config: HGANConfig
    config_class = HGANConfig
    base_model_prefix = "hgan"
    main_input_name = "pixel_values"
    input_modalities = ["image", "text"]
    supports_gradient_checkpointing = False

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """As transformers' own, but half a checkpoint is no checkpoint. `ignore_mismatched_sizes=True` still begins weights of
        another shape anew.

        Raises:
            ValueError: weights that are missing, of another shape, not the model's, or not finite, by name.
        """
        anew, told = kwargs.pop("ignore_mismatched_sizes", False), kwargs.pop("output_loading_info", False)
        with without_report():
            found: Any = super().from_pretrained(
                pretrained_model_name_or_path, *args, ignore_mismatched_sizes=True, output_loading_info=True, **kwargs
            )
        model, info = found
        where = str(pretrained_model_name_or_path or "the checkpoint")
        require_whole(info, where, mismatched_too=not anew)
        require_finite(model.state_dict(), where)
        return (model, info) if told else model
