"""Memory that the decoding of pictures may take: known from a picture's header before it is decoded, and shared by all
threads of a process."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image

# Bytes a pixel that Pillow keeps for each mode (RGB takes four); anything else counts as four.
_KEPT = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
# Bytes a pixel that a decoder takes besides, at worst: measured on pictures of 16 million pixels, and rounded up. A
# progressive JPEG keeps its coefficients; WebP has two canvases, the frame and a copy of it; AVIF planes of up to 16 bits
# and RGB of them; PNG, BMP and GIF go line by line.
_DECODER = {"JPEG": 8, "MPO": 8, "WEBP": 10, "AVIF": 12, "GIF": 1, "PNG": 1, "BMP": 1, "DIB": 1}

# Pillow keeps a picture in blocks of 16 MB by default. glibc keeps freed blocks of up to 32 MB, for each thread apart: three
# threads that decode one after the other would hold three pictures. Larger blocks go back at once.
if hasattr(Image.core, "set_block_size"):
    Image.core.set_block_size(64 << 20)


def needed(image: Image.Image, file_bytes: int) -> int:
    """Bytes of memory that decoding an opened but not yet decoded picture to upright RGB takes, at worst."""
    width, height = image.size
    pixels, besides = width * height, _DECODER.get(image.format or "", 8)
    if image.format == "TIFF":
        tags: Any = getattr(image, "tag_v2", {})
        bits, tile = _numbers(tags, 258), _numbers(tags, 322)[:1] + _numbers(tags, 323)[:1]
        # A tile, or a strip that is the whole picture, is decoded at once; a tile may be larger than the picture.
        besides = max(1, -(-max(sum(bits), max(bits, default=1) * _first(tags, 277)) // 8))
        if len(tile) == 2:
            pixels = max(pixels, tile[0] * tile[1])
    kept = _KEPT.get(image.mode, 4)
    # The RGB made of it; and once decoded, one more where it is turned.
    return pixels * (kept + 4 + max(besides, 4)) + file_bytes


def _numbers(tags: Any, tag: int) -> list[int]:
    try:
        value = tags.get(tag)
    except Exception:  # a damaged tag says nothing
        return []
    values = value if isinstance(value, tuple) else (value,)
    return [int(v) for v in values if isinstance(v, int) and v >= 0]


def _first(tags: Any, tag: int) -> int:
    return next(iter(_numbers(tags, tag)), 1)


class Budget:
    """Bytes that threads share: who finds no room waits, in the order of coming.

    Args:
        limit: bytes in all; may be set later, and counts from then on.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._empty()
        if hasattr(os, "register_at_fork"):  # a worker process must not wait for threads that it does not have
            os.register_at_fork(after_in_child=self._empty)

    def _empty(self) -> None:
        self.taken = 0
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def take(self, amount: int) -> Iterator[None]:
        """Holds so many bytes, or all there are where it is more, as long as the block runs."""
        ticket, amount = object(), min(amount, self.limit)
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and self.taken + amount <= self.limit)
                self.taken += amount
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self.taken -= amount
                self._changed.notify_all()


# For decoding in this process. The largest picture that is taken (50 million pixels) needs at most that much: three of
# them at once wait for one another, while five photographs of 12 million pixels find room together.
DECODING = Budget(1_100_000_000)
