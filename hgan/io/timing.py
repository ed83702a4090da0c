"""The one clock of everything that says how long it took."""

from __future__ import annotations

import time


class Timer:
    """Counts from the moment it is made, or from the last lap."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def lap(self) -> float:
        """Milliseconds since the start or the last lap; the next lap begins now."""
        now = time.perf_counter()
        took, self._start = (now - self._start) * 1000, now
        return took
