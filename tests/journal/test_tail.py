from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.journal.journals import (
    SEGMENT_BYTES,
    fill,
    flip,
    make_folder,
    open_writer,
    records_of,
    recover,
    segments,
    start_child,
)

from tidegate_server import journal
from tidegate_server.journal import Tail, TailDamagedError, frames, read_watermark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_FRAME_BYTES = frames.frame_bytes([bytes(40)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "data")


@pytest.fixture
def tail(folder: Path) -> Iterator[Tail]:
    tail = Tail(folder)
    yield tail
    tail.close()


def test_an_empty_journal_gives_nothing(tail: Tail) -> None:
    assert tail.poll(10) == []
    assert tail.last_sequence == 0


def test_a_journal_without_a_segment_yet_gives_nothing(folder: Path, tail: Tail) -> None:
    assert segments(folder) == []
    assert tail.poll(10) == []


def test_all_frames_come_once_and_in_order_across_segments(folder: Path, tail: Tail) -> None:
    written = fill(folder, 30)
    assert len(segments(folder)) > 3
    assert records_of(tail.poll(7) + tail.poll(100)) == written
    assert tail.poll(100) == []
    assert tail.last_sequence == 45


def test_no_more_frames_come_than_were_asked_for(folder: Path, tail: Tail) -> None:
    fill(folder, 30)
    assert [len(tail.poll(4)) for _ in range(9)] == [4] * 7 + [2, 0]


def test_each_commit_is_seen_as_soon_as_it_is_acknowledged(folder: Path, tail: Tail) -> None:
    writer = open_writer(folder)
    for index in range(40):
        assert tail.poll(9) == []
        last = writer.commit([b"x" * 100], index)
        assert [frame.last_sequence for frame in tail.poll(9)] == [last]
    writer.close()


@pytest.mark.parametrize("from_sequence", [0, 1, 2, 3, 20, 44, 45])
def test_a_tail_begins_behind_any_sequence(folder: Path, from_sequence: int) -> None:
    fill(folder, 30)
    whole = recover(folder).frames
    tail = Tail(folder, from_sequence)
    assert tail.poll(99) == [frame for frame in whole if frame.last_sequence > from_sequence]
    tail.close()


def test_a_frame_is_held_back_until_the_watermark_covers_it(folder: Path, tail: Tail) -> None:
    before = fill(folder, 1)
    stale = (folder / "watermark").read_bytes()
    after = fill(folder, 1)
    newest = (folder / "watermark").read_bytes()
    overwrite(folder / "watermark", stale)
    assert records_of(tail.poll(9)) == before
    overwrite(folder / "watermark", newest)
    assert records_of(tail.poll(9)) == after


@pytest.mark.parametrize("frame_count", [3, 9])
def test_a_later_frame_covers_the_one_before_it(folder: Path, tail: Tail, frame_count: int) -> None:
    stale = (folder / "watermark").read_bytes()
    written = fill(folder, frame_count)
    overwrite(folder / "watermark", stale)
    assert records_of(tail.poll(99)) == written[:-1]


def test_a_later_segment_covers_the_frame_before_it(folder: Path, tail: Tail) -> None:
    stale = (folder / "watermark").read_bytes()
    written = fill(folder, 4)
    overwrite(folder / "watermark", stale)
    (folder / "journal" / f"{5:020}.seg").write_bytes(bytes(SEGMENT_BYTES))
    assert records_of(tail.poll(99)) == written


def test_a_half_written_frame_is_not_there_yet(folder: Path, tail: Tail) -> None:
    fill(folder, 1)
    assert len(tail.poll(9)) == 1
    flip(segments(folder)[0], FIRST_FRAME_BYTES + 10)
    assert tail.poll(9) == []


def test_a_torn_tail_may_be_erased_under_a_tail(folder: Path, tail: Tail) -> None:
    before = fill(folder, 2)
    stale = (folder / "watermark").read_bytes()
    fill(folder, 1)
    overwrite(folder / "watermark", stale)
    path = segments(folder)[0]
    flip(path, len(path.read_bytes().rstrip(b"\0")) - 1)
    assert records_of(tail.poll(9)) == before
    recover(folder, repair=True)
    assert tail.poll(9) == []
    after = fill(folder, 12)
    assert records_of(tail.poll(99)) == after


def test_damage_in_an_acknowledged_frame_is_an_error_with_its_place(
    folder: Path, tail: Tail
) -> None:
    fill(folder, 3)
    flip(segments(folder)[0], FIRST_FRAME_BYTES + 100)
    with pytest.raises(TailDamagedError, match=f"frame 2 in .* at byte {FIRST_FRAME_BYTES}"):
        tail.poll(9)


def test_a_frame_off_the_chain_is_an_error(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data")
    fill(folder, 4)
    tail = Tail(folder)
    tail.poll(1)
    path = segments(folder)[0]
    data = path.read_bytes()
    path.write_bytes(data[:FIRST_FRAME_BYTES] + data[:FIRST_FRAME_BYTES] + bytes(300))
    with pytest.raises(TailDamagedError, match="frame 1 stands in its place"):
        tail.poll(9)
    tail.close()


def test_the_digest_of_the_snapshot_must_fit(folder: Path) -> None:
    fill(folder, 30)
    for frame in recover(folder).frames:
        sound = Tail(folder, frame.last_sequence, frame.digest)
        sound.poll(99)
        sound.close()
        if frame.last_sequence < 45:
            wrong = Tail(folder, frame.last_sequence, b"w" * 16)
            with pytest.raises(TailDamagedError):
                wrong.poll(99)
            wrong.close()


def test_a_tail_behind_the_archive_is_told_so(folder: Path) -> None:
    fill(folder, 30)
    segments(folder)[0].unlink()
    tail = Tail(folder)
    with pytest.raises(TailDamagedError, match="no longer in"):
        tail.poll(9)
    tail.close()
    tail.close()


def test_a_tail_in_another_process_sees_every_frame_in_order(folder: Path) -> None:
    source = """
import sys
from pathlib import Path
from tidegate_server.journal import Tail
tail, seen = Tail(Path(sys.argv[1])), 0
print("ready", flush=True)
while seen < int(sys.argv[2]):
    for frame in tail.poll(16):
        assert frame.first_sequence == seen + 1
        seen = frame.last_sequence
print(seen)
"""
    child = start_child(source, folder, 4_000)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    writer = open_writer(folder, segment_bytes=16_384)
    for index in range(2_000):
        writer.commit([b"x" * (index % 50), b"y"], index)
    writer.close()
    output, errors = child.communicate(timeout=30)
    assert (output, errors) == ("4000\n", "")


def overwrite(path: Path, content: bytes) -> None:
    """Change a mapped file in place."""
    with path.open("r+b") as file:
        file.write(content)


def test_the_watermark_of_an_empty_journal_is_zero(folder: Path) -> None:
    assert read_watermark(folder) == (0, 0, 0, 0)


def test_an_acknowledged_frame_of_a_newer_format_is_an_error(folder: Path, tail: Tail) -> None:
    fill(folder, 1)
    path = segments(folder)[0]
    seed = journal.read_identity(folder).header_seed
    data = path.read_bytes()
    header = frames.unpack_header(data, 0, seed)._replace(format_version=2)
    path.write_bytes(frames.pack_header(header, seed) + data[frames.HEADER_BYTES :])
    with pytest.raises(TailDamagedError, match="format version is 2"):
        tail.poll(9)
