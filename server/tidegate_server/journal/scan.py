"""The reader's judgement of one segment: what a frame must be, and where the frames end.

A finding is one of three. The frames end: zeros up to the end of the file. The bytes are damaged:
`DamageFound`, which the recovery table judges, for it may be a torn tail. Or a sound frame says
something that cannot be: that is refused here, on its own row, whatever stands around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidegate_server.journal import disk
from tidegate_server.journal.errors import RecoveryRefusedError, RecoveryRow
from tidegate_server.journal.frames import (
    FORMAT_VERSION,
    HEADER_BYTES,
    MAGIC,
    Damage,
    Frame,
    Header,
    Kind,
    unpack_digest,
    unpack_frame,
    unpack_header,
)

if TYPE_CHECKING:
    from pathlib import Path

_ZEROS = bytes(1 << 20)


class DamageFound(Exception):  # noqa: N818  (a finding that the caller judges, not yet an error)
    """Bytes at `offset` that are neither a sound frame nor the end."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


class _Misplaced(Exception):  # noqa: N818  (becomes a refusal once its place is known)
    """A sound frame that cannot be here."""

    def __init__(self, row: RecoveryRow, header: Header, message: str) -> None:
        super().__init__(f"frame {header.frame_sequence} {message}")
        self.row = row


class Rules(NamedTuple):
    """What this program and this folder accept; the same for every frame."""

    header_seed: int
    shard: int
    rules_version: int
    newest_epoch: int
    from_sequence: int = 0
    from_chain: bytes | None = None  # digest of the frame that ends at from_sequence


class Cursor:
    """What the next frame must be.

    `first_sequence` and `chain` are None while unknown: at the first segment that is left after
    older ones were archived.
    """

    __slots__ = ("chain", "epoch", "first_sequence", "frame_sequence")

    def __init__(
        self, frame_sequence: int, first_sequence: int | None, chain: bytes | None
    ) -> None:
        self.frame_sequence = frame_sequence
        self.first_sequence = first_sequence
        self.chain = chain
        self.epoch = 0


def prove_segment(data: bytes, path: Path, cursor: Cursor, rules: Rules) -> int:
    """Prove every frame of a segment, move the cursor, return the byte at which they end.

    Raises DamageFound, or RecoveryRefusedError for a sound frame that cannot be.
    """
    offset = 0
    while not _is_end(data, offset):
        try:
            offset += _prove_frame(data, offset, cursor, rules)
        except Damage as damage:
            raise DamageFound(offset, str(damage)) from None
        except _Misplaced as found:
            raise RecoveryRefusedError(found.row, str(found), offset, path) from None
    if not is_zero(data, offset):
        raise DamageFound(offset, "there are bytes behind the last frame")
    return offset


def _prove_frame(data: bytes, offset: int, cursor: Cursor, rules: Rules) -> int:
    """Prove one frame, move the cursor behind it, return its size."""
    header = unpack_header(data, offset, rules.header_seed)
    _check_versions(header, rules)
    digest = unpack_digest(data, offset, header)
    _check_place(header, cursor, rules)
    _check_anchor(header, digest, rules)
    cursor.frame_sequence += 1
    cursor.first_sequence = header.last_sequence + 1
    cursor.chain = digest
    cursor.epoch = header.epoch
    return header.frame_bytes


def read_frame(descriptor: int, offset: int, seed: int) -> Frame:
    """Read and prove one frame of an open file; raise Damage."""
    start = disk.read_at(descriptor, HEADER_BYTES, offset)
    header = unpack_header(start, 0, seed)
    if header.format_version != FORMAT_VERSION:
        raise Damage(f"its format version is {header.format_version}, not {FORMAT_VERSION}")
    return unpack_frame(disk.read_at(descriptor, header.frame_bytes, offset), 0, seed)


def is_zero(data: bytes, start: int) -> bool:
    """Tell whether only zeros are left; copying pieces to compare is 20 times a byte loop."""
    return all(
        _ZEROS.startswith(data[offset : offset + len(_ZEROS)])
        for offset in range(start, len(data), len(_ZEROS))
    )


def _is_end(data: bytes, offset: int) -> bool:
    return not any(data[offset : offset + len(MAGIC)])


def _check_versions(header: Header, rules: Rules) -> None:
    """Refuse what this program cannot read, before any other field is believed."""
    for name, stated, newest in (
        ("format", header.format_version, FORMAT_VERSION),
        ("rules", header.rules_version, rules.rules_version),
    ):
        if stated > newest:
            raise _Misplaced(
                RecoveryRow.UNKNOWN_VERSION,
                header,
                f"has {name} version {stated}, this program knows {newest}",
            )


def _check_place(header: Header, cursor: Cursor, rules: Rules) -> None:
    """Refuse a sound frame that does not belong here."""
    if header.shard != rules.shard:
        raise _Misplaced(RecoveryRow.FOREIGN_SHARD, header, f"is of shard {header.shard}")
    if header.frame_sequence != cursor.frame_sequence:
        raise _mismatch(header, f"stands in the place of frame {cursor.frame_sequence}")
    if cursor.first_sequence is None and header.first_sequence > rules.from_sequence + 1:
        raise _Misplaced(RecoveryRow.MISSING_SEGMENT, header, "is later than what was asked for")
    if cursor.first_sequence not in {None, header.first_sequence}:
        raise _mismatch(header, f"begins with record {header.first_sequence}")
    if cursor.chain not in {None, header.previous}:
        raise _mismatch(header, "does not continue the frame before it")
    if header.kind != Kind.JOURNAL or header.durable_sequence >= header.first_sequence:
        raise _mismatch(header, "is not a frame that a gate writes to its journal")
    if not cursor.epoch <= header.epoch <= rules.newest_epoch:
        possible = f"{cursor.epoch} to {rules.newest_epoch}"
        raise _Misplaced(
            RecoveryRow.FOREIGN_EPOCH, header, f"has epoch {header.epoch}, possible are {possible}"
        )


def _check_anchor(header: Header, digest: bytes, rules: Rules) -> None:
    """Refuse a journal that is not the one of which the snapshot was taken."""
    if rules.from_chain is None:
        return
    if header.first_sequence == rules.from_sequence + 1 and header.previous != rules.from_chain:
        raise _mismatch(header, "does not continue the snapshot")
    is_inside = header.first_sequence <= rules.from_sequence <= header.last_sequence
    if is_inside and (header.last_sequence, digest) != (rules.from_sequence, rules.from_chain):
        raise _mismatch(header, "is not the one that the snapshot ends with")


def _mismatch(header: Header, message: str) -> _Misplaced:
    return _Misplaced(RecoveryRow.CHAIN_MISMATCH, header, message)
