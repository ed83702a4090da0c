"""Reading ahead: the next piece is made on another thread while this one is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T, R = TypeVar("T"), TypeVar("R")


def one_ahead(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`map` that is one item ahead of its consumer, and never more: what it holds stays bounded."""
    with ThreadPoolExecutor(1) as pool:
        waiting: Future[R] | None = None
        for item in items:
            following = pool.submit(function, item)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()
