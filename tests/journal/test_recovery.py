from __future__ import annotations

import json
import shutil
import struct
from typing import TYPE_CHECKING, Any

import pytest
from tests.journal.journals import (
    RULES,
    SEGMENT_BYTES,
    SHARD,
    fill,
    flip,
    make_folder,
    open_writer,
    records_of,
    recover,
    segments,
)

from tidegate_server import journal
from tidegate_server.journal import (
    REFUSALS,
    FrameTooLargeError,
    RecoveryRefusedError,
    RecoveryRow,
    Writer,
    frames,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "data")


def refusal(folder: Path, *, from_sequence: int = 0) -> RecoveryRefusedError:
    with pytest.raises(RecoveryRefusedError) as caught:
        recover(folder, from_sequence=from_sequence, repair=True)
    return caught.value


def end_of_frames(segment: Path) -> int:
    return len(segment.read_bytes().rstrip(b"\0"))


def lag_watermark(folder: Path, frames_after: int) -> list[list[bytes]]:
    """Commit so that the watermark knows nothing of the last frames, as after a power cut."""
    stale = (folder / "watermark").read_bytes()
    written = fill(folder, frames_after)
    (folder / "watermark").write_bytes(stale)
    return written


def rewrite_last_frame(folder: Path, **changes: Any) -> None:
    """Forge the last frame of a one-segment journal with sound checksums."""
    identity = journal.read_identity(folder)
    path = segments(folder)[0]
    data = path.read_bytes()
    offset = 0
    starts = []
    while any(data[offset : offset + 8]):
        starts.append(offset)
        offset += frames.unpack_header(data, offset, identity.header_seed).frame_bytes
    start = starts[-1]
    header = frames.unpack_header(data, start, identity.header_seed)._replace(**changes)
    payload = data[start + frames.HEADER_BYTES : offset - frames.DIGEST_BYTES]
    packed = frames.pack_header(header, identity.header_seed)
    forged = packed + payload + frames.digest_of(packed, payload)
    path.write_bytes(data[:start] + forged + data[offset:])


def test_an_empty_journal_starts_at_one(folder: Path) -> None:
    recovery = recover(folder, repair=True)
    assert recovery.row is RecoveryRow.ALL_VALID
    assert (recovery.position.frame_sequence, recovery.position.first_sequence) == (1, 1)
    assert list(recovery.frames) == []


def test_a_whole_journal_is_read_back_across_segments(folder: Path) -> None:
    written = fill(folder, 30)
    recovery = recover(folder)
    assert recovery.row is RecoveryRow.ALL_VALID
    assert len(segments(folder)) > 3
    assert records_of(list(recovery.frames)) == written
    assert recovery.position.first_sequence == 46


def test_frames_can_be_read_twice(folder: Path) -> None:
    fill(folder, 5)
    recovery = recover(folder)
    assert list(recovery.frames) == list(recovery.frames)


def test_a_torn_tail_is_set_aside_and_erased_and_the_journal_goes_on(folder: Path) -> None:
    before = fill(folder, 3)
    lag_watermark(folder, 1)
    path = segments(folder)[0]
    torn = path.read_bytes()
    flip(path, end_of_frames(path) - 1)
    recovery = recover(folder, repair=True)
    assert recovery.row is RecoveryRow.TORN_TAIL
    assert "frame 4" in recovery.message
    assert str(path) in recovery.message
    offset = recovery.position.offset
    assert path.read_bytes() == torn[:offset] + bytes(SEGMENT_BYTES - offset)
    (copy,) = (folder / "torn").iterdir()
    assert copy.read_bytes()[:-1] == torn[offset : offset + copy.stat().st_size - 1]
    after = fill(folder, 2)
    assert records_of(list(recover(folder).frames)) == before + after


def test_a_torn_tail_is_left_alone_without_repair(folder: Path) -> None:
    fill(folder, 3)
    lag_watermark(folder, 1)
    path = segments(folder)[0]
    flip(path, end_of_frames(path) - 1)
    content = path.read_bytes()
    assert recover(folder, repair=False).row is RecoveryRow.TORN_TAIL
    assert path.read_bytes() == content
    assert list((folder / "torn").iterdir()) == []


def test_a_torn_tail_whose_first_sector_never_came_is_found_by_its_rest(folder: Path) -> None:
    before = fill(folder, 3)
    path = segments(folder)[0]
    data = bytearray(path.read_bytes())
    data[-1] = 7
    path.write_bytes(data)
    recovery = recover(folder, repair=True)
    assert recovery.row is RecoveryRow.TORN_TAIL
    assert records_of(list(recovery.frames)) == before
    assert recover(folder).row is RecoveryRow.ALL_VALID


def test_a_whole_frame_that_was_never_acknowledged_counts_and_moves_the_watermark(
    folder: Path,
) -> None:
    before = fill(folder, 3)
    after = lag_watermark(folder, 1)
    recovery = recover(folder, repair=True)
    assert records_of(list(recovery.frames)) == before + after
    assert journal.read_watermark(folder).record_sequence == recovery.position.last_sequence


def test_damage_before_a_valid_frame_is_refused_with_file_and_offset(folder: Path) -> None:
    fill(folder, 4)
    flip(segments(folder)[0], 0)
    error = refusal(folder)
    assert error.row is RecoveryRow.DAMAGE_BEFORE_VALID
    assert error.offset == 0
    assert str(segments(folder)[0]) in error.message
    assert "at byte 0" in error.message


def test_damage_before_a_valid_frame_is_refused_even_when_the_watermark_is_old(
    folder: Path,
) -> None:
    lag_watermark(folder, 2)
    flip(segments(folder)[0], 100)
    assert refusal(folder).row is RecoveryRow.DAMAGE_BEFORE_VALID


def test_damage_in_a_segment_that_is_not_the_last_is_refused(folder: Path) -> None:
    lag_watermark(folder, 9)
    path = segments(folder)[0]
    flip(path, end_of_frames(path) - 1)
    assert refusal(folder).row is RecoveryRow.DAMAGE_BEFORE_VALID


def test_a_missing_middle_segment_is_refused(folder: Path) -> None:
    fill(folder, 30)
    missing = segments(folder)[1]
    missing.unlink()
    error = refusal(folder)
    assert error.row is RecoveryRow.MISSING_SEGMENT
    assert "frames" in error.message


def test_a_missing_first_segment_is_refused(folder: Path) -> None:
    fill(folder, 30)
    segments(folder)[0].unlink()
    assert refusal(folder).row is RecoveryRow.MISSING_SEGMENT


def test_a_missing_last_segment_is_refused_by_name(folder: Path) -> None:
    fill(folder, 30)
    last = segments(folder)[-1]
    last.unlink()
    error = refusal(folder)
    assert error.row is RecoveryRow.MISSING_SEGMENT
    assert last.name in error.message


def test_a_journal_without_segments_is_refused_when_something_was_acknowledged(
    folder: Path,
) -> None:
    fill(folder, 1)
    shutil.rmtree(folder / "journal")
    assert refusal(folder).row is RecoveryRow.MISSING_SEGMENT


def test_a_damaged_tail_that_was_acknowledged_is_refused(folder: Path) -> None:
    fill(folder, 4)
    path = segments(folder)[0]
    flip(path, end_of_frames(path) - 1)
    assert refusal(folder).row is RecoveryRow.BELOW_WATERMARK


def test_an_erased_tail_that_was_acknowledged_is_refused(folder: Path) -> None:
    fill(folder, 1)
    path = segments(folder)[0]
    path.write_bytes(bytes(SEGMENT_BYTES))
    error = refusal(folder)
    assert error.row is RecoveryRow.BELOW_WATERMARK
    assert "1 was acknowledged" in error.message


def test_a_journal_that_ends_before_the_snapshot_is_refused(folder: Path) -> None:
    fill(folder, 4)
    assert refusal(folder, from_sequence=99).row is RecoveryRow.BELOW_WATERMARK


@pytest.mark.parametrize(
    "changes",
    [
        {"previous": b"e" * 16},
        {"frame_sequence": 9},
        {"first_sequence": 99},
        {"kind": 1},
        {"durable_sequence": 99},
    ],
)
def test_a_sound_frame_off_the_chain_is_refused(
    folder: Path, changes: dict[str, int | bytes]
) -> None:
    fill(folder, 2)
    rewrite_last_frame(folder, **changes)
    error = refusal(folder)
    assert error.row is RecoveryRow.CHAIN_MISMATCH
    assert error.offset == frames.frame_bytes([bytes(40)])


def test_an_edited_frame_before_the_last_breaks_the_chain(folder: Path) -> None:
    fill(folder, 1)
    rewrite_last_frame(folder, time_ns=1)
    # The chain is only kept by what follows: the next frame states the digest of the true one.
    edited = segments(folder)[0].read_bytes()
    rewrite_last_frame(folder, time_ns=1_000)
    fill(folder, 1)
    size = frames.frame_bytes([bytes(40)])
    data = segments(folder)[0].read_bytes()
    segments(folder)[0].write_bytes(edited[:size] + data[size:])
    assert refusal(folder).row is RecoveryRow.CHAIN_MISMATCH


def test_a_frame_of_an_epoch_never_served_here_is_refused(folder: Path) -> None:
    fill(folder, 2)
    rewrite_last_frame(folder, epoch=2)
    assert refusal(folder).row is RecoveryRow.FOREIGN_EPOCH


def test_a_frame_of_an_epoch_older_than_the_one_before_is_refused(folder: Path) -> None:
    fill(folder, 2)
    rewrite_last_frame(folder, epoch=0)
    assert refusal(folder).row is RecoveryRow.FOREIGN_EPOCH


def test_an_epoch_file_that_went_back_is_refused(folder: Path) -> None:
    fill(folder, 2)
    journal.persist_epoch(folder, 0)
    assert refusal(folder).row is RecoveryRow.FOREIGN_EPOCH


def test_a_frame_of_another_shard_is_refused(folder: Path) -> None:
    fill(folder, 2)
    rewrite_last_frame(folder, shard=SHARD + 1)
    assert refusal(folder).row is RecoveryRow.FOREIGN_SHARD


def test_a_folder_of_another_shard_is_refused(folder: Path) -> None:
    with pytest.raises(RecoveryRefusedError) as caught:
        journal.recover(folder, shard=SHARD + 1, rules_version=RULES)
    assert caught.value.row is RecoveryRow.FOREIGN_SHARD


@pytest.mark.parametrize("changes", [{"format_version": 2}, {"rules_version": RULES + 1}])
def test_a_newer_frame_is_refused(folder: Path, changes: dict[str, int]) -> None:
    fill(folder, 2)
    rewrite_last_frame(folder, **changes)
    assert refusal(folder).row is RecoveryRow.UNKNOWN_VERSION


def test_a_newer_folder_is_refused(folder: Path) -> None:
    path = folder / "identity.json"
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | {"format_version": 2}))
    assert refusal(folder).row is RecoveryRow.UNKNOWN_VERSION


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"format_version": 1}'])
def test_an_unreadable_identity_is_refused(folder: Path, content: bytes) -> None:
    (folder / "identity.json").write_bytes(content)
    assert refusal(folder).row is RecoveryRow.BAD_IDENTITY


def test_an_edited_identity_is_refused(folder: Path) -> None:
    path = folder / "identity.json"
    path.write_text(path.read_text().replace("CNY", "USD"))
    assert refusal(folder).row is RecoveryRow.BAD_IDENTITY


@pytest.mark.parametrize("content", [b"", bytes(1024), b"x" * 1024])
def test_a_watermark_without_a_valid_slot_is_refused(folder: Path, content: bytes) -> None:
    (folder / "watermark").write_bytes(content)
    assert refusal(folder).row is RecoveryRow.BAD_WATERMARK


def test_a_missing_watermark_is_refused(folder: Path) -> None:
    (folder / "watermark").unlink()
    assert refusal(folder).row is RecoveryRow.BAD_WATERMARK


def test_one_torn_slot_leaves_the_watermark_before(folder: Path) -> None:
    fill(folder, 3)
    newest = journal.read_watermark(folder)
    assert newest.frame_sequence == 3
    for offset in (8, 512 + 8):
        flip(folder / "watermark", offset)
        found = journal.read_watermark(folder).frame_sequence
        flip(folder / "watermark", offset)
        assert found in {2, 3}


UNREADABLE_EPOCHS = [b"", b"x\n", b"1", b"1 \n", b"1_0\n", b"-1\n", b"%d\n" % 2**63]
UNREADABLE_EPOCHS += [b"1 00000000\n", b"-1 00000000\n"]


@pytest.mark.parametrize("content", UNREADABLE_EPOCHS)
def test_an_unreadable_epoch_is_refused(folder: Path, content: bytes) -> None:
    (folder / "epoch").write_bytes(content)
    assert refusal(folder).row is RecoveryRow.BAD_EPOCH


def test_a_bare_number_is_an_epoch_as_the_advice_says(folder: Path) -> None:
    fill(folder, 2)
    (folder / "epoch").write_bytes(b"7\n")
    assert journal.read_epoch(folder) == 7
    assert recover(folder).row is RecoveryRow.ALL_VALID


def test_a_bare_number_that_is_too_old_is_refused(folder: Path) -> None:
    fill(folder, 2)
    (folder / "epoch").write_bytes(b"0\n")
    assert refusal(folder).row is RecoveryRow.FOREIGN_EPOCH


def test_a_journal_without_its_identity_is_refused_with_advice_that_loses_nothing(
    folder: Path,
) -> None:
    (folder / "identity.json").unlink()
    found = refusal(folder)
    assert found.row is RecoveryRow.BAD_IDENTITY
    assert "restore it" in found.message
    assert "init" not in found.message


def test_a_missing_epoch_is_refused(folder: Path) -> None:
    (folder / "epoch").unlink()
    assert refusal(folder).row is RecoveryRow.BAD_EPOCH


def test_every_refusing_row_has_advice_of_its_own() -> None:
    assert len({row.value for row in RecoveryRow}) == len(RecoveryRow)
    for row in REFUSALS:
        assert str(RecoveryRefusedError(row, "found")).endswith(f"found: {row.value}")


@pytest.mark.parametrize("from_sequence", range(46))
def test_recovery_from_any_sequence_yields_exactly_the_frames_behind_it(
    folder: Path, from_sequence: int
) -> None:
    fill(folder, 30)
    whole = recover(folder)
    part = recover(folder, from_sequence=from_sequence)
    assert part.position == whole.position
    assert list(part.frames) == [f for f in whole.frames if f.last_sequence > from_sequence]


def test_segments_below_the_snapshot_may_be_archived(folder: Path) -> None:
    fill(folder, 30)
    whole = recover(folder)
    wanted = [frame for frame in whole.frames if frame.last_sequence > 40]
    for path in segments(folder)[:3]:
        path.unlink()
    part = recover(folder, from_sequence=40)
    assert list(part.frames) == wanted
    assert part.position == whole.position


def test_segments_above_the_snapshot_may_not_be_archived(folder: Path) -> None:
    fill(folder, 30)
    for path in segments(folder)[:3]:
        path.unlink()
    assert refusal(folder, from_sequence=2).row is RecoveryRow.MISSING_SEGMENT


def test_an_empty_segment_alone_does_not_tell_where_the_journal_ends(folder: Path) -> None:
    fill(folder, 30)
    for path in segments(folder)[:-1]:
        path.unlink()
    last = segments(folder)[-1]
    last.write_bytes(bytes(SEGMENT_BYTES))
    assert refusal(folder, from_sequence=45).row is RecoveryRow.MISSING_SEGMENT


@pytest.mark.parametrize("ends_with_a_frame", [True, False])
def test_a_snapshot_must_continue_in_the_journal(folder: Path, *, ends_with_a_frame: bool) -> None:
    fill(folder, 30)
    chains = {frame.last_sequence: frame.digest for frame in recover(folder).frames}
    sequence = 40 if ends_with_a_frame else 38
    assert (sequence in chains) == ends_with_a_frame
    with pytest.raises(RecoveryRefusedError) as caught:
        journal.recover(
            folder,
            shard=SHARD,
            rules_version=RULES,
            from_sequence=sequence,
            from_chain=b"w" * 16,
        )
    assert caught.value.row is RecoveryRow.CHAIN_MISMATCH


def test_every_snapshot_chain_of_the_journal_is_accepted(folder: Path) -> None:
    fill(folder, 30)
    whole = recover(folder)
    for frame in whole.frames:
        part = journal.recover(
            folder,
            shard=SHARD,
            rules_version=RULES,
            from_sequence=frame.last_sequence,
            from_chain=frame.digest,
        )
        assert part.position == whole.position


def test_an_unused_segment_at_the_end_is_no_damage(folder: Path) -> None:
    fill(folder, 4)
    position = recover(folder).position
    unused = folder / "journal" / f"{position.frame_sequence:020}.seg"
    unused.write_bytes(bytes(SEGMENT_BYTES))
    recovery = recover(folder)
    assert recovery.row is RecoveryRow.ALL_VALID
    assert recovery.position.segment == position.frame_sequence
    fill(folder, 1)
    assert recover(folder).position.frame_sequence == position.frame_sequence + 1


def test_a_shortened_last_segment_is_filled_up_again(folder: Path) -> None:
    fill(folder, 2)
    path = segments(folder)[0]
    path.write_bytes(path.read_bytes().rstrip(b"\0"))
    fill(folder, 3)
    assert path.stat().st_size == SEGMENT_BYTES
    assert recover(folder).position.frame_sequence == 6


def test_a_record_that_contains_a_frame_cannot_pass_for_a_later_one(folder: Path) -> None:
    fill(folder, 3)
    inner = segments(folder)[0].read_bytes()[: frames.frame_bytes([bytes(40)])]
    stale = (folder / "watermark").read_bytes()
    writer = open_writer(folder)
    writer.commit([struct.pack("<I", 9) + inner], time_ns=1)
    writer.close()
    (folder / "watermark").write_bytes(stale)
    path = segments(folder)[0]
    flip(path, end_of_frames(path) - 1)
    assert recover(folder).row is RecoveryRow.TORN_TAIL


def test_two_journals_of_the_same_records_have_chains_of_their_own(tmp_path: Path) -> None:
    chains = set()
    for name in ("one", "two"):
        fill(make_folder(tmp_path / name), 2)
        chains.add(recover(tmp_path / name).position.chain)
    assert len(chains) == 2


def test_a_segment_of_another_journal_is_refused(tmp_path: Path) -> None:
    one, two = make_folder(tmp_path / "one"), make_folder(tmp_path / "two")
    fill(one, 4)
    fill(two, 4)
    shutil.copy(segments(one)[0], segments(two)[0])
    assert refusal(two).row in REFUSALS


def test_a_frame_larger_than_a_segment_is_refused_and_harmless(folder: Path) -> None:
    writer: Writer = open_writer(folder)
    with pytest.raises(FrameTooLargeError):
        writer.commit([bytes(SEGMENT_BYTES)], time_ns=1)
    assert writer.commit([b"x"], time_ns=1) == 1
    writer.close()


def test_the_first_segment_left_must_continue_the_snapshot(folder: Path) -> None:
    fill(folder, 30)
    first = int(segments(folder)[3].stem)
    before = next(f for f in recover(folder).frames if f.header.frame_sequence == first - 1)
    for path in segments(folder)[:3]:
        path.unlink()
    for chain in (before.digest, b"w" * 16):
        try:
            journal.recover(
                folder,
                shard=SHARD,
                rules_version=RULES,
                from_sequence=before.last_sequence,
                from_chain=chain,
            )
        except RecoveryRefusedError as error:
            row = error.row
        else:
            row = RecoveryRow.ALL_VALID
        expected = RecoveryRow.ALL_VALID if chain == before.digest else RecoveryRow.CHAIN_MISMATCH
        assert row is expected
