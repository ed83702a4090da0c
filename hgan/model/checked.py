"""What comes in is checked. Weights from a checkpoint are all of them and nothing else: transformers fills what is missing with
random numbers, and leaves out what it does not know, without an error. Pixels are a batch of pictures."""

from __future__ import annotations

import logging as python_logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers.utils import logging

_log = logging.get_logger(__name__)
_SHOWN = 4


def require_whole(info: Mapping[str, Any], where: str, mismatched_too: bool = True) -> None:
    """Refuses what `from_pretrained(..., output_loading_info=True)` tells of a checkpoint that is not whole.

    Raises:
        ValueError: with the names of the weights that are missing, of another shape, or not the model's.
    """
    wrong = []
    shapes = {name: (tuple(had), tuple(wanted)) for name, had, wanted in info.get("mismatched_keys", ())}
    missing = set(info.get("missing_keys", ())) - set(shapes)
    if missing:
        wrong.append(f"missing weights {listed(missing)}")
    if shapes and mismatched_too:
        told = [f"{name} of shape {had} where {wanted} is expected" for name, (had, wanted) in sorted(shapes.items())]
        wrong.append(f"weights of another shape: {_cut(told)}")
    if info.get("unexpected_keys"):
        wrong.append(f"weights that the model does not have {listed(info['unexpected_keys'])}")
    wrong += [str(message).splitlines()[0] for message in info.get("error_msgs", ())]
    if wrong:
        raise ValueError(f"{where}: got {'; '.join(wrong)}, but expected every weight of the model and no other")


def require_finite(weights: Mapping[str, Tensor], where: str) -> None:
    """Refuses weights that are no numbers.

    Raises:
        ValueError: with their names.
    """
    bad = [name for name, value in weights.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if bad:
        raise ValueError(f"{where}: got weights that are not finite numbers {listed(bad)}, but expected finite ones")


def listed(names: Iterable[str]) -> str:
    """A few of the names, and how many there are."""
    return f"({_cut(sorted(names))})"


def _cut(told: list[str]) -> str:
    more = len(told) - _SHOWN
    return ", ".join(told[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


@contextmanager
def without_report() -> Iterator[None]:
    """Leaves out transformers' table of what did not fit: it is said in one line."""
    logger = python_logging.getLogger("transformers.modeling_utils")

    def plain(record: logging.LogRecord) -> bool:
        return "LOAD REPORT" not in str(record.msg)

    logger.addFilter(plain)
    try:
        yield
    finally:
        logger.removeFilter(plain)


def require_pixels(pixel_values: torch.Tensor, size: int | None) -> None:
    """Refuses what is no batch of pictures, and warns once of another size than the model's.

    Args:
        size: side of the pictures that the model was made for, in pixels; None where any will do.

    Raises:
        ValueError: a shape other than (batch, 3, height, width).
    """
    shape = tuple(pixel_values.shape)
    if len(shape) != 4 or shape[1] != 3:
        raise ValueError(f"got pixel_values of shape {shape}, but expected (batch, 3, height, width)")
    if size is not None and shape[2:] != (size, size):
        _log.warning_once(
            f"got pixel_values of {shape[2]} x {shape[3]}, but config.image_size is {size}: the scores differ from those of "
            "the checkpoint's own processor"
        )
