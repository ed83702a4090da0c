"""Products with very many vectors that are kept in half precision: a search takes as long as they take to come from memory."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

# FBGEMM multiplies numbers in half precision by others in single precision and adds up in single precision. It is part of
# PyTorch on x86 processors alone.
PACKED = "fbgemm" in torch.backends.quantized.supported_engines


class HalfVectors:
    """Many vectors of which each number fits in half precision: their products are exact to single precision.

    Args:
        vectors: numbers that do not fit in half precision are rounded.
    """

    def __init__(self, vectors: Float[Tensor, "vectors dim"]) -> None:
        self.count = len(vectors)
        rounded = vectors.half().float()
        packed = PACKED and self.count > 0
        self._packed = torch.ops.quantized.linear_prepack_fp16(rounded, None) if packed else None
        self._plain = None if packed else rounded

    def __len__(self) -> int:
        return self.count

    def products(self, others: Float[Tensor, "others dim"]) -> Float[Tensor, "vectors others"]:
        """Of every vector with a few others, in single precision."""
        if self._packed is None:
            assert self._plain is not None
            return self._plain @ others.T
        products: Tensor = torch.ops.quantized.linear_dynamic_fp16(others.contiguous(), self._packed)
        return torch.from_numpy(np.ascontiguousarray(products.numpy().T))  # PyTorch takes twice as long to turn it
