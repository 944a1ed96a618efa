from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from tests.journal.journals import fill, make_folder, recover

from tidegate_server import journal
from tidegate_server.journal import RecoveryRefusedError, RecoveryRow, SnapshotMark, frames

if TYPE_CHECKING:
    from pathlib import Path

MARK = SnapshotMark(
    sequence=40, frame_sequence=9, chain=b"c" * 16, epoch=1, shard=3, rules_version=7, time_ns=5
)
RECORDS = [b"account", b"", b"order" * 5]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "data")


def is_refused(path: Path) -> bool:
    with pytest.raises(RecoveryRefusedError) as caught:
        journal.read_snapshot(path)
    assert str(path) in caught.value.message
    return caught.value.row is RecoveryRow.BAD_SNAPSHOT


def test_a_snapshot_reads_back_with_its_mark(folder: Path) -> None:
    path = journal.write_snapshot(folder, MARK, RECORDS)
    snapshot = journal.read_snapshot(path)
    assert snapshot.mark == MARK
    assert list(snapshot.records) == RECORDS
    assert snapshot.count == len(RECORDS)


def test_a_snapshot_may_be_empty(folder: Path) -> None:
    snapshot = journal.read_snapshot(journal.write_snapshot(folder, MARK, []))
    assert (list(snapshot.records), snapshot.count) == ([], 0)


def test_a_snapshot_spans_many_frames(folder: Path) -> None:
    records = [b"%d" % index * 30 for index in range(9_000)] + [bytes(3_000_000)] * 2
    path = journal.write_snapshot(folder, MARK, iter(records))
    snapshot = journal.read_snapshot(path)
    assert len(list(snapshot.frames)) == 5
    assert list(snapshot.records) == records


def test_no_flipped_bit_of_a_snapshot_goes_unnoticed(folder: Path) -> None:
    path = journal.write_snapshot(folder, MARK, RECORDS)
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert is_refused(path)


def test_no_shortened_or_longer_snapshot_goes_unnoticed(folder: Path) -> None:
    path = journal.write_snapshot(folder, MARK, RECORDS)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert is_refused(path)
    path.write_bytes(content + content)
    assert is_refused(path)


def test_a_snapshot_that_is_gone_is_refused(folder: Path) -> None:
    path = journal.write_snapshot(folder, MARK, RECORDS)
    path.unlink()
    assert is_refused(path)


def test_the_newest_two_snapshots_are_kept_and_listed_newest_first(folder: Path) -> None:
    paths = [
        journal.write_snapshot(folder, MARK._replace(sequence=sequence), RECORDS)
        for sequence in (9, 10, 100)
    ]
    assert journal.list_snapshots(folder) == [paths[2], paths[1]]


def test_a_failed_snapshot_leaves_the_ones_before(folder: Path) -> None:
    def break_off() -> list[bytes]:
        raise OSError

    path = journal.write_snapshot(folder, MARK, RECORDS)
    with pytest.raises(OSError):  # noqa: PT011
        journal.write_snapshot(folder, MARK, (break_off()[0] for _ in range(1)))
    assert journal.list_snapshots(folder) == [path]
    assert list(journal.read_snapshot(path).records) == RECORDS


def test_a_snapshot_of_the_journal_is_where_recovery_goes_on(folder: Path) -> None:
    fill(folder, 30)
    frames = list(recover(folder).frames)
    frame = frames[19]
    mark = SnapshotMark(
        frame.last_sequence,
        frame.header.frame_sequence,
        frame.digest,
        1,
        3,
        7,
        frame.header.time_ns,
    )
    path = journal.write_snapshot(folder, mark, RECORDS)
    read = journal.read_snapshot(path).mark
    rest = journal.recover(
        folder, shard=3, rules_version=7, from_sequence=read.sequence, from_chain=read.chain
    )
    assert list(rest.frames) == frames[20:]


def test_what_is_written_aside_takes_effect_when_published(tmp_path: Path) -> None:
    path = tmp_path / "report"
    journal.write_aside(path, [b"one", b"two"])
    assert not path.exists()
    journal.publish(path)
    assert path.read_bytes() == b"onetwo"


def test_a_mark_that_does_not_read_back_is_not_published(folder: Path) -> None:
    with pytest.raises(RecoveryRefusedError, match="differs from what was written"):
        journal.write_snapshot(folder, MARK._replace(chain=b"short"), RECORDS)
    assert journal.list_snapshots(folder) == []


def forge(path: Path, folder: Path, *changes: dict[str, object]) -> None:
    """Write a file of sound frames: one a change, each the end of a snapshot but for it."""
    seed = journal.read_identity(folder).header_seed
    end = struct.pack("<QQQ16s", 40, 9, 0, b"c" * 16)
    content, previous = b"", bytes(16)
    for index, change in enumerate(changes):
        payload = frames.pack_payload([bytes(change.get("record", end))])  # type: ignore[call-overload]
        header = journal.Header(
            1, 2, 7, 3, 1, 1, index + 1, index + 1, 5, 40, previous, len(payload)
        )
        fields = {name: value for name, value in change.items() if name != "record"}
        packed = frames.pack_header(header._replace(**fields), seed)  # type: ignore[arg-type]
        previous = frames.digest_of(packed, payload)
        content += packed + payload + previous
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([{}, {}], "bytes behind the closing frame"),
        ([{"kind": 1}], "the closing frame is missing"),
        ([], "the closing frame is missing"),
        ([{"kind": 1}, {"previous": b"w" * 16}], "does not continue"),
        ([{"record": b"x"}], "does not state"),
        ([{"format_version": 2}], "format version is 2"),
    ],
)
def test_sound_frames_that_make_no_snapshot_are_refused(
    folder: Path, changes: list[dict[str, object]], reason: str
) -> None:
    path = folder / "snapshots" / "forged.snap"
    forge(path, folder, *changes)
    with pytest.raises(RecoveryRefusedError, match=reason):
        journal.read_snapshot(path)


def test_the_forger_of_these_tests_can_make_a_sound_snapshot(folder: Path) -> None:
    path = folder / "snapshots" / "forged.snap"
    forge(path, folder, {})
    assert journal.read_snapshot(path).mark == MARK
