"""A real small log, damaged at every byte and at every bit: nothing goes unnoticed.

Each case must either be refused on a named row, or recover an exact prefix of what was written
that holds everything up to the watermark.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from tests.journal.journals import fill, make_folder, open_writer, records_of, recover, segments

from tidegate_server import journal
from tidegate_server.journal import REFUSALS, RecoveryRefusedError, RecoveryRow, frame_bytes

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 5
SLOT_BYTES = 512
USED_SLOT_BYTES = 48  # generation, four numbers, checksum


class Log:
    """A log of two segments, whose watermark knows all frames, or all but the last."""

    def __init__(self, folder: Path, *, is_last_acknowledged: bool) -> None:
        self.folder = make_folder(folder)
        self.written = fill(folder, FRAMES - 1, record_bytes=70)
        stale = (folder / "watermark").read_bytes()
        self.written += fill(folder, 1, record_bytes=70)
        if not is_last_acknowledged:
            (folder / "watermark").write_bytes(stale)
        self.acknowledged = journal.read_watermark(folder).frame_sequence
        self.rows: Counter[RecoveryRow] = Counter()
        assert len(segments(folder)) == 2

    def judge(self) -> int:
        """Return how many frames are left, 0 for a refusal; fail when damage went unnoticed."""
        try:
            recovery = recover(self.folder)
        except RecoveryRefusedError as error:
            return self.note_refusal(error)
        found = records_of(list(recovery.frames))
        assert found == self.written[: len(found)]
        assert len(found) >= self.acknowledged
        assert recovery.position.frame_sequence == len(found) + 1
        self.rows[recovery.row] += 1
        return len(found)

    def note_refusal(self, error: RecoveryRefusedError) -> int:
        assert error.row in REFUSALS
        assert error.message.startswith(error.row.name)
        self.rows[error.row] += 1
        return 0


@pytest.fixture(params=[True, False], ids=["acknowledged", "in flight"])
def log(tmp_path: Path, request: pytest.FixtureRequest) -> Log:
    return Log(tmp_path / "data", is_last_acknowledged=request.param)


def test_no_flipped_bit_of_a_segment_goes_unnoticed(log: Log) -> None:
    for path in segments(log.folder):
        content = path.read_bytes()
        used = len(content.rstrip(b"\0"))
        with path.open("r+b", buffering=0) as file:
            # Every bit of every frame, and a bit of every byte of the zeros behind them.
            for bit in (*range(8 * used), *range(8 * used, 8 * len(content), 9)):
                byte = bit // 8
                file.seek(byte)
                file.write(bytes([content[byte] ^ 1 << bit % 8]))
                assert log.judge() < FRAMES or byte >= used
                file.seek(byte)
                file.write(content[byte : byte + 1])
    assert log.rows[RecoveryRow.ALL_VALID] == 0
    expected = {RecoveryRow.DAMAGE_BEFORE_VALID, RecoveryRow.TORN_TAIL}
    if log.acknowledged == FRAMES:
        expected.add(RecoveryRow.BELOW_WATERMARK)
    assert set(log.rows) == expected


def test_no_shortened_segment_goes_unnoticed(log: Log) -> None:
    for path in segments(log.folder):
        content = path.read_bytes()
        used = len(content.rstrip(b"\0"))
        for length in range(len(content)):
            path.write_bytes(content[:length])
            assert (log.judge() == FRAMES) == (length >= used)
        path.write_bytes(content)


def test_no_erased_sector_goes_unnoticed(log: Log) -> None:
    for path in segments(log.folder):
        content = path.read_bytes()
        used = len(content.rstrip(b"\0"))
        for start in range(used):
            path.write_bytes(content[:start] + bytes(64) + content[start + 64 :])
            log.judge()
        path.write_bytes(content)
    assert log.rows[RecoveryRow.ALL_VALID] <= 1 + len(segments(log.folder))


def test_any_sectors_of_the_frame_in_flight_may_be_lost_by_a_power_cut(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data")
    before, written = b"", []
    for records in ([b"a" * 300], [b"b" * 200], [b"c" * 2_000]):
        before = (folder / "watermark").read_bytes()
        writer = open_writer(folder, segment_bytes=4096)
        writer.commit(records, 1)
        writer.close()
        written.append(records)
    path = segments(folder)[0]
    whole = path.read_bytes()
    start = sum(map(frame_bytes, written[:-1]))
    sectors = range(start // 512, -(-len(whole.rstrip(b"\0")) // 512))
    for lost in range(2 ** len(sectors)):
        content = bytearray(whole)
        for index, sector in enumerate(sectors):
            if lost >> index & 1:
                begin = max(start, 512 * sector)
                content[begin : 512 * (sector + 1)] = bytes(512 * (sector + 1) - begin)
        path.write_bytes(content)
        (folder / "watermark").write_bytes(before)
        recovery = recover(folder, repair=True)
        kept = records_of(list(recovery.frames))
        assert kept == (written[:-1] if lost else written)
        assert recover(folder).row is RecoveryRow.ALL_VALID


@pytest.mark.parametrize("name", ["identity.json", "epoch", "watermark"])
def test_no_flipped_bit_of_a_side_file_loses_a_frame(log: Log, name: str) -> None:
    path = log.folder / name
    content = path.read_bytes()
    # Every bit of what is used, and a bit of every seventh byte of the padding.
    used = [
        index
        for index in range(len(content))
        if name != "watermark" or index % SLOT_BYTES < USED_SLOT_BYTES
    ]
    bits = [8 * byte + bit for byte in used for bit in range(8)]
    for bit in (*bits, *range(0, 8 * len(content), 57)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert log.judge() in {0, FRAMES}
