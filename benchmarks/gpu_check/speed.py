"""Pictures and sentences a second, by the model alone and with all that comes before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image

from hgan.encoding import encode_images, encode_texts, to_pixels
from hgan.model.hgan import HGANModel
from hgan.processing import HGANProcessor

SECONDS = 2.0  # that each is measured, after one round to warm up


def rate(call: Callable[[], Any], items: int, device: torch.device) -> float:
    """Items a second."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    call()
    wait()
    rounds, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        call()
        wait()
        rounds += 1
    return rounds * items / (time.perf_counter() - start)


@torch.inference_mode()
def speeds(
    model: HGANModel, processor: HGANProcessor, pictures: Sequence[Image.Image], texts: Sequence[str], batch: int
) -> dict[str, float]:
    """Of one model on its device.

    Args:
        pictures: decoded; each batch holds `batch` of them, over and over.
    """
    shown = [pictures[n % len(pictures)] for n in range(batch)]
    said = [texts[n % len(texts)] for n in range(batch)]
    pixels = to_pixels(shown, model).to(model.device)
    words = processor(text=said).to(model.device)
    return {
        "batch": batch,
        "pictures_per_s": rate(lambda: model.encode_image(pixels), batch, model.device),
        "pictures_per_s_resized_and_brought_back": rate(lambda: encode_images(model, shown), batch, model.device),
        "sentences_per_s": rate(lambda: model.encode_text(**words), batch, model.device),
        "sentences_per_s_tokenised_and_brought_back": rate(
            lambda: encode_texts(model, processor, said), batch, model.device
        ),
    }
