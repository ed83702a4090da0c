"""Where the model runs: half precision on a CUDA GPU, and on a ZeroGPU Space in the worker that is lent one for each call.

The model is placed before the app is launched, outside the functions that use it, as ZeroGPU wants it.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Any

import torch

from ...retrieval.retriever import Retriever

# The platform installs the package; its decorator wants to be applied before the launch.
ZERO_GPU = bool(os.environ.get("SPACES_ZERO_GPU")) and importlib.util.find_spec("spaces") is not None


def on_gpu(function: Callable[..., Any], device: torch.device, seconds: int = 30) -> Callable[..., Any]:
    """The function, run where there is a GPU. On ZeroGPU it runs in a forked worker: what goes in and out is pickled.

    Args:
        device: the model's.
        seconds: that ZeroGPU lends the GPU for, at most.
    """
    if device.type == "cuda":  # scores are summed in float32 in any case (`hgan.model`)
        function = torch.autocast("cuda", dtype=torch.bfloat16)(function)
    if not ZERO_GPU:
        return function
    import spaces

    lent: Callable[..., Any] = spaces.GPU(function, duration=seconds)
    return lent


def place(retriever: Retriever) -> Retriever:
    """A retriever whose encoding and what-if run where there is a GPU. Scoring and explaining stay on the CPU: they take less
    than lending a GPU does."""
    for name in ("encode", "what_if"):
        setattr(retriever, name, on_gpu(getattr(retriever, name), retriever.model.device))
    return retriever
