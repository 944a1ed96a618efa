"""Recovery: prove the whole journal, judge what was found by the recovery table, say where it ends.

The theory. The writer has at most one frame in flight. So damage in the last frame, with nothing
sound after it, is a commit that was cut short: nobody was told of it, and it is set aside. Damage
with a later frame of this journal after it hits something that was acknowledged, and so does damage
at or below the watermark: the start is refused. A frame that stands whole at the end may never have
been flushed (the process died between write and flush); it counts, and is flushed here before
anybody can hear of it.

The search for a later frame looks at every byte, since a torn header may hide the length. A later
segment is proof as well: it is only ever begun once the one before it is durable.

Recovery reads one segment at a time. Frames that a snapshot covers are not yielded, and segments
that it covers wholly are not read: they may have been archived. To prove those, recover from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from tidegate_server.journal import disk
from tidegate_server.journal.errors import RecoveryRefusedError, RecoveryRow, describe
from tidegate_server.journal.folder import (
    JOURNAL,
    TORN,
    Identity,
    open_watermark,
    read_epoch,
    read_identity,
    read_watermark,
)
from tidegate_server.journal.frames import (
    DIGEST_BYTES,
    HEADER_BYTES,
    Damage,
    Frame,
    find_later_header,
    unpack_header,
    unpack_records,
)
from tidegate_server.journal.pages import Mark
from tidegate_server.journal.scan import Cursor, DamageFound, Rules, prove_segment
from tidegate_server.journal.segments import Position, list_segments, segment_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Recovery:
    """A proven journal: which row it fell on, where it ends, and its frames."""

    def __init__(
        self, folder: Path, segments: list[int], from_sequence: int, position: Position
    ) -> None:
        self.row = RecoveryRow.ALL_VALID
        self.message = ""
        self.position = position
        self.from_sequence = from_sequence
        self._folder = folder
        self._segments = segments

    @property
    def frames(self) -> Iterator[Frame]:
        """Yield the frames that end after `from_sequence`, one segment in memory at a time."""
        for first in self._segments:
            data = disk.read_file(segment_path(self._folder, first))
            yield from self._frames_of(data, first)

    def _frames_of(self, data: bytes, frame_sequence: int) -> Iterator[Frame]:
        offset, seed = 0, self.position.header_seed
        while frame_sequence < self.position.frame_sequence:
            try:
                header = unpack_header(data, offset, seed)
            except Damage:
                return  # the segment's end: everything up to the position was proven before
            end = offset + header.frame_bytes
            if header.last_sequence > self.from_sequence:
                records = unpack_records(data, offset, header)
                yield Frame(header, records, data[end - DIGEST_BYTES : end])
            offset, frame_sequence = end, frame_sequence + 1


def recover(  # noqa: PLR0913  (what must agree with the folder, and from where to read)
    folder: Path,
    *,
    shard: int,
    rules_version: int,
    from_sequence: int = 0,
    from_chain: bytes | None = None,
    repair: bool = True,
) -> Recovery:
    """Prove the journal in `folder` and return where it ends.

    `from_sequence` is the last record that a snapshot covers and `from_chain` the digest that the
    snapshot states for the frame that ends there. With `repair`, which needs the ownership of the
    folder, a torn tail is copied aside and erased, and what stands is flushed. Raises
    RecoveryRefusedError for every row that refuses, OSError when the disk cannot be read.
    """
    identity = read_identity(folder)
    if identity.shard != shard:
        raise RecoveryRefusedError(
            RecoveryRow.FOREIGN_SHARD, f"{folder} is of shard {identity.shard}, not {shard}"
        )
    seed = identity.header_seed
    rules = Rules(seed, shard, rules_version, read_epoch(folder), from_sequence, from_chain)
    return _Search(folder, identity, rules, repair=repair).run()


class _Search:
    """One pass over the segments, with what is known so far."""

    def __init__(self, folder: Path, identity: Identity, rules: Rules, *, repair: bool) -> None:
        self.folder = folder
        self.rules = rules
        self.repair = repair
        self.mark = read_watermark(folder)
        self.segments = self._choose_segments()
        at_start = self.segments[:1] in ([], [1])
        self.cursor = Cursor(
            frame_sequence=self.segments[0] if self.segments else 1,
            first_sequence=1 if at_start else None,
            chain=identity.genesis if at_start else None,
        )
        self.segment, self.offset = 1, 0
        self.torn: DamageFound | None = None

    def run(self) -> Recovery:
        """Prove, judge, repair."""
        for first in self.segments:
            self._prove(first)
        position = self._end()
        recovery = Recovery(self.folder, self.segments, self.rules.from_sequence, position)
        path = segment_path(self.folder, self.segment)
        if self.torn is None:
            found = f"the journal ends with record {position.last_sequence}"
        else:
            found = f"frame {position.frame_sequence} is cut short ({self.torn.reason})"
            recovery.row = RecoveryRow.TORN_TAIL
        recovery.message = describe(recovery.row, found, self.offset, path)
        if self.repair:
            self._make_durable(position)
        return recovery

    def _choose_segments(self) -> list[int]:
        """Return the segments to read: all, or those from the snapshot's end on."""
        found = list_segments(self.folder)
        mark = self.mark
        if mark.segment and mark.segment not in found:
            self._refuse(
                RecoveryRow.MISSING_SEGMENT,
                f"record {mark.record_sequence} was acknowledged in it",
                mark.segment,
            )
        if self.rules.from_sequence == 0:
            if found and found[0] != 1:
                self._refuse(RecoveryRow.MISSING_SEGMENT, "the journal does not begin here", 1)
            return found
        for index in range(len(found) - 1, -1, -1):
            if self._begins_covered(found[index]):
                return found[index:]
        return found

    def _begins_covered(self, first: int) -> bool:
        """Tell whether a segment begins at or below what the snapshot covers."""
        start = disk.read_start(segment_path(self.folder, first), HEADER_BYTES)
        try:
            header = unpack_header(start, 0, self.rules.header_seed)
        except Damage:
            return False
        return header.first_sequence <= self.rules.from_sequence + 1

    def _prove(self, first: int) -> None:
        """Prove one segment; damage is either a torn tail or refused."""
        path = segment_path(self.folder, first)
        if first != self.cursor.frame_sequence:
            self._refuse(
                RecoveryRow.MISSING_SEGMENT,
                f"frames {self.cursor.frame_sequence} to {first - 1} are not in the journal",
                self.segment,
                self.offset,
            )
        self.segment = first
        data = disk.read_file(path)
        try:
            self.offset = prove_segment(data, path, self.cursor, self.rules)
        except DamageFound as damage:
            self.offset = damage.offset
            self._judge(damage, data)

    def _judge(self, damage: DamageFound, data: bytes) -> None:
        """Refuse damage in anything acknowledged; remember a torn tail."""
        frame = self.cursor.frame_sequence
        found = f"frame {frame} is damaged ({damage.reason})"
        later = find_later_header(data, damage.offset + 1, frame, self.rules.header_seed)
        if later is not None:
            found += f", a later one stands at byte {later}"
        elif self.segment != self.segments[-1]:
            found += ", a later segment exists"
        elif frame <= self.mark.frame_sequence:
            self._refuse(RecoveryRow.BELOW_WATERMARK, found, self.segment, damage.offset)
        else:
            self.torn = damage
            return
        self._refuse(RecoveryRow.DAMAGE_BEFORE_VALID, found, self.segment, damage.offset)

    def _end(self) -> Position:
        """Return the end of the journal; refuse when less is left than was acknowledged."""
        cursor = self.cursor
        if cursor.first_sequence is None or cursor.chain is None:
            self._refuse(
                RecoveryRow.MISSING_SEGMENT, "no frame before this one is left", self.segment, 0
            )
        last = cursor.first_sequence - 1
        needed = max(self.mark.record_sequence, self.rules.from_sequence)
        if cursor.frame_sequence <= self.mark.frame_sequence or last < needed:
            self._refuse(
                RecoveryRow.BELOW_WATERMARK,
                f"the journal ends with record {last}, {needed} was acknowledged",
                self.segment,
                self.offset,
            )
        return Position(
            cursor.frame_sequence,
            cursor.first_sequence,
            cursor.chain,
            self.segment,
            self.offset,
            cursor.epoch,
            self.rules.header_seed,
        )

    def _make_durable(self, position: Position) -> None:
        """Set a torn tail aside, flush what stands, and only then move the watermark."""
        if not self.segments:
            return
        for first in self.segments:
            disk.flush_file(segment_path(self.folder, first))
        if self.torn is not None:
            path = segment_path(self.folder, self.segment)
            data = disk.read_file(path)
            name = f"{path.stem}-{self.offset}.torn"
            tail = data[self.offset :].rstrip(b"\0")
            disk.replace_file(self.folder / TORN / name, tail)
            disk.erase_from(path, self.offset, len(data))
        disk.sync_folder(self.folder / JOURNAL)
        mark = Mark(position.last_sequence, position.frame_sequence - 1, self.segment, self.offset)
        if mark != self.mark and position.last_sequence:
            watermark = open_watermark(self.folder, writable=True)
            watermark.advance(mark)
            watermark.close()

    def _refuse(
        self, row: RecoveryRow, message: str, segment: int, offset: int | None = None
    ) -> NoReturn:
        path = segment_path(self.folder, segment)
        raise RecoveryRefusedError(row, message, offset, path)
