from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from tests.journal.journals import (
    RULES,
    SEGMENT_BYTES,
    SHARD,
    make_folder,
    open_writer,
    records_of,
    recover,
    segments,
    start_child,
)

from tidegate_server import journal
from tidegate_server.journal import (
    Durability,
    FrameTooLargeError,
    JournalFailedError,
    JournalOwnedError,
    NotADataFolderError,
    Position,
    Writer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

#: A child that commits until the journal fails, then says what it was told and what came after.
COMMIT_UNTIL_FAILURE = """
import resource, sys, time
from pathlib import Path
from tests.journal.journals import open_writer
from tidegate_server.journal import Durability, JournalFailedError
folder, limit, frames, segment_bytes = Path(sys.argv[1]), *map(int, sys.argv[2:5])
writer = open_writer(folder, durability=Durability.FLUSH, segment_bytes=segment_bytes)
if limit:
    time.sleep(0.1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
last = 0
try:
    for index in range(frames):
        last = writer.commit([b"x" * 100], index)
    print("done", last)
except JournalFailedError:
    for _ in range(3):
        try:
            writer.commit([b"y"], 0)
        except JournalFailedError:
            continue
        print("committed after a failure")
    print("failed", last, writer.durable_sequence, writer.flushes)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "data")


def run_child(
    folder: Path,
    *,
    limit: int = 0,
    frames: int = 50,
    segment_bytes: int = 4096,
    prefix: tuple[str, ...] = (),
) -> list[str]:
    child = start_child(COMMIT_UNTIL_FAILURE, folder, limit, frames, segment_bytes, prefix=prefix)
    output, errors = child.communicate(timeout=30)
    assert child.returncode == 0, errors
    return output.split()


def test_commit_returns_the_last_sequence_of_its_records(folder: Path) -> None:
    writer = open_writer(folder, durability=Durability.FLUSH)
    assert writer.commit([b"a"], 1) == 1
    assert writer.commit([b"b", b"", b"c"], 2) == 4
    assert (writer.next_sequence, writer.durable_sequence, writer.flushes) == (5, 4, 2)
    writer.close()
    assert records_of(list(recover(folder).frames)) == [[b"a"], [b"b", b"", b"c"]]


def test_the_chain_head_is_the_digest_of_the_last_frame(folder: Path) -> None:
    writer = open_writer(folder)
    writer.commit([b"a"], 1)
    head = writer.chain_head
    writer.close()
    (frame,) = recover(folder).frames
    assert head == frame.digest.hex() == recover(folder).position.chain.hex()


def test_frames_carry_what_the_writer_was_given(folder: Path) -> None:
    writer = open_writer(folder)
    writer.commit([b"a"], 1)
    writer.commit([b"a"], 77)
    writer.close()
    header = list(recover(folder).frames)[1].header
    assert (header.shard, header.epoch, header.rules_version) == (SHARD, 1, RULES)
    assert (header.time_ns, header.durable_sequence, header.frame_sequence) == (77, 1, 2)


def test_the_watermark_tells_the_end_after_every_commit(folder: Path) -> None:
    writer = open_writer(folder)
    for index in range(20):
        last = writer.commit([b"a" * 100], index)
        mark = journal.read_watermark(folder)
        assert mark.record_sequence == last
        end = recover(folder).position
        assert (mark.segment, mark.offset) == (end.segment, end.offset)
    writer.close()


def test_written_but_unflushed_commits_make_no_flush(folder: Path) -> None:
    writer = open_writer(folder, durability=Durability.WRITE)
    writer.commit([b"a"], 1)
    assert (writer.flushes, writer.bytes_written) == (0, 88 + 4 + 1 + 16)
    writer.close()


def test_memory_keeps_counts_and_the_same_chain_but_no_file(folder: Path) -> None:
    position = recover(folder).position
    before = sorted(folder.rglob("*"))
    writer = Writer(
        folder, position, shard=SHARD, epoch=1, rules_version=RULES, durability=Durability.MEMORY
    )
    kept = open_writer(folder)
    for commit in ([b"a"], [b"b", b"c"]):
        assert writer.commit(commit, 5) == kept.commit(commit, 5)
    assert writer.chain_head == kept.chain_head
    assert (writer.next_sequence, writer.flushes) == (4, 0)
    assert not writer.space_is_short
    kept.close()
    writer.close()
    shutil.rmtree(folder / "journal")
    assert {path for path in before if path.is_file()} <= set(folder.rglob("*"))


def test_memory_needs_no_folder(tmp_path: Path) -> None:
    writer = Writer(
        tmp_path / "none",
        Position(),
        shard=1,
        epoch=1,
        rules_version=1,
        durability=Durability.MEMORY,
    )
    assert writer.commit([b"a"], 1) == 1
    writer.close()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("durability", Durability)
def test_a_closed_writer_commits_nothing(folder: Path, durability: Durability) -> None:
    writer = open_writer(folder, durability=durability)
    writer.close()
    writer.close()
    with pytest.raises(JournalFailedError, match="closed"):
        writer.commit([b"a"], 1)


def test_an_empty_commit_is_refused_and_harmless(folder: Path) -> None:
    writer = open_writer(folder)
    with pytest.raises(FrameTooLargeError):
        writer.commit([], 1)
    assert writer.commit([b"a"], 1) == 1
    writer.close()


def test_an_epoch_older_than_the_journal_is_refused(folder: Path) -> None:
    writer = open_writer(folder, epoch=1)
    writer.commit([b"a"], 1)
    writer.close()
    with pytest.raises(ValueError, match="older"):
        open_writer(folder, epoch=0)


def test_too_small_a_segment_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="at least"):
        open_writer(folder, segment_bytes=100)


def test_the_next_segment_is_prepared_before_it_is_needed(folder: Path) -> None:
    writer = open_writer(folder)
    writer.commit([b"a"], 1)
    wait_for_spare(folder)
    writer.close()
    spare = folder / "journal" / "next.seg.spare"
    inode = spare.stat().st_ino
    writer = open_writer(folder)
    for index in range(4):
        writer.commit([b"a" * 300], index)
    writer.close()
    assert segments(folder)[1].stat().st_ino == inode


def wait_for_spare(folder: Path) -> None:
    """Wait until the helper thread has made the next segment."""
    spare = folder / "journal" / "next.seg.spare"
    for _ in range(500):
        if spare.exists() and spare.stat().st_size == SEGMENT_BYTES:
            return
        time.sleep(0.01)
    pytest.fail("no next segment was made")


def test_segments_of_another_size_may_follow(folder: Path) -> None:
    for segment_bytes in (1024, 4096, 2048):
        writer = open_writer(folder, segment_bytes=segment_bytes)
        for index in range(12):
            writer.commit([b"a" * 300], index)
        writer.close()
    assert recover(folder).position.frame_sequence == 37


def test_a_segment_that_cannot_be_opened_fails_the_journal(folder: Path) -> None:
    position = recover(folder).position
    (folder / "journal" / f"{1:020}.seg").mkdir()
    with pytest.raises(JournalFailedError, match="has failed") as caught:
        Writer(folder, position, shard=SHARD, epoch=1, rules_version=RULES, segment_bytes=1024)
    assert str(folder) in str(caught.value)


def test_a_journal_without_its_first_segment_cannot_be_opened(folder: Path) -> None:
    position = recover(folder).position
    (folder / "journal").rmdir()
    with pytest.raises(JournalFailedError, match="No such file"):
        Writer(folder, position, shard=SHARD, epoch=1, rules_version=RULES, segment_bytes=1024)


def test_arguments_of_a_wrong_type_change_nothing(folder: Path) -> None:
    writer = open_writer(folder)
    for records, time_ns in (([b"a"], 1 << 64), (["text"], 1)):
        with pytest.raises((struct.error, TypeError)):
            writer.commit(records, time_ns)  # type: ignore[arg-type]
    assert writer.commit([b"a"], 1) == 1
    writer.close()
    assert recover(folder).position.last_sequence == 1


class Interruption(BaseException):
    """What a signal handler raises in the middle of whatever runs."""


def commit_for_ever(writer: Writer) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    while True:
        writer.commit([b"a"], 1)


def test_a_commit_that_an_exception_interrupts_is_the_last_one(folder: Path) -> None:
    writer = open_writer(folder, durability=Durability.FLUSH)

    def interrupt(number: int, frame: object) -> None:
        raise Interruption

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interruption):
            commit_for_ever(writer)
    finally:
        signal.signal(signal.SIGALRM, before)
    last = writer.durable_sequence
    try:
        assert writer.commit([b"b"], 1) == last + 1  # the signal came between two commits
    except JournalFailedError as failure:
        assert "interrupted" in str(failure)  # noqa: PT017  (either is right)
    writer.close()
    assert recover(folder, repair=True).position.last_sequence in {last, last + 1}


def test_a_second_owner_is_told_which_folder_and_what_to_do(folder: Path) -> None:
    with journal.own(folder), pytest.raises(JournalOwnedError, match="stop it") as caught:
        journal.own(folder)
    assert str(folder) in str(caught.value)


def test_ownership_ends_with_close(folder: Path) -> None:
    owner = journal.own(folder)
    owner.close()
    owner.close()
    with journal.own(folder) as again:
        assert again.folder == folder


def test_ownership_ends_with_the_process(folder: Path) -> None:
    source = (
        "import sys, time; from pathlib import Path; from tidegate_server import journal\n"
        "owner = journal.own(Path(sys.argv[1])); print('owned', flush=True); time.sleep(60)"
    )
    child = start_child(source, folder)
    assert child.stdout is not None
    assert child.stdout.readline() == "owned\n"
    with pytest.raises(JournalOwnedError):
        journal.own(folder)
    child.kill()
    child.communicate()
    journal.own(folder).close()


def test_a_folder_is_only_made_where_nothing_is(folder: Path) -> None:
    with pytest.raises(NotADataFolderError, match="not empty"):
        make_folder(folder)


def test_a_folder_that_was_never_made_is_refused(tmp_path: Path) -> None:
    for call in (journal.own, journal.read_identity):
        with pytest.raises(NotADataFolderError, match="tidegate init --data"):
            call(tmp_path)


def make(folder: Path) -> AbstractContextManager[journal.Identity]:
    return journal.making(folder, shard=9, currency="CNY", created_time_ns=8)


def test_a_folder_that_was_never_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), make(tmp_path / "new"):
        raise RuntimeError
    with pytest.raises(NotADataFolderError, match="never finished: make it again"):
        journal.own(tmp_path / "new")


def test_a_folder_that_has_no_identity_yet_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "unfinished").touch()
    (tmp_path / "journal").mkdir()
    for call in (journal.own, journal.read_identity):
        with pytest.raises(NotADataFolderError, match="never finished: make it again"):
            call(tmp_path)


def test_a_folder_that_was_never_finished_is_made_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), make(tmp_path / "new"):
        raise RuntimeError
    (tmp_path / "new" / "journal" / "1.seg").touch()
    with make(tmp_path / "new"):
        pass
    assert list((tmp_path / "new" / "journal").iterdir()) == []
    journal.own(tmp_path / "new").close()


@pytest.mark.parametrize("left", [[], ["lock"], ["lock", "unfinished.aside"]])
def test_a_folder_that_was_hardly_begun_is_made(tmp_path: Path, left: list[str]) -> None:
    for name in left:
        (tmp_path / name).touch()
    with make(tmp_path):
        pass
    journal.own(tmp_path).close()


def test_a_folder_is_made_by_one_process_at_a_time(tmp_path: Path) -> None:
    first, second = make(tmp_path / "new"), make(tmp_path / "new")
    with first, pytest.raises(JournalOwnedError, match="being made"):
        second.__enter__()


def test_the_identity_is_what_it_was_made_with(tmp_path: Path) -> None:
    with make(tmp_path / "new") as made:
        pass
    assert journal.read_identity(tmp_path / "new") == made
    assert (made.shard, made.currency, made.created_time_ns) == (9, "CNY", 8)


def test_an_epoch_reads_back_and_refuses_nonsense(folder: Path) -> None:
    journal.persist_epoch(folder, 41)
    assert journal.read_epoch(folder) == 41
    with pytest.raises(ValueError, match="epoch"):
        journal.persist_epoch(folder, -1)


def test_a_write_that_the_system_cuts_short_fails_for_ever(folder: Path) -> None:
    state, last, durable, flushes = run_child(folder, limit=2000)
    assert (state, last) == ("failed", durable)
    assert 0 < int(last) == int(flushes) == 2000 // (88 + 4 + 100 + 16)
    recovery = recover(folder, repair=True)
    assert recovery.position.last_sequence == int(last)
    assert recovery.row is journal.RecoveryRow.TORN_TAIL


def test_a_journal_without_space_for_a_next_segment_still_fills_the_current(folder: Path) -> None:
    state, last, *_ = run_child(folder, limit=4096 * 3 // 4, segment_bytes=3072, frames=100)
    assert state == "done"
    assert int(last) == 100


def test_space_is_short_while_the_next_segment_cannot_be_made(folder: Path) -> None:
    source = """
import resource, sys, time
from pathlib import Path
from tests.journal.journals import open_writer
writer = open_writer(Path(sys.argv[1]), segment_bytes=4096)
while not list(Path(sys.argv[1], "journal").glob("*.spare")):
    time.sleep(0.01)
time.sleep(0.05)
print(writer.space_is_short)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
for index in range(20):
    writer.commit([b"x" * 100], index)
    if index == 13: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    if index == 18: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
time.sleep(0.1)
print(writer.space_is_short, writer.durable_sequence)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
time.sleep(1.3)
print(writer.space_is_short)
"""
    output, errors = start_child(source, folder).communicate(timeout=30)
    assert output.split() == ["False", "True", "20", "False"], errors


def test_a_full_disk_loses_nothing_acknowledged(small_disk: Path) -> None:
    folder = make_folder(small_disk / "data")
    state, last, *_ = run_child(folder, frames=10_000, segment_bytes=65_536)
    assert state == "failed"
    assert int(last) > 1_000
    assert recover(folder).position.last_sequence == int(last)


def test_a_full_disk_is_told_of_before_it_hurts(small_disk: Path) -> None:
    folder = make_folder(small_disk / "data")
    writer = open_writer(folder, segment_bytes=65_536)
    while not writer.space_is_short:
        writer.commit([b"x" * 1_000], 1)
        time.sleep(0.001)  # a real segment is a thousand times larger: its helper has the time
    for _ in range(20):
        writer.commit([b"cancel" * 10], 1)
    writer.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("a small disk can only be mounted by root")
    command = [mount, "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        pytest.skip(f"no small disk: {result.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S607


@pytest.mark.parametrize(
    ("call", "error"), [("fdatasync", "EIO"), ("pwritev2", "EIO"), ("pwritev2", "ENOSPC")]
)
def test_a_failed_system_call_fails_the_journal_for_ever(
    folder: Path, tmp_path: Path, call: str, error: str
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    inject = f"inject={call}:error={error}:when=5"
    prefix = (strace, "-f", "-o", str(trace), "-e", f"trace={call}", "-e", inject)
    try:
        state, last, durable, flushes = run_child(folder, prefix=prefix)
    except AssertionError as failure:
        if "ptrace" in str(failure) or "PTRACE" in str(failure):
            pytest.skip(f"strace may not trace here: {failure}")
        raise
    assert (state, last, durable, flushes) == ("failed", "4", "4", "4")
    assert trace.read_text().count(f"{call}(") == 5
    assert recover(folder, repair=True).position.last_sequence in {4, 5}
