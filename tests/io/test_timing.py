from __future__ import annotations

import time

from hgan.io.timing import Timer


def test_laps_follow_each_other_in_milliseconds():
    start, timer = time.perf_counter(), Timer()
    time.sleep(0.02)
    first = timer.lap()
    second = timer.lap()
    whole = (time.perf_counter() - start) * 1000
    assert first >= 20
    assert second < first
    assert first + second <= whole
