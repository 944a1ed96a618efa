"""Pack and unpack frames: pure functions from records to bytes and back.

A frame is one commit. It is a fixed header, a payload, and a digest:

    header   magic, versions, shard, epoch, sequences, time, previous digest, payload length, CRC32
    payload  a table of u32 lengths, one a record, then the records one after the other
    digest   BLAKE2b-128 over header and payload; the next frame repeats it as ``previous``

Three checks, three jobs. The header's CRC32 makes its payload length trustworthy before anything
is read by it. The digest sees every accident in the payload. The chain of digests sees edits,
reorders and drops. The CRC starts from a secret seed of the data folder, so that a caller who
smuggles the bytes of a frame into a record cannot make the search for later frames believe it.

The lengths stand in one table, not before each record: one ``struct`` call packs or unpacks them
all (100 records: 4 us against 11 us).

All numbers are little-endian. A frame that begins with zeros is the preallocated end.
"""

from __future__ import annotations

import zlib
from enum import IntEnum
from hashlib import blake2b
from itertools import accumulate, pairwise
from struct import Struct, pack, unpack_from
from typing import TYPE_CHECKING, NamedTuple

from tidegate_server.journal.errors import FrameTooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT_VERSION = 1
MAGIC = b"\x89TIDE\r\n\x1a"
DIGEST_BYTES = 16
NO_DIGEST = bytes(DIGEST_BYTES)
LENGTH_BYTES = 4

#: magic, format version, kind, rules version, shard, count, epoch, frame sequence, first record
#: sequence, time in ns, durable record sequence, previous digest, payload length.
_FIELDS = Struct("<8sHHIIIQQQqQ16sI")
_CHECK = Struct("<I")

HEADER_BYTES = _FIELDS.size + _CHECK.size
OVERHEAD_BYTES = HEADER_BYTES + DIGEST_BYTES
MAXIMUM_RECORDS = 65_536
MAXIMUM_PAYLOAD_BYTES = 32 * 1024 * 1024


class Kind(IntEnum):
    """What a frame is for; the numbers are on disk and never reused."""

    JOURNAL = 0
    SNAPSHOT = 1
    SNAPSHOT_END = 2


class Damage(Exception):  # noqa: N818  (a finding that the caller judges, not yet an error)
    """Bytes that are not a sound frame."""


class Header(NamedTuple):
    """The header of one frame, without magic and checksum."""

    format_version: int
    kind: int
    rules_version: int
    shard: int
    record_count: int
    epoch: int
    frame_sequence: int
    first_sequence: int
    time_ns: int
    durable_sequence: int
    previous: bytes
    payload_bytes: int

    @property
    def last_sequence(self) -> int:
        """The sequence of the frame's last record."""
        return self.first_sequence + self.record_count - 1

    @property
    def frame_bytes(self) -> int:
        """The size of the whole frame on disk."""
        return OVERHEAD_BYTES + self.payload_bytes


class Frame(NamedTuple):
    """One commit as read back: header, opaque records, digest."""

    header: Header
    records: list[bytes]
    digest: bytes

    @property
    def first_sequence(self) -> int:
        """The sequence of the first record."""
        return self.header.first_sequence

    @property
    def last_sequence(self) -> int:
        """The sequence of the last record."""
        return self.header.last_sequence


def frame_bytes(records: Sequence[bytes]) -> int:
    """Count the bytes on disk that a commit of these records takes."""
    return OVERHEAD_BYTES + LENGTH_BYTES * len(records) + sum(map(len, records))


def pack_payload(records: Sequence[bytes]) -> bytes:
    """Pack the table of lengths and the records.

    Raises FrameTooLargeError when there is no record, or more than the bounds allow.
    """
    count = len(records)
    if not 0 < count <= MAXIMUM_RECORDS:
        raise FrameTooLargeError(f"a frame holds 1 to {MAXIMUM_RECORDS} records, not {count}")
    payload = b"".join((pack(f"<{count}I", *map(len, records)), *records))
    if len(payload) > MAXIMUM_PAYLOAD_BYTES:
        raise FrameTooLargeError(
            f"a frame holds {MAXIMUM_PAYLOAD_BYTES} payload bytes, not {len(payload)}"
        )
    return payload


def pack_header(header: tuple[int | bytes, ...], seed: int) -> bytes:
    """Pack a Header, or a plain tuple in its order, and its checksum."""
    fields = _FIELDS.pack(MAGIC, *header)
    return fields + _CHECK.pack(zlib.crc32(fields, seed))


def digest_of(header: bytes, payload: bytes | memoryview) -> bytes:
    """Hash a packed header and its payload: the frame's link in the chain."""
    hasher = blake2b(header, digest_size=DIGEST_BYTES)
    hasher.update(payload)
    return hasher.digest()


def unpack_header(data: bytes, offset: int, seed: int) -> Header:
    """Read the header that begins at `offset`.

    Raises Damage unless a whole header stands there whose checksum and bounds hold. The format
    version is not judged: a newer one must be told from damage by the caller.
    """
    checked = offset + _FIELDS.size
    if offset + HEADER_BYTES > len(data):
        raise Damage("the file ends inside a header")
    magic, *fields = _FIELDS.unpack_from(data, offset)
    if magic != MAGIC:
        raise Damage("no frame begins here")
    if zlib.crc32(data[offset:checked], seed) != _CHECK.unpack_from(data, checked)[0]:
        raise Damage("the header's checksum does not match")
    header = Header._make(fields)
    if header.format_version <= FORMAT_VERSION:
        _check_bounds(header)
    return header


def _check_bounds(header: Header) -> None:
    """Refuse counts and lengths that no writer of this version produces."""
    if not 0 < header.record_count <= MAXIMUM_RECORDS:
        raise Damage(f"the header counts {header.record_count} records")
    if not header.record_count * LENGTH_BYTES <= header.payload_bytes <= MAXIMUM_PAYLOAD_BYTES:
        raise Damage(f"the header announces {header.payload_bytes} payload bytes")


def unpack_digest(data: bytes, offset: int, header: Header) -> bytes:
    """Return the digest of the frame at `offset` after proving it; raise Damage."""
    end = offset + header.frame_bytes
    if end > len(data):
        raise Damage("the file ends inside a frame")
    stated = data[end - DIGEST_BYTES : end]
    with memoryview(data) as view:
        hashed = blake2b(view[offset : end - DIGEST_BYTES], digest_size=DIGEST_BYTES).digest()
    if hashed != stated:
        raise Damage("the frame's digest does not match")
    return stated


def unpack_records(data: bytes, offset: int, header: Header) -> list[bytes]:
    """Cut the payload of the frame at `offset` into its records; raise Damage."""
    table = offset + HEADER_BYTES
    lengths = unpack_from(f"<{header.record_count}I", data, table)
    start = table + LENGTH_BYTES * header.record_count
    cuts = list(accumulate(lengths, initial=start))
    if cuts[-1] != table + header.payload_bytes:
        raise Damage("the records' lengths do not add up to the payload")
    return [data[begin:end] for begin, end in pairwise(cuts)]


def unpack_frame(data: bytes, offset: int, seed: int) -> Frame:
    """Read and prove the whole frame at `offset`; raise Damage."""
    header = unpack_header(data, offset, seed)
    digest = unpack_digest(data, offset, header)
    return Frame(header, unpack_records(data, offset, header), digest)


def find_later_header(data: bytes, start: int, after_sequence: int, seed: int) -> int | None:
    """Search every byte from `start` for the header of a frame past `after_sequence`.

    Returns its offset, or None. Zeros are skipped at the speed of ``bytes.find``.
    """
    offset = data.find(MAGIC, start)
    while offset >= 0:
        try:
            if unpack_header(data, offset, seed).frame_sequence > after_sequence:
                return offset
        except Damage:
            pass
        offset = data.find(MAGIC, offset + 1)
    return None
