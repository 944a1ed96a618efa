from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_server.journal import FrameTooLargeError, frames
from tidegate_server.journal.frames import Damage, Header

SEED = 12345

counters = st.integers(0, 2**64 - 1)
record_lists = st.lists(st.binary(max_size=64), min_size=1, max_size=12)


def pack(records: list[bytes], *, frame_sequence: int = 9, **changes: Any) -> bytes:
    payload = frames.pack_payload(records)
    header = Header(
        format_version=frames.FORMAT_VERSION,
        kind=0,
        rules_version=1,
        shard=2,
        record_count=len(records),
        epoch=3,
        frame_sequence=frame_sequence,
        first_sequence=50,
        time_ns=-1,
        durable_sequence=49,
        previous=b"p" * 16,
        payload_bytes=len(payload),
    )._replace(**changes)
    packed = frames.pack_header(header, SEED)
    return packed + payload + frames.digest_of(packed, payload)


@given(records=record_lists, epoch=counters, first=st.integers(0, 2**63), time_ns=st.integers(0, 9))
def test_a_frame_reads_back_as_it_was_packed(
    records: list[bytes], epoch: int, first: int, time_ns: int
) -> None:
    data = pack(records, epoch=epoch, first_sequence=first, time_ns=time_ns)
    frame = frames.unpack_frame(data, 0, SEED)
    assert frame.records == records
    assert frame.digest == data[-16:]
    assert (frame.header.epoch, frame.first_sequence, frame.header.time_ns) == (
        epoch,
        first,
        time_ns,
    )
    assert frame.last_sequence == first + len(records) - 1
    assert frame.header.frame_bytes == len(data) == frames.frame_bytes(records)


@given(records=record_lists, before=st.binary(max_size=200))
def test_a_frame_reads_back_from_any_offset(records: list[bytes], before: bytes) -> None:
    data = before + pack(records) + b"tail"
    assert frames.unpack_frame(data, len(before), SEED).records == records


def test_every_flipped_bit_of_a_frame_is_seen() -> None:
    data = bytearray(pack([b"order", b"", b"cancel"]))
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Damage):
            frames.unpack_frame(bytes(data), 0, SEED)
        data[bit // 8] ^= 1 << bit % 8


def test_every_shortened_frame_is_seen() -> None:
    data = pack([b"order", b"", b"cancel"])
    for length in range(len(data)):
        with pytest.raises(Damage):
            frames.unpack_frame(data[:length], 0, SEED)


@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_are_damage_and_nothing_worse(data: bytes) -> None:
    with pytest.raises(Damage):
        frames.unpack_frame(frames.MAGIC + data, 0, SEED)


@pytest.mark.parametrize(
    "changes",
    [
        {"record_count": 0},
        {"record_count": frames.MAXIMUM_RECORDS + 1},
        {"payload_bytes": 3},
        {"payload_bytes": frames.MAXIMUM_PAYLOAD_BYTES + 1},
    ],
)
def test_a_sound_header_with_impossible_bounds_is_damage(changes: dict[str, int]) -> None:
    with pytest.raises(Damage):
        frames.unpack_header(pack([b"x"], **changes), 0, SEED)


def test_a_newer_version_is_told_without_judging_its_bounds() -> None:
    data = pack([b"x"], format_version=frames.FORMAT_VERSION + 1, record_count=0)
    assert frames.unpack_header(data, 0, SEED).format_version == frames.FORMAT_VERSION + 1


def test_lengths_that_do_not_add_up_are_damage_even_under_a_right_digest() -> None:
    payload = b"\x05\0\0\0abc"
    header = frames.unpack_header(pack([b"abc"]), 0, SEED)
    packed = frames.pack_header(header, SEED)
    data = packed + payload + frames.digest_of(packed, payload)
    with pytest.raises(Damage, match="add up"):
        frames.unpack_frame(data, 0, SEED)


def test_a_frame_holds_at_least_one_record() -> None:
    with pytest.raises(FrameTooLargeError):
        frames.pack_payload([])


def test_a_frame_refuses_more_records_than_its_bound() -> None:
    with pytest.raises(FrameTooLargeError):
        frames.pack_payload([b""] * (frames.MAXIMUM_RECORDS + 1))


def test_a_frame_refuses_more_bytes_than_its_bound() -> None:
    with pytest.raises(FrameTooLargeError):
        frames.pack_payload([bytes(frames.MAXIMUM_PAYLOAD_BYTES)])


def test_a_later_header_is_found_at_every_byte_offset() -> None:
    frame = pack([b"x"], frame_sequence=11)
    for offset in range(64):
        data = b"\x89" * offset + frame
        assert frames.find_later_header(data, 0, 10, SEED) == offset


def test_a_header_of_the_same_or_an_earlier_frame_is_not_later() -> None:
    data = pack([b"x"], frame_sequence=10) + pack([b"x"], frame_sequence=9)
    assert frames.find_later_header(data, 0, 10, SEED) is None


def test_a_frame_forged_inside_a_record_is_not_later() -> None:
    payload = frames.pack_payload([b"x"])
    forged = frames.pack_header((1, 0, 1, 2, 1, 3, 99, 99, 0, 9, b"p" * 16, len(payload)), SEED + 1)
    assert frames.find_later_header(pack([forged]), 1, 9, SEED) is None
