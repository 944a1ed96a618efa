"""Snapshots: compacted journals, in files of the same frames.

A snapshot holds records that rebuild the state as it stood after one record of the journal. Its
last frame, of a kind of its own, states where that was and how many records there are: a file
without it is incomplete. The file is written aside, read back whole, and only then renamed.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from tidegate_server.journal import disk
from tidegate_server.journal.errors import RecoveryRefusedError, RecoveryRow
from tidegate_server.journal.folder import SNAPSHOTS, read_identity
from tidegate_server.journal.frames import (
    DIGEST_BYTES,
    FORMAT_VERSION,
    NO_DIGEST,
    Damage,
    Frame,
    Header,
    Kind,
    digest_of,
    pack_header,
    pack_payload,
)
from tidegate_server.journal.scan import read_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SNAPSHOTS_KEPT = 2
_SUFFIX = ".snap"
_DIGITS = 20
_FRAME_RECORDS = 4_096
_FRAME_BYTES = 1024 * 1024
_END = Struct(f"<QQQ{DIGEST_BYTES}s")


class SnapshotMark(NamedTuple):
    """Where in the journal a snapshot was taken; `chain` is the digest of that frame."""

    sequence: int
    frame_sequence: int
    chain: bytes
    epoch: int
    shard: int
    rules_version: int
    time_ns: int


class Snapshot:
    """A proven snapshot: its mark, and its frames without the closing one."""

    def __init__(self, path: Path, mark: SnapshotMark, count: int, seed: int) -> None:
        self.path = path
        self.mark = mark
        self.count = count
        self._seed = seed

    @property
    def frames(self) -> Iterator[Frame]:
        """Yield the frames that hold the records."""
        for frame in _read_frames(self.path, self._seed):
            if frame.header.kind == Kind.SNAPSHOT:
                yield frame

    @property
    def records(self) -> Iterator[bytes]:
        """Yield the records."""
        for frame in self.frames:
            yield from frame.records


def write_snapshot(folder: Path, mark: SnapshotMark, records: Iterable[bytes]) -> Path:
    """Prepare and publish a snapshot; raises what these two raise."""
    prepare_snapshot(folder, mark, records)
    return publish_snapshot(folder, mark)


def prepare_snapshot(folder: Path, mark: SnapshotMark, records: Iterable[bytes]) -> None:
    """Write a snapshot aside and read it back; it counts once it is published.

    Raises OSError, FrameTooLargeError, or RecoveryRefusedError when what was read back is not what
    was written.
    """
    seed = read_identity(folder).header_seed
    aside = disk.write_aside(_path(folder, mark), _pack_frames(mark, records, seed))
    if _prove(aside, seed).mark != mark:
        raise RecoveryRefusedError(
            RecoveryRow.BAD_SNAPSHOT, "what was read back differs from what was written", 0, aside
        )


def publish_snapshot(folder: Path, mark: SnapshotMark) -> Path:
    """Give a prepared snapshot its name, then remove all but the newest two; raises OSError."""
    path = _path(folder, mark)
    disk.publish(path)
    for old in list_snapshots(folder)[SNAPSHOTS_KEPT:]:
        disk.remove(old)
    return path


def remove_prepared(folder: Path) -> None:
    """Remove what was prepared, whole or not, and never published; raises OSError."""
    for name in disk.list_names(folder / SNAPSHOTS):
        if name.endswith(disk.ASIDE):
            disk.remove(folder / SNAPSHOTS / name)


def read_snapshot(path: Path) -> Snapshot:
    """Prove a snapshot of a data folder; raise RecoveryRefusedError (BAD_SNAPSHOT)."""
    return _prove(path, read_identity(path.parent.parent).header_seed)


def list_snapshots(folder: Path) -> list[Path]:
    """Return the published snapshots, the newest first."""
    names = disk.list_names(folder / SNAPSHOTS)
    return [folder / SNAPSHOTS / name for name in reversed(names) if name.endswith(_SUFFIX)]


def _path(folder: Path, mark: SnapshotMark) -> Path:
    return folder / SNAPSHOTS / f"{mark.sequence:0{_DIGITS}}{_SUFFIX}"


def _pack_frames(mark: SnapshotMark, records: Iterable[bytes], seed: int) -> Iterator[bytes]:
    """Pack all frames, the closing one included, as pieces to write."""
    chain, frame_sequence, count = NO_DIGEST, 1, 0
    for group in _in_groups(records):
        place = frame_sequence, count + 1, chain
        pieces = _pack_frame(mark, Kind.SNAPSHOT, group, place, seed)
        yield from pieces
        chain, frame_sequence, count = pieces[-1], frame_sequence + 1, count + len(group)
    end = _END.pack(mark.sequence, mark.frame_sequence, count, mark.chain)
    place = frame_sequence, count + 1, chain
    yield from _pack_frame(mark, Kind.SNAPSHOT_END, [end], place, seed)


def _in_groups(records: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Gather records into frames of about a megabyte."""
    group: list[bytes] = []
    size = 0
    for record in records:
        if group and (size + len(record) > _FRAME_BYTES or len(group) == _FRAME_RECORDS):
            yield group
            group, size = [], 0
        group.append(record)
        size += len(record)
    if group:
        yield group


def _pack_frame(
    mark: SnapshotMark, kind: Kind, records: list[bytes], place: tuple[int, int, bytes], seed: int
) -> tuple[bytes, bytes, bytes]:
    payload = pack_payload(records)
    frame_sequence, first_sequence, chain = place
    header = Header(
        format_version=FORMAT_VERSION,
        kind=int(kind),
        rules_version=mark.rules_version,
        shard=mark.shard,
        record_count=len(records),
        epoch=mark.epoch,
        frame_sequence=frame_sequence,
        first_sequence=first_sequence,
        time_ns=mark.time_ns,
        durable_sequence=mark.sequence,
        previous=chain,
        payload_bytes=len(payload),
    )
    packed = pack_header(header, seed)
    return packed, payload, digest_of(packed, payload)


def _read_frames(path: Path, seed: int) -> Iterator[Frame]:
    """Yield every frame of a file up to its end; raise Damage at an unsound one."""
    size = disk.size_of(path)
    descriptor = disk.open_to_read(path)
    try:
        offset = 0
        while offset < size:
            frame = read_frame(descriptor, offset, seed)
            yield frame
            offset += frame.header.frame_bytes
    finally:
        disk.close(descriptor)


def _prove(path: Path, seed: int) -> Snapshot:
    """Read a whole snapshot and compare it with what its closing frame states."""
    try:
        last = _prove_chain(path, seed)
    except (Damage, FileNotFoundError) as damage:
        raise RecoveryRefusedError(RecoveryRow.BAD_SNAPSHOT, str(damage), None, path) from None
    header = last.header
    sequence, frame_sequence, count, chain = _END.unpack(last.records[0])
    mark = SnapshotMark(
        sequence,
        frame_sequence,
        chain,
        header.epoch,
        header.shard,
        header.rules_version,
        header.time_ns,
    )
    return Snapshot(path, mark, count, seed)


def _prove_chain(path: Path, seed: int) -> Frame:
    """Prove each frame and its place; return the closing one; raise Damage."""
    before: Frame | None = None
    for frame in _read_frames(path, seed):
        header = frame.header
        if before is None:
            expected = (1, 1, NO_DIGEST)
        elif before.header.kind == Kind.SNAPSHOT:
            expected = (before.header.frame_sequence + 1, before.last_sequence + 1, before.digest)
        else:
            raise Damage("there are bytes behind the closing frame")
        if (header.frame_sequence, header.first_sequence, header.previous) != expected:
            raise Damage(f"frame {header.frame_sequence} does not continue the one before it")
        before = frame
    if before is None or before.header.kind != Kind.SNAPSHOT_END:
        raise Damage("the closing frame is missing")
    if len(before.records[0]) != _END.size or before.header.record_count != 1:
        raise Damage("the closing frame does not state what a snapshot states")
    return before
