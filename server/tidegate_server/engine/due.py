"""What falls due by itself, in order of time.

Entries are almost always added at the end and taken from the front, so a sorted list with a moving
front beats a heap, and it can be looked through without taking anything out, as decide must. An
entry whose order has moved on is dead: it is skipped, and dropped once it is at the front.
"""

from __future__ import annotations

from bisect import insort

# When, the record that caused it, account (or batch) id, order id.
Due = tuple[int, int, str, str]

COMPACT_AT = 4096


class DueQueue:
    """A sorted list whose first `front` entries have been dealt with."""

    __slots__ = ("entries", "front")

    def __init__(self) -> None:
        self.entries: list[Due] = []
        self.front = 0

    def add(self, entry: Due) -> None:
        """Put an entry in its place."""
        entries = self.entries
        if not entries or entries[-1] <= entry:
            entries.append(entry)
        else:
            insort(entries, entry, lo=self.front)

    def first_time_ns(self) -> int:
        """Return when the first entry falls due, dead or not; 0 if there is none."""
        return self.entries[self.front][0] if self.front < len(self.entries) else 0

    def drop_front(self) -> None:
        """Drop the first entry, and now and then the room of those dropped before."""
        self.front += 1
        if self.front >= COMPACT_AT and self.front * 2 >= len(self.entries):
            del self.entries[: self.front]
            self.front = 0

    def __len__(self) -> int:
        """Return how many entries are left, dead ones included."""
        return len(self.entries) - self.front
