"""A second device for machines that have none: tensors that say they lie elsewhere, though they compute on the CPU.

FakeTensorMode cannot run this model: what is found in a picture decides how many nodes there are. Here everything is computed,
and only the place is pretended. As on CUDA, an operation on tensors of two devices is refused, but for numbers (tensors without
dimensions), indices, and copies from one device to the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

ELSEWHERE = torch.device("meta")  # a device that every build of torch knows, and that no code here asks for
_TWO_DEVICES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
_INDEXED = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")
_NO_NUMBERS = ("aten::cat", "aten::stack")  # numbers of another device are refused there too


class Away(torch.Tensor):
    """A tensor elsewhere; `here` holds its numbers."""

    here: torch.Tensor

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> Away:
        made: Away = torch.Tensor._make_wrapper_subclass(
            cls, here.shape, dtype=here.dtype, device=ELSEWHERE, strides=here.stride(),
            storage_offset=here.storage_offset(),
        )  # fmt: skip
        made.here = here
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})

    def tolist(self) -> Any:
        return self.here.tolist()

    def new_tensor(self, data: Any, **settings: Any) -> Away:  # makes its tensor without asking any mode
        return Away(self.here.new_tensor(data, **settings))

    def __getitem__(self, index: Any) -> Any:  # a list would become a tensor in the same way
        parts = index if isinstance(index, tuple) else (index,)
        parts = tuple(torch.tensor(part, dtype=torch.long) if isinstance(part, list) else part for part in parts)
        return super().__getitem__(parts)

    def __repr__(self, **_: Any) -> str:
        return f"Away({self.here!r})"


class _Places(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    empty = [tensor for tensor in tensors if not isinstance(tensor, Away) and tensor.device == ELSEWHERE]
    assert not empty, f"{func}: a tensor that was made elsewhere without any numbers"
    away = any(isinstance(tensor, Away) for tensor in tensors)
    if away and func not in _TWO_DEVICES:
        _require_one_device(func, args, tensors)
    if kwargs.get("device") is not None:
        away = torch.device(kwargs["device"]) == ELSEWHERE
        kwargs = {**kwargs, "device": torch.device("cpu")}
    elif func is torch.ops.aten.copy_.default:
        away = isinstance(args[0], Away)
    plain = tree_map(lambda leaf: leaf.here if isinstance(leaf, Away) else leaf, (args, kwargs))
    result = func(*plain[0], **plain[1])
    if func._schema.is_mutable and isinstance(args[0], torch.Tensor):
        return args[0] if isinstance(result, torch.Tensor) else result
    if not away:
        return result
    return tree_map(lambda leaf: Away(leaf) if isinstance(leaf, torch.Tensor) else leaf, result)


def _require_one_device(func: Any, args: Any, tensors: list[torch.Tensor]) -> None:
    name = func._schema.name
    if name in _INDEXED:
        tensors = [tensor for tensor in args if isinstance(tensor, torch.Tensor)]  # indices may lie on the CPU
    strangers = [t for t in tensors if not isinstance(t, Away) and (t.dim() or name in _NO_NUMBERS)]
    if strangers and any(isinstance(tensor, Away) for tensor in tensors):
        raise RuntimeError(
            f"{name}: expected all tensors on one device, but one of shape {tuple(strangers[0].shape)} is here"
        )


@contextmanager
def second_device() -> Iterator[None]:
    """Within it, tensors can be sent to `ELSEWHERE`."""
    with _Places():
        yield


def send(module: nn.Module) -> nn.Module:
    """Moves a module's parameters and buffers elsewhere, in place."""
    for part in module.modules():
        for name, value in part._parameters.items():
            if value is not None:
                part._parameters[name] = nn.Parameter(Away(value.data), value.requires_grad)
        for name, value in part._buffers.items():
            if value is not None:
                part._buffers[name] = Away(value)
    return module


def back(value: Any) -> Any:
    """Tensors back on the CPU."""
    return tree_map(lambda leaf: leaf.here if isinstance(leaf, Away) else leaf, value)
