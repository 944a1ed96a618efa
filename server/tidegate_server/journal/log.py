"""The writer: one frame, one write and one flush for each commit.

The rules that make recovery unambiguous are kept here:

- At most one frame is ever written and not yet flushed: `commit` returns after the flush.
- After any error nothing is written again. What a failed write or flush has left on disk is
  unknown, and a second flush would report success without having written the lost pages, so the
  process must stop and start again through recovery.
- The watermark moves after the flush, never before, and is itself never flushed.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NoReturn

from tidegate_server.journal import disk
from tidegate_server.journal.errors import FrameTooLargeError, JournalFailedError
from tidegate_server.journal.folder import open_watermark
from tidegate_server.journal.frames import (
    FORMAT_VERSION,
    OVERHEAD_BYTES,
    Kind,
    digest_of,
    pack_header,
    pack_payload,
)
from tidegate_server.journal.segments import (
    MINIMUM_SEGMENT_BYTES,
    SEGMENT_BYTES,
    Position,
    Spare,
    segment_path,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tidegate_server.journal.pages import Watermark

_JOURNAL_KIND = int(Kind.JOURNAL)


class Durability(Enum):
    """What an acknowledged commit survives."""

    FLUSH = "flush"  # power loss: one fdatasync a commit
    WRITE = "write"  # the death of the process, not of the machine
    MEMORY = "memory"  # nothing: no file is touched


class Writer:
    """Appends commits to the journal; used by one thread, after `recover`, by the owner.

    Invariants: `durable_sequence` is `next_sequence - 1` between commits, and never more than what
    the chosen durability has made safe. After a failure no method writes.
    """

    __slots__ = (
        "_capacity",
        "_chain",
        "_descriptor",
        "_epoch",
        "_failure",
        "_flushes_each",
        "_folder",
        "_frame_sequence",
        "_offset",
        "_rules_version",
        "_seed",
        "_segment",
        "_segment_bytes",
        "_shard",
        "_spare",
        "_watermark",
        "bytes_written",
        "durable_sequence",
        "flushes",
        "next_sequence",
    )

    def __init__(  # noqa: PLR0913  (each is a fact of every frame or of the disk)
        self,
        folder: Path,
        position: Position,
        *,
        shard: int,
        epoch: int,
        rules_version: int,
        durability: Durability = Durability.FLUSH,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Continue the journal at `position`, in segments of `segment_bytes`.

        Raises ValueError for an epoch older than the journal's or too small a segment, and
        JournalFailedError when the disk does not give the room.
        """
        if epoch < position.epoch:
            raise ValueError(f"epoch {epoch} is older than the journal's {position.epoch}")
        if segment_bytes < MINIMUM_SEGMENT_BYTES:
            raise ValueError(f"a segment has at least {MINIMUM_SEGMENT_BYTES} bytes")
        self._folder = folder
        self._shard, self._epoch, self._rules_version = shard, epoch, rules_version
        self._frame_sequence, self._chain = position.frame_sequence, position.chain
        self._segment, self._offset = position.segment, position.offset
        self._seed = position.header_seed
        self._segment_bytes = self._capacity = segment_bytes
        self._flushes_each = durability is Durability.FLUSH
        self._failure: str | None = None
        self._spare: Spare | None = None
        self._watermark: Watermark | None = None
        self._descriptor = -1
        self.next_sequence = position.first_sequence
        self.durable_sequence = position.last_sequence
        self.bytes_written = self.flushes = 0
        if durability is not Durability.MEMORY:
            self._open_files()

    @property
    def epoch(self) -> int:
        """The epoch that it writes in."""
        return self._epoch

    @property
    def chain_head(self) -> str:
        """The digest of the last frame, in hex: what an outside witness should note."""
        return self._chain.hex()

    @property
    def space_is_short(self) -> bool:
        """True while the next segment cannot be prepared: refuse new risk, keep the room."""
        return self._spare is not None and self._spare.is_short

    def commit(self, records: Sequence[bytes], time_ns: int) -> int:
        """Write one frame durably and return the sequence of its last record.

        Raises FrameTooLargeError, nothing having happened, when there is no record or too much;
        JournalFailedError for any failure of the disk, and then for ever.
        """
        if self._failure is not None:
            raise JournalFailedError(self._failure)
        payload = pack_payload(records)
        size = OVERHEAD_BYTES + len(payload)
        if size > self._segment_bytes:
            raise FrameTooLargeError(f"a frame of {size} bytes is larger than a segment")
        # A plain tuple instead of a Header saves 0.4 us.
        first = self.next_sequence
        last = first + len(records) - 1
        header = pack_header(
            (
                FORMAT_VERSION,
                _JOURNAL_KIND,
                self._rules_version,
                self._shard,
                len(records),
                self._epoch,
                self._frame_sequence,
                first,
                time_ns,
                first - 1,
                self._chain,
                len(payload),
            ),
            self._seed,
        )
        digest = digest_of(header, payload)
        self._failure = "a commit was interrupted"  # what any exception from here on leaves behind
        if self._watermark is not None:
            self._store((header, payload, digest), size)
            mark = last, self._frame_sequence, self._segment, self._offset
            self._watermark.advance(mark)
        self._chain = digest
        self._frame_sequence += 1
        self.next_sequence = last + 1
        self.durable_sequence = last
        self.bytes_written += size
        self._failure = None
        return last

    def close(self) -> None:
        """Stop the helper thread and release the files; more than once is harmless."""
        self._failure = self._failure or "the writer is closed"
        if self._spare is not None:
            self._spare.close()
        if self._descriptor >= 0:
            disk.close(self._descriptor)
        if self._watermark is not None:
            self._watermark.close()
        self._spare, self._descriptor, self._watermark = None, -1, None

    def _store(self, parts: tuple[bytes, bytes, bytes], size: int) -> None:
        """Write and flush one frame where the journal ends."""
        try:
            if self._offset + size > self._capacity:
                self._take_segment()
            written = disk.write_at(self._descriptor, parts, self._offset)
            if self._flushes_each and written == size:
                disk.flush(self._descriptor)
                self.flushes += 1
        except OSError as error:
            self._fail(error)
        if written != size:
            self._fail(OSError(f"{written} of {size} bytes were written"))
        self._offset += size

    def _take_segment(self) -> None:
        """Go on in a new segment; the current one is full and durable."""
        path = segment_path(self._folder, self._frame_sequence)
        spare = self._spare
        if spare is None:
            raise OSError("the writer has no files")
        spare.take(path)
        descriptor, self._descriptor = self._descriptor, disk.open_to_write(path)
        if descriptor >= 0:
            disk.close(descriptor)
        self._segment, self._offset = self._frame_sequence, 0
        self._capacity = self._segment_bytes

    def _open_files(self) -> None:
        """Open or make the current segment, with its space reserved."""
        path = segment_path(self._folder, self._segment)
        self._watermark = open_watermark(self._folder, writable=True)
        self._spare = Spare(self._folder, self._segment_bytes)
        try:
            size = disk.size_of(path)
            if size < 0:
                self._take_segment()
                return
            self._capacity = max(size, self._segment_bytes)
            disk.reserve(path, self._capacity)
            self._descriptor = disk.open_to_write(path)
        except OSError as error:
            self.close()
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        """Fail for ever: what is on disk is unknown until the next recovery."""
        self._failure = f"the journal in {self._folder} has failed: {error}"
        raise JournalFailedError(self._failure) from error
