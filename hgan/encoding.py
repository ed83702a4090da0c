"""Pictures and sentences through the two towers, in batches: the one way for training, evaluation, gallery and search.

An `Encoder` owns a model, its processor and the device that they compute on. Whatever has to encode something while people
wait (retriever, gallery building, own galleries, what if) is handed one, so that nothing computes elsewhere.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ParamSpec, TypeVar

import torch
from tqdm import tqdm

from .checkpoint import fingerprint, load
from .io.pixels import Picture, as_picture, pixel_values, square
from .model.hgan import HGANModel
from .model.similarity import SimilarityParameters
from .processing import HGANProcessor
from .types import Batched, ImageGraph, Regions, TextGraph, concatenate

P, T = ParamSpec("P"), TypeVar("T")

LENT_SECONDS = 30  # that ZeroGPU lends a GPU for a call, at most


def to_pixels(images: Sequence[Picture], model: HGANModel) -> torch.Tensor:
    """What `HGANProcessor` gives for pictures, by the same function: (B, 3, S, S).

    Raises:
        ValueError: as `hgan.io.pixels.as_picture`.
    """
    return pixel_values(images, model.config.image_size, model.config.image_mean, model.config.image_std)


@torch.no_grad()
def encode_images(model: HGANModel, images: Sequence[Picture]) -> ImageGraph:
    """One batch of pictures through the picture tower, on the model's device; the result is on the CPU."""
    return model.encode_image(to_pixels(images, model).to(model.device)).to("cpu")


@torch.no_grad()
def encode_texts(
    model: HGANModel, processor: HGANProcessor, texts: Sequence[str], batch_size: int = 128, progress: bool = False
) -> TextGraph:
    """Sentences through the sentence tower, in batches of like length; the result is in the order given, on the CPU."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts = []
    for start in tqdm(range(0, len(order), batch_size), desc="sentences", unit="batch", disable=not progress):
        batch = processor(text=[texts[i] for i in order[start : start + batch_size]]).to(model.device)
        graph: TextGraph = model.encode_text(**batch)
        parts.append(graph.to("cpu"))
    place = torch.empty(len(order), dtype=torch.long)
    place[torch.tensor(order)] = torch.arange(len(order))
    return concatenate(parts)[place]


def is_zero_gpu() -> bool:
    """Whether this is a ZeroGPU Space, which lends a GPU for each call; the platform installs `spaces` there."""
    asked = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")  # as `spaces` reads it
    return asked and importlib.util.find_spec("spaces") is not None


class Encoder:
    """A model with its processor, on the device where they compute. What goes in and what comes out is on the CPU, and numbers
    that come out are float32: scoring and explaining stay there, for they take less time than moving the graphs does.

    On ZeroGPU (see `is_zero_gpu`) every call runs in a forked worker. Arguments and answers are pickled; the model is not, for
    the worker has it from before the fork. So the model is placed, and the first encoder of it made, before the app is launched:
    afterwards its weights cannot be read in this process.

    Args:
        model: on its device; it is put into eval mode.
        processor: of this model.
    """

    def __init__(self, model: HGANModel, processor: HGANProcessor) -> None:
        self.model, self.processor = model.eval(), processor
        self.bfloat16 = False
        self.lent = is_zero_gpu()
        self._compute = _lent(self._answer) if self.lent else self._answer

    @classmethod
    def open(cls, checkpoint: str, device: str = "auto") -> Encoder:
        """From a checkpoint, a folder or a hub id.

        Raises:
            ValueError: as `hgan.checkpoint.load`.
        """
        if is_zero_gpu():
            import spaces  # noqa: F401  # before the model is placed: from then on there is a GPU to place it on
        return cls(*load(checkpoint, device))

    def use_bfloat16(self) -> Encoder:
        """Computes in bfloat16 from now on where the model is on a CUDA GPU, by autocast; elsewhere nothing changes."""
        self.bfloat16 = self.model.device.type == "cuda"
        return self

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the model, as `hgan.checkpoint.fingerprint` gives it."""
        return fingerprint(self.model)

    @cached_property
    def parameters(self) -> SimilarityParameters:
        """The learned scalars of the similarity, on the CPU."""
        with torch.no_grad():
            return self.model.similarity_parameters.frozen()

    def images(self, pictures: Sequence[Picture]) -> ImageGraph:
        """Graphs of one batch of pictures, a row each.

        Raises:
            ValueError: as `hgan.io.pixels.as_picture`.
        """
        return self.run(_images, pictures)

    def texts(self, texts: Sequence[str], batch_size: int = 128, progress: bool = False) -> TextGraph:
        """Graphs of sentences, a row each, in the order given.

        Raises:
            ValueError: an empty sentence, or none.
        """
        return self.run(encode_texts, texts, batch_size, progress)

    def picture(self, picture: Picture) -> tuple[Regions, ImageGraph]:
        """The regions of one picture and its graph, batches of one.

        Raises:
            ValueError: as `hgan.io.pixels.as_picture`.
        """
        return self.run(_picture, square(as_picture(picture), self.model.config.image_size))

    def run(self, function: Callable[..., T], *args: Any) -> T:
        """`function(model, processor, *args)` on the device, without gradients.

        Args:
            function: stands in a module, so that it can be pickled. It takes what is not the model's to the model's device, and
                gives a record of tensors (`Batched`), or a tuple of such.
            args: on the CPU.

        Raises:
            ValueError: as the function.
        """
        answer = self._compute(function, args)
        if isinstance(answer, _Refusal):
            raise ValueError(answer.message)
        return answer

    @torch.no_grad()
    def _answer(self, function: Callable[..., T], args: tuple[Any, ...]) -> T | _Refusal:
        half = torch.autocast("cuda", dtype=torch.bfloat16) if self.bfloat16 else contextlib.nullcontext()
        try:
            with half:
                return _at_rest(function(self.model, self.processor, *args))
        except ValueError as error:
            if not self.lent:
                raise
            return _Refusal(str(error))


@dataclass(frozen=True)
class _Refusal:
    """A ValueError on its way back from a worker, which would give no more than its name."""

    message: str


def _lent(function: Callable[P, T]) -> Callable[P, T]:
    import spaces

    lent: Callable[P, T] = spaces.GPU(function, duration=LENT_SECONDS)
    return lent


def _at_rest(answer: Any) -> Any:
    """Records of tensors on the CPU, numbers in float32."""
    if isinstance(answer, tuple):
        return tuple(_at_rest(part) for part in answer)
    assert isinstance(answer, Batched)
    return answer.map(lambda tensor: tensor.to("cpu", torch.float32 if tensor.is_floating_point() else None))


def _images(model: HGANModel, processor: HGANProcessor, pictures: Sequence[Picture]) -> ImageGraph:
    return encode_images(model, pictures)


def _picture(model: HGANModel, processor: HGANProcessor, picture: Picture) -> tuple[Regions, ImageGraph]:
    regions, _ = model.encode_regions(to_pixels([picture], model).to(model.device))
    return regions, model.graph_of_regions(regions)
