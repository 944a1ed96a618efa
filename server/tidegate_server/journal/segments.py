"""Segments: preallocated files of frames, and the spare one that is prepared off the hot path.

Growing a file makes every flush write metadata, too: its p99 is 4 ms against 125 us in a file whose
space is reserved. So the next segment is made by a helper thread while the current one fills, and
the commit that needs it only renames it. While no spare can be made the current segment is the
reserve: new risk must be refused, cancels and fills still have room.
"""

from __future__ import annotations

from threading import Condition, Thread
from typing import TYPE_CHECKING, NamedTuple

from tidegate_server.journal import disk
from tidegate_server.journal.folder import JOURNAL
from tidegate_server.journal.frames import NO_DIGEST

if TYPE_CHECKING:
    from pathlib import Path

SEGMENT_BYTES = 64 * 1024 * 1024
MINIMUM_SEGMENT_BYTES = 1024
_SUFFIX = ".seg"
_DIGITS = 20
_SPARE = "next.seg.spare"
_RETRY_SECONDS = 1.0


class Position(NamedTuple):
    """The end of a journal: where the next frame goes and what it must continue."""

    frame_sequence: int = 1  # of the next frame
    first_sequence: int = 1  # of the next record
    chain: bytes = NO_DIGEST  # digest of the last frame, the genesis when there is none
    segment: int = 1  # first frame sequence of the current segment
    offset: int = 0  # byte in it
    epoch: int = 0  # of the last frame
    header_seed: int = 0

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record, 0 when there is none."""
        return self.first_sequence - 1


def segment_path(folder: Path, first_frame: int) -> Path:
    """Name the segment that begins with this frame."""
    return folder / JOURNAL / f"{first_frame:0{_DIGITS}}{_SUFFIX}"


def list_segments(folder: Path) -> list[int]:
    """Return the first frame sequence of every segment in the folder, rising."""
    names = disk.list_names(folder / JOURNAL)
    stems = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
    return [int(stem) for stem in stems if len(stem) == _DIGITS and stem.isdecimal()]


class Spare:
    """The next segment, made by a helper thread before it is needed."""

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        """Start to prepare; `segment_bytes` is the size of every segment made here."""
        self.is_short = False
        self._path = folder / JOURNAL / _SPARE
        self._bytes = segment_bytes
        self._changed = Condition()
        self._ready = False
        self._closed = False
        self._failure: OSError | None = None
        self._thread = Thread(target=self._run, name="journal-spare", daemon=True)
        self._thread.start()

    def take(self, path: Path) -> None:
        """Rename the spare to `path`, durably, and start on the next one.

        Waits for a preparation under way. Raises OSError when there is no space for one.
        """
        with self._changed:
            if not self._ready:
                self._failure = None
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._ready or self._failure is not None)
            if self._failure is not None:
                raise self._failure
            disk.move(self._path, path)
            self._ready = False
            self._changed.notify_all()

    def close(self) -> None:
        """Stop the helper thread; a finished spare stays for the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while self._wait_until_wanted():
            failure = self._prepare()
            with self._changed:
                self._failure = failure
                self._ready = failure is None
                self.is_short = not self._ready
                self._changed.notify_all()

    def _wait_until_wanted(self) -> bool:
        """Wait for work, after a failure no longer than the time to the next attempt."""
        with self._changed:
            while self._ready and not self._closed:
                self._changed.wait()
            if self._failure is not None and not self._closed:
                self._changed.wait(_RETRY_SECONDS)
            return not self._closed

    def _prepare(self) -> OSError | None:
        try:
            if disk.size_of(self._path) != self._bytes:
                disk.preallocate(self._path, self._bytes)
        except OSError as error:
            return error
        return None
