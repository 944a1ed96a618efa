"""Small mapped files of numbers that one process writes and others read without a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidegate_server.journal import disk
from tidegate_server.journal.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PAGE_SUFFIX = ".page"
_READ_ATTEMPTS = 1_000


class Page:
    """A named set of signed 64-bit counters: one writer, any number of readers.

    A reader always sees one whole set, the newest or the one before. The page survives the death
    of its writer, but is never flushed: after a power cut it may be old.
    """

    __slots__ = ("_generation", "_map", "_slots")

    def __init__(self, path: Path, count: int, *, writable: bool) -> None:
        """Map an existing page; raise ValueError when it has no sound set of `count` values."""
        self._slots = Slots(count)
        if disk.size_of(path) != self._slots.file_bytes:
            raise ValueError(f"{path} is not a page of {count} values")
        self._map = disk.map_file(path, writable=writable)
        self._generation = 0
        try:
            self.read()
        except ValueError:
            self._map.close()
            raise

    @classmethod
    def create(cls, folder: Path, name: str, count: int) -> Page:
        """Make the page `name` with `count` zeros, and map it for writing.

        A sound page of the same size is reset in place, so that its readers stay connected.
        """
        path = folder / (name + _PAGE_SUFFIX)
        zeros = (0,) * count
        try:
            page = cls(path, count, writable=True)
        except ValueError:
            disk.replace_file(path, Slots(count).initial(zeros))
            return cls(path, count, writable=True)
        page.write(zeros)
        return page

    @classmethod
    def open(cls, folder: Path, name: str, count: int, *, writable: bool = False) -> Page:
        """Map an existing page; raise FileNotFoundError or ValueError."""
        path = folder / (name + _PAGE_SUFFIX)
        if disk.size_of(path) < 0:
            raise FileNotFoundError(f"there is no page {path}")
        return cls(path, count, writable=writable)

    def write(self, values: Sequence[int]) -> None:
        """Replace the whole set (1 us for 8 values, 3 us for 64)."""
        self._generation += 1
        self._slots.write(self._map, self._generation, tuple(values))

    def read(self) -> tuple[int, ...]:
        """Return the newest whole set; raise ValueError when there is none.

        Never an older one than the last: while a reader copies, the slot that it copied first can
        fall two sets behind the one that is being written.
        """
        for _ in range(_READ_ATTEMPTS):
            found = self._slots.read(self._map[:])
            if found is not None and found[0] >= self._generation:
                self._generation = found[0]
                return found[1]
        raise ValueError("neither slot is valid")

    def get(self, index: int) -> int:
        """Return one value of the newest set."""
        return self.read()[index]

    def set(self, index: int, value: int) -> None:
        """Change one value; several are cheaper with `write`."""
        values = list(self.read())
        values[index] = value
        self.write(values)

    def close(self) -> None:
        """Unmap the page; the file stays."""
        self._map.close()


class Mark(NamedTuple):
    """How far the journal was acknowledged when the watermark was written."""

    record_sequence: int
    frame_sequence: int
    segment: int
    offset: int


class Watermark:
    """The acknowledged end of the journal, mapped and never flushed: a lower bound.

    It outlives kill -9 in the page cache. After a power cut it may be older than the journal;
    never newer, for it is written after the flush that it tells of.
    """

    __slots__ = ("_page",)

    def __init__(self, path: Path, *, writable: bool) -> None:
        """Map the file; raise FileNotFoundError, or ValueError when no slot is valid."""
        self._page = Page(path, len(Mark._fields), writable=writable)

    @staticmethod
    def initial() -> bytes:
        """Return the content of the watermark of an empty journal."""
        return Slots(len(Mark._fields)).initial((0, 0, 0, 0))

    def advance(self, mark: tuple[int, int, int, int]) -> None:
        """Tell that everything up to `mark` is acknowledged."""
        self._page.write(mark)

    def read(self) -> Mark:
        """Return the newest whole mark."""
        return Mark._make(self._page.read())

    def close(self) -> None:
        """Unmap the file."""
        self._page.close()
