"""What falls due by itself, in order of time.

Entries are almost always added at the end and taken from the front, so a sorted list with a moving
front beats a heap, and it can be looked through without taking anything out, as decide must. The
list holds the things themselves: an entry of its own for each would be another 150 bytes an order.
Entries of one record at one time, a batch's, are appended as they come and sorted by their ids once
the order of them matters: each in its place at once cost 12 of 41 us an order of a batch of 1 000
(in process, the bench book).

An entry whose thing has moved on is dead: it is skipped, and dropped once it is at the front.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# When, the record that caused it, and two ids: a total order.
Rank = tuple[int, int, str, str]
T = TypeVar("T")

COMPACT_AT = 4096
NEAR = 8


class DueQueue(Generic[T]):
    """A list sorted by rank, whose first `front` entries have been dealt with.

    The rank of an entry must not change while it is in the queue. From `tied_from` on, if that is
    not -1, entries differ in nothing but their ids, and are not sorted by them yet.
    """

    __slots__ = ("entries", "front", "last_ns", "last_sequence", "rank", "tied_from")

    def __init__(self, rank: Callable[[T], Rank]) -> None:
        self.rank = rank
        self.entries: list[T] = []
        self.front = 0
        self.last_ns = 0
        self.last_sequence = 0
        self.tied_from = -1

    def add(self, entry: T, due_ns: int, sequence: int) -> None:
        """Put an entry in its place; its rank begins with `due_ns` and `sequence`."""
        if due_ns > self.last_ns or (due_ns == self.last_ns and sequence > self.last_sequence):
            if self.tied_from >= 0:
                self.sort_ties()
            self.last_ns = due_ns
            self.last_sequence = sequence
            self.entries.append(entry)
            return
        if due_ns == self.last_ns and sequence == self.last_sequence:
            if self.tied_from < 0:
                first = (due_ns, sequence, "", "")
                self.tied_from = bisect_left(self.entries, first, lo=self.front, key=self.rank)
            self.entries.append(entry)
            return
        self.sort_ties()
        # Late: its place is almost always within a few of the end.
        rank = self.rank(entry)
        place = len(self.entries)
        lowest = max(self.front, place - NEAR)
        while place > lowest and self.rank(self.entries[place - 1]) > rank:
            place -= 1
        if place > lowest or lowest == self.front:
            self.entries.insert(place, entry)
        else:
            insort(self.entries, entry, lo=self.front, key=self.rank)

    def sort_ties(self) -> None:
        """Put the entries that differ in nothing but their ids in order; the others are."""
        if self.tied_from < 0:
            return
        ties = self.entries[self.tied_from :]
        ties.sort(key=self.rank)
        self.entries[self.tied_from :] = ties
        self.tied_from = -1

    def take_back(self, entry: T) -> None:
        """Take an entry out that was added on trial; its rank must not have changed."""
        self.sort_ties()
        place = bisect_left(self.entries, self.rank(entry), lo=self.front, key=self.rank)
        while place < len(self.entries) and self.rank(self.entries[place]) == self.rank(entry):
            if self.entries[place] is entry:
                del self.entries[place]
                return
            place += 1

    def due(self, now_ns: int) -> Iterator[T]:
        """Yield the entries that are due, dead ones included, in order."""
        self.sort_ties()
        for index in range(self.front, len(self.entries)):
            entry = self.entries[index]
            if self.rank(entry)[0] > now_ns:
                return
            yield entry

    def first_ns(self) -> int:
        """Return when the first entry falls due, dead or not; 0 if there is none."""
        if self.front >= len(self.entries):
            return 0
        return self.rank(self.entries[self.front])[0]

    def first(self) -> T:
        """Return the first entry, dead or not; raises IndexError if there is none."""
        self.sort_ties()
        return self.entries[self.front]

    def drop_first(self) -> None:
        """Drop what `first` returned, and now and then the room of those dropped before."""
        self.front += 1
        if self.front >= COMPACT_AT and self.front * 2 >= len(self.entries):
            del self.entries[: self.front]
            self.front = 0

    def __len__(self) -> int:
        """Return how many entries are left, dead ones included."""
        return len(self.entries) - self.front
