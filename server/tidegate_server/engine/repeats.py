"""When orders alike were sent: what 4.15 counts.

An account keeps the times of each kind of order, and the book all of them in one queue, the oldest
first. A record that counts an order says from when on times still matter, and at its end what is
older leaves the queue: nothing is looked through, and nothing older than the window is kept.
"""

from __future__ import annotations

from bisect import bisect_right

COMPACT_AT = 64


class Times:
    """Times in order; the first `front` of them are forgotten."""

    __slots__ = ("front", "times")

    def __init__(self, first: int) -> None:
        self.times = [first]
        self.front = 0

    def since(self, floor_ns: int) -> int:
        """Return how many are later than `floor_ns`."""
        return len(self.times) - bisect_right(self.times, floor_ns, self.front)

    def forget_first(self) -> bool:
        """Forget the first; tell whether none is left."""
        self.front += 1
        if self.front >= COMPACT_AT and self.front * 2 >= len(self.times):
            del self.times[: self.front]
            self.front = 0
        return self.front >= len(self.times)

    def kept(self) -> list[int]:
        """Return those that are not forgotten."""
        return self.times[self.front :]
