"""The reader of a journal that another process is writing.

A frame is handed out only once it is certain to stay: the watermark covers it, or a later frame
continues it, which the gate writes only after the flush. Whatever else stands at the end may be
half written, or may be erased by a recovery, and is simply not there yet. So a tail never has to
go back, and never blocks.

Reads go through ``pread``, not through a mapping: a mapped file that is truncated under its reader
kills it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.journal import disk
from tidegate_server.journal.errors import TailDamagedError
from tidegate_server.journal.folder import open_watermark, read_identity
from tidegate_server.journal.frames import (
    HEADER_BYTES,
    Damage,
    Frame,
    Header,
    unpack_header,
)
from tidegate_server.journal.scan import read_frame
from tidegate_server.journal.segments import list_segments, segment_path

if TYPE_CHECKING:
    from pathlib import Path


class Tail:
    """Follows a journal from after `from_sequence`, across segments and restarts of the gate."""

    def __init__(self, folder: Path, from_sequence: int = 0, chain: bytes | None = None) -> None:
        """Begin after record `from_sequence`; `chain` is the digest of the frame that ends there.

        Raises NotADataFolderError, RecoveryRefusedError for a bad identity or watermark, and
        TailDamagedError when the segment with the next record is not there.
        """
        identity = read_identity(folder)
        self._folder = folder
        self._seed = identity.header_seed
        self._genesis = identity.genesis
        self._from_sequence = from_sequence
        self._from_chain = chain
        self._frame_sequence = 1
        self._first_sequence: int | None = None
        self._chain: bytes | None = None
        self._segment = 0
        self._offset = 0
        self._descriptor = -1
        self._watermark = open_watermark(folder, writable=False)

    @property
    def last_sequence(self) -> int:
        """The last record that was handed out, or where the tail began."""
        return self._from_sequence

    def poll(self, max_frames: int) -> list[Frame]:
        """Return the next frames, at most `max_frames`, none when there is nothing new.

        Raises TailDamagedError when a frame that was acknowledged cannot be read.
        """
        frames: list[Frame] = []
        covered = self._watermark.read().frame_sequence
        while len(frames) < max_frames and self._find_place():
            frame = self._next_frame(covered)
            if frame is None:
                break
            self._advance(frame)
            if frame.last_sequence > self._from_sequence:
                self._from_sequence = frame.last_sequence
                frames.append(frame)
        return frames

    def close(self) -> None:
        """Release the files; more than once is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            disk.close(descriptor)
        self._watermark.close()

    def _find_place(self) -> bool:
        """Make sure that a segment is open: the first one, or the next one after a full one."""
        if self._descriptor < 0:
            return self._open_first()
        if not self._ends_here():
            return True
        path = segment_path(self._folder, self._frame_sequence)
        if self._segment != self._frame_sequence and disk.exists(path):
            # The writer begins a segment only when it is done with the one before; look again,
            # lest a frame has come between the two looks.
            if self._ends_here():
                self._open(self._frame_sequence)
            return True
        return False

    def _open_first(self) -> bool:
        """Open the newest segment that begins at or before the next record."""
        found = list_segments(self._folder)
        for first in reversed(found):
            header = self._first_header(first)
            if header is not None and header.first_sequence <= self._from_sequence + 1:
                self._frame_sequence = first
                if first == 1:
                    self._chain = self._genesis
                elif header.first_sequence == self._from_sequence + 1:
                    self._chain = self._from_chain
                self._first_sequence = header.first_sequence
                self._open(first)
                return True
        if found and found[0] > 1:
            raise TailDamagedError(
                f"record {self._from_sequence + 1} is in a segment that is no longer in"
                f" {self._folder}: put it back, or begin at a newer snapshot"
            )
        return False

    def _first_header(self, first: int) -> Header | None:
        start = disk.read_start(segment_path(self._folder, first), HEADER_BYTES)
        try:
            return unpack_header(start, 0, self._seed)
        except Damage:
            return None

    def _open(self, first: int) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            disk.close(descriptor)
        self._descriptor = disk.open_to_read(segment_path(self._folder, first))
        self._segment, self._offset = first, 0

    def _ends_here(self) -> bool:
        return not any(disk.read_at(self._descriptor, HEADER_BYTES, self._offset))

    def _next_frame(self, covered: int) -> Frame | None:
        """Read the frame at the place of the tail; None while it is not certain to stay."""
        try:
            frame = read_frame(self._descriptor, self._offset, self._seed)
        except Damage as damage:
            if self._frame_sequence <= covered:
                raise self._damaged(str(damage)) from None
            return None
        if self._frame_sequence > covered and not self._is_continued(frame):
            return None
        self._check(frame)
        return frame

    def _is_continued(self, frame: Frame) -> bool:
        """Tell whether a later frame proves that this one was durable."""
        offset = self._offset + frame.header.frame_bytes
        start = disk.read_at(self._descriptor, HEADER_BYTES, offset)
        try:
            return unpack_header(start, 0, self._seed).previous == frame.digest
        except Damage:
            return disk.exists(segment_path(self._folder, self._frame_sequence + 1))

    def _check(self, frame: Frame) -> None:
        """Prove that the frame continues the last one."""
        header = frame.header
        if header.frame_sequence != self._frame_sequence:
            raise self._damaged(f"frame {header.frame_sequence} stands in its place")
        if self._first_sequence is not None and header.first_sequence != self._first_sequence:
            raise self._damaged(f"it begins with record {header.first_sequence}")
        if self._chain is not None and header.previous != self._chain:
            raise self._damaged("it does not continue the frame before it")
        if (
            self._from_chain is not None
            and header.last_sequence == self._from_sequence
            and (frame.digest != self._from_chain)
        ):
            raise self._damaged("it is not the one that the snapshot ends with")

    def _advance(self, frame: Frame) -> None:
        self._offset += frame.header.frame_bytes
        self._frame_sequence += 1
        self._first_sequence = frame.last_sequence + 1
        self._chain = frame.digest
        if frame.last_sequence >= self._from_sequence:
            self._from_chain = None

    def _damaged(self, reason: str) -> TailDamagedError:
        path = segment_path(self._folder, self._segment)
        return TailDamagedError(
            f"frame {self._frame_sequence} in {path} at byte {self._offset}: {reason};"
            " it was acknowledged, so stop and run a recovery"
        )
