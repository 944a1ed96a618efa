"""Two alternating slots: a small set of numbers that a reader never sees half written.

Each write goes to the slot that does not hold the newest set, with a rising generation and a
CRC32. A reader takes the valid slot of the greatest generation; a write in progress, or one that a
power cut has torn, leaves the other slot whole. Slots are multiples of a disk sector apart, so one
torn sector cannot hit both. This module is pure: it works on any buffer of bytes.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate_server.journal.disk import MemoryMap

SECTOR_BYTES = 512
MAXIMUM_VALUES = 4_096
_CHECK = Struct("<I")


class Slots:
    """The layout of two slots of `count` signed 64-bit numbers each."""

    __slots__ = ("_check_at", "_fields", "_slot_bytes", "count")

    def __init__(self, count: int) -> None:
        if not 0 < count <= MAXIMUM_VALUES:
            raise ValueError(f"slots hold 1 to {MAXIMUM_VALUES} values, not {count}")
        self.count = count
        self._fields = Struct(f"<Q{count}q")
        self._check_at = self._fields.size
        used = self._fields.size + _CHECK.size
        self._slot_bytes = -(-used // SECTOR_BYTES) * SECTOR_BYTES

    @property
    def file_bytes(self) -> int:
        """The size of a file with both slots."""
        return 2 * self._slot_bytes

    def pack(self, generation: int, values: tuple[int, ...]) -> bytes:
        """Pack one slot; generation 0 is never written, so zeros are never valid."""
        fields = self._fields.pack(generation, *values)
        return fields + _CHECK.pack(zlib.crc32(fields, 1))

    def initial(self, values: tuple[int, ...]) -> bytes:
        """Return a file's first content: generation 2 in its slot, the other one empty."""
        return self.pack(2, values).ljust(self.file_bytes, b"\0")

    def write(self, target: MemoryMap, generation: int, values: tuple[int, ...]) -> None:
        """Write one slot in place."""
        packed = self.pack(generation, values)
        offset = self._slot_bytes * (generation & 1)
        target[offset : offset + len(packed)] = packed

    def read(self, source: bytes) -> tuple[int, tuple[int, ...]] | None:
        """Return the newest valid generation and its values, or None when neither is valid."""
        newest: tuple[int, tuple[int, ...]] | None = None
        for offset in (0, self._slot_bytes):
            fields = source[offset : offset + self._check_at]
            stated = source[offset + self._check_at : offset + self._check_at + _CHECK.size]
            if len(stated) < _CHECK.size or _CHECK.pack(zlib.crc32(fields, 1)) != stated:
                continue
            generation, *values = self._fields.unpack(fields)
            if newest is None or generation > newest[0]:
                newest = generation, tuple(values)
        return newest
