"""Things by how good they are, the best one first: a heap whose dead entries leave late.

Nothing is told when an entry dies. Dead ones are dropped once they come first, and all of them when
the heap has doubled since they last were: adding and looking take O(log n), and nothing piles up.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LEAST_SWEEP = 32


class Ladder(Generic[T]):
    """A heap by key, the lowest first, ties by arrival."""

    __slots__ = ("entries", "is_alive", "serial", "sweep_at")

    def __init__(self, is_alive: Callable[[T], bool]) -> None:
        self.is_alive = is_alive
        self.entries: list[tuple[int, int, T]] = []
        self.serial = 0
        self.sweep_at = LEAST_SWEEP

    def add(self, key: int, entry: T) -> None:
        """Put an entry in its place."""
        if len(self.entries) >= self.sweep_at:
            self.keep([held for held in self.entries if self.is_alive(held[2])])
        self.serial += 1
        heappush(self.entries, (key, self.serial, entry))

    def first(self) -> T | None:
        """Return the best entry that is alive."""
        entries = self.entries
        while entries:
            entry = entries[0][2]
            if self.is_alive(entry):
                return entry
            heappop(entries)
        return None

    def remove(self, gone: set[T]) -> None:
        """Take entries out though they are alive; looks at all of them."""
        self.keep([held for held in self.entries if held[2] not in gone])

    def keep(self, entries: list[tuple[int, int, T]]) -> None:
        """Hold only these entries."""
        heapify(entries)
        self.entries = entries
        self.sweep_at = max(LEAST_SWEEP, 2 * len(entries))
