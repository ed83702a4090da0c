"""Who may have how much of what all visitors share: room on disk, kept sessions, places in the queue.

A visitor is a session at an address. A class behind one router has one address, so an address may have much and a session
little. Where something is full, whoever adds to it gives up the oldest of their own; where everything together is full, the
address that has most does. Nobody's things go because of what another did, while that other has more.
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Visitor:
    """Who asks: the network address, and the session that a browser tab or a program names; "" where it names none."""

    address: str = ""
    session: str = ""


NOBODY = Visitor()  # a handler that was called by a program in this process


@dataclass
class _Held:
    visitor: Visitor
    size: int
    order: int
    busy: bool = False


class Shares:
    """What is held, by whom, in the order it was last used.

    Args:
        total, address, session: the most that all visitors, one address and one session may hold, in the unit of `size`.
        rank: how much something is worth keeping; of one visitor's things, those of the lowest rank go first, then the oldest.
    """

    def __init__(
        self,
        total: float,
        address: float,
        session: float = float("inf"),
        rank: Callable[[Any], int] = lambda key: 0,
    ) -> None:
        self.total, self.address, self.session, self.rank = total, address, session, rank
        self._held: dict[Hashable, _Held] = {}
        self._count = itertools.count()
        self._lock = threading.RLock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._held

    def __len__(self) -> int:
        return len(self._held)

    def keys(self) -> list[Any]:
        """What is held, the oldest first."""
        with self._lock:
            return sorted(self._held, key=lambda key: self._held[key].order)

    def size(self, key: Hashable) -> int:
        """How large it is; 0 where it is not held."""
        held = self._held.get(key)
        return held.size if held else 0

    def visitor(self, key: Hashable) -> Visitor | None:
        """Who holds it."""
        held = self._held.get(key)
        return held.visitor if held else None

    def add(self, key: Hashable, visitor: Visitor, size: int = 1) -> list[Any]:
        """Takes something in, as the newest.

        Returns:
            what has to go for it; it is not held any more. What is busy stays.

        Raises:
            ValueError: there is no room for it, even so; nothing has changed then.
        """
        with self._lock:
            gone: list[Any] = []
            before = dict(self._held)
            known = self._held.pop(key, None)
            try:
                gone += self._room(visitor, size)
            except ValueError:
                self._held = before
                raise
            self._held[key] = _Held(visitor, size, next(self._count), known.busy if known else False)
            return gone

    def _room(self, visitor: Visitor, size: int) -> list[Any]:
        gone: list[Any] = []
        own: list[tuple[float, Callable[[Visitor], bool]]] = [
            (self.session, lambda other: bool(visitor.session) and other == visitor),
            (self.address, lambda other: other.address == visitor.address),
        ]
        for most, mine in own:
            while self._sum(mine) + size > most:
                gone.append(self._give_up(key for key, held in self._held.items() if mine(held.visitor)))
        while self._sum(lambda other: True) + size > self.total:
            by_address: dict[str, int] = defaultdict(int)
            for held in self._held.values():
                if not held.busy:
                    by_address[held.visitor.address] += held.size
            by_address[visitor.address] += size
            largest = max(by_address, key=lambda address: (by_address[address], address == visitor.address))
            gone.append(self._give_up(key for key, held in self._held.items() if held.visitor.address == largest))
        return gone

    def _sum(self, mine: Callable[[Visitor], bool]) -> int:
        return sum(held.size for held in self._held.values() if mine(held.visitor))

    def _give_up(self, keys: Iterable[Hashable]) -> Any:
        free = [key for key in keys if not self._held[key].busy]
        if not free:
            raise ValueError("got more than there is room for now: wait a moment and try again, or upload less")
        key = min(free, key=lambda key: (self.rank(key), self._held[key].order))
        del self._held[key]
        return key

    def resize(self, key: Hashable, size: int) -> None:
        """Says how large something is, once that is known; it keeps its place."""
        with self._lock:
            if key in self._held:
                self._held[key].size = size

    def touch(self, key: Hashable, visitor: Visitor | None = None) -> None:
        """Something was used: it is the newest now.

        Args:
            visitor: who holds it from now on, as when a phone has got another address.
        """
        with self._lock:
            if key in self._held:
                self._held[key].order = next(self._count)
                self._held[key].visitor = visitor or self._held[key].visitor

    def busy(self, key: Hashable, is_busy: bool) -> None:
        """What is busy is never given up."""
        with self._lock:
            if key in self._held:
                self._held[key].busy = is_busy

    def remove(self, key: Hashable) -> bool:
        """Whether it was held."""
        with self._lock:
            return self._held.pop(key, None) is not None
