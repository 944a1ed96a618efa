"""Find records by sequence in the files of a journal that is being written.

Segments say in their first header where they begin; within one, headers are walked. The places
that a walk comes by are remembered, so that a reader who pages through the journal walks each
segment once. Only records up to a sequence that is known to be durable may be asked for.
"""

from __future__ import annotations

import os
from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Final, NamedTuple

from tidegate_server.journal import Header, read_identity
from tidegate_server.journal.frames import HEADER_BYTES, Damage, unpack_header
from tidegate_server.journal.scan import read_frame
from tidegate_server.journal.segments import list_segments, segment_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidegate_server.journal import Frame

#: A place is remembered every so many frames.
PLACE_FRAMES: Final = 512


class Entry(NamedTuple):
    """One record and the header of the frame that holds it."""

    sequence: int
    header: Header
    record: bytes


class Place(NamedTuple):
    """Where the frame that begins with a record stands."""

    first_sequence: int
    segment: int
    offset: int


class RecordFinder:
    """Reads records of one data folder; keeps no file open between calls."""

    def __init__(self, folder: Path) -> None:
        """Take a data folder; raise NotADataFolderError, or RecoveryRefusedError."""
        self._folder = folder
        self._seed = read_identity(folder).header_seed
        self._begins: dict[int, int] = {}
        self._places: list[Place] = []

    def read(self, first: int, last: int, *, most_bytes: int) -> list[Entry] | None:
        """Return the records `first` to `last`, less if they pass `most_bytes`, but at least one.

        None when `first` is in a segment that is not kept any more. `last` must be durable. Raises
        Damage when a frame cannot be read.
        """
        if first > last:
            return []
        place = self._nearest(first)
        if place is None:
            return None
        found: list[Entry] = []
        size = 0
        for frame in self._frames(self._walk(place, first)):
            sequence = frame.first_sequence
            for record in frame.records:
                if first <= sequence <= last:
                    size += len(record)
                    if found and size > most_bytes:
                        return found
                    found.append(Entry(sequence, frame.header, record))
                sequence += 1
            if sequence > last:
                break
        return found

    def _nearest(self, sequence: int) -> Place | None:
        """Return the last known place at or before a record."""
        segments = list_segments(self._folder)
        start: Place | None = None
        for segment in reversed(segments):
            begin = self._begin_of(segment)
            if 0 < begin <= sequence:
                start = Place(begin, segment, 0)
                break
        if start is None:
            return None
        index = bisect_right(self._places, (sequence, 1 << 63, 0)) - 1
        if index >= 0 and self._places[index].segment in segments:
            return max(start, self._places[index])
        return start

    def _begin_of(self, segment: int) -> int:
        """Return the first record of a segment, 0 while there is none."""
        known = self._begins.get(segment, 0)
        if not known:
            path = segment_path(self._folder, segment)
            try:
                with path.open("rb") as file:
                    known = unpack_header(file.read(HEADER_BYTES), 0, self._seed).first_sequence
            except (Damage, FileNotFoundError):
                return 0
            self._begins[segment] = known
        return known

    def _walk(self, place: Place, sequence: int) -> Place:
        """Step over whole frames up to the one that holds the record."""
        descriptor = os.open(segment_path(self._folder, place.segment), os.O_RDONLY)
        try:
            steps = 0
            while True:
                start = os.pread(descriptor, HEADER_BYTES, place.offset)
                header = unpack_header(start, 0, self._seed)
                if header.last_sequence >= sequence:
                    return place
                offset = place.offset + header.frame_bytes
                place = Place(header.last_sequence + 1, place.segment, offset)
                steps += 1
                if steps % PLACE_FRAMES == 0:
                    self._remember(place)
        finally:
            os.close(descriptor)

    def _remember(self, place: Place) -> None:
        index = bisect_right(self._places, place)
        if index == 0 or self._places[index - 1] != place:
            insort(self._places, place)

    def _frames(self, place: Place) -> Iterator[Frame]:
        """Yield frames from a place on, across segments, up to what cannot be read."""
        segment, offset = place.segment, place.offset
        while True:
            descriptor = os.open(segment_path(self._folder, segment), os.O_RDONLY)
            try:
                following = segment
                while any(os.pread(descriptor, HEADER_BYTES, offset)):
                    frame = read_frame(descriptor, offset, self._seed)
                    offset += frame.header.frame_bytes
                    following = frame.header.frame_sequence + 1
                    yield frame
            finally:
                os.close(descriptor)
            if following == segment or not segment_path(self._folder, following).exists():
                return
            segment, offset = following, 0
