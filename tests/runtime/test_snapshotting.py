"""Snapshots beside the follower's turns: one at a time, and what becomes of those that fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import capture_logs
from tests.e2e.support import eventually
from tests.runtime.folders import make_config, make_journal, writing

from tidegate_server.journal import disk, list_snapshots
from tidegate_server.runtime import snapshotting
from tidegate_server.runtime.follower import LOCK
from tidegate_server.runtime.proving import Place
from tidegate_server.runtime.snapshotting import Beside, Snapshots, load
from tidegate_server.wire.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.folders import Desk

    from tidegate_server.runtime.config import Config

EVERY = 10

FOLLOWER = """
import sys, time
from pathlib import Path
import structlog
from tests.runtime.test_snapshotting import Slow, begin
from tidegate_server.journal import disk
from tidegate_server.runtime.follower import LOCK
folder = Path(sys.argv[1])
assert disk.lock(folder / LOCK) is not None
snapshots = begin(folder, Slow(), int(sys.argv[2]))
print(snapshots._work.process_id, flush=True)
time.sleep(600)
"""


class Slow(Machine):
    """A machine whose snapshot comes to no end."""

    def snapshot_records(self, chain_head: str = "") -> Iterator[bytes]:
        yield from super().snapshot_records(chain_head)
        time.sleep(600)


class Lying(Machine):
    """A machine that says it is in another state than what it writes."""

    def snapshot_records(self, chain_head: str = "") -> Iterator[bytes]:
        records = list(super().snapshot_records(chain_head))
        del records[-1]
        yield from records


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = make_config(tmp_path)
    make_journal(made, 5)
    return made


def place_of(desk: Desk) -> Place:
    sequence = desk.machine.sequence
    return Place(sequence, sequence, desk.writer._chain, 1, desk.machine.book.time_ns)


class Notes(Beside):
    """Keeps who was asked when: processes and what they found, in a file a place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, place: Place) -> None:
        disk.write_aside(self.folder / str(place.sequence), (str(os.getpid()).encode(),))

    def publish(self, place: Place) -> None:
        assert not list_snapshots(self.folder)
        disk.publish(self.folder / str(place.sequence))


class Nothing(Beside):
    """Keeps nothing."""

    def prepare(self, place: Place) -> None:
        pass

    def publish(self, place: Place) -> None:
        pass


def make(folder: Path, sequence: int = 0, beside: Beside | None = None) -> Snapshots:
    log = structlog.get_logger()
    return Snapshots(folder, 0, EVERY, sequence, log, Nothing() if beside is None else beside)


def begin(folder: Path, machine: Machine, sequence: int) -> Snapshots:
    snapshots = make(folder)
    snapshots.begin_if_due(machine, Place(sequence, sequence, b"c" * 16, 1, 1))
    assert snapshots._work is not None
    return snapshots


def worker_of(snapshots: Snapshots) -> int:
    return 0 if snapshots._work is None else snapshots._work.process_id


def finish(snapshots: Snapshots) -> None:
    def has_ended() -> bool:
        snapshots.step()
        return snapshots._work is None

    eventually(has_ended, 60)


def asides(folder: Path) -> list[Path]:
    return list((folder / "snapshots").glob("*" + disk.ASIDE))


def test_it_holds_the_state_as_it_stood_while_the_journal_goes_on(config: Config) -> None:
    with writing(config) as desk:
        snapshots = make(config.folder)
        place, expected = place_of(desk), desk.machine.state_hash()
        snapshots.begin_if_due(desk.machine, place)
        assert snapshots.sequence == 0
        desk.trade(30)
        finish(snapshots)
        assert (snapshots.sequence, asides(config.folder)) == (place.sequence, [])
        assert snapshots.seconds > 0.0
        loaded = Machine()
        assert load(list_snapshots(config.folder)[0], loaded) == place
        assert loaded.state_hash() == expected != desk.machine.state_hash()


def test_there_is_one_at_a_time_and_the_next_begins_when_it_has_ended(config: Config) -> None:
    with writing(config) as desk:
        snapshots = make(config.folder)
        snapshots.begin_if_due(desk.machine, place_of(desk))
        worker, first = worker_of(snapshots), desk.machine.sequence
        assert worker
        desk.trade(2 * EVERY)
        snapshots.begin_if_due(desk.machine, place_of(desk))
        assert worker_of(snapshots) == worker
        finish(snapshots)
        assert snapshots.sequence == first
        snapshots.begin_if_due(desk.machine, place_of(desk))
        assert worker_of(snapshots) not in {0, worker}
        finish(snapshots)
        assert snapshots.sequence == desk.machine.sequence
        snapshots.begin_if_due(desk.machine, place_of(desk))
        assert not worker_of(snapshots)
    assert len(list_snapshots(config.folder)) == 2


def test_what_lies_beside_it_is_prepared_with_it_and_counts_before_it(config: Config) -> None:
    with writing(config) as desk:
        snapshots = make(config.folder, beside=Notes(config.folder))
        snapshots.begin_if_due(desk.machine, place_of(desk))
        worker, name = worker_of(snapshots), str(desk.machine.sequence)
        assert not (config.folder / name).exists()
        finish(snapshots)
        assert (config.folder / name).read_text() == str(worker)
        assert len(list_snapshots(config.folder)) == 1


def test_a_failure_is_told_and_tried_again_later(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = config.folder / "snapshots"
    with writing(config) as desk, capture_logs() as told:
        snapshots = make(config.folder)
        home.rmdir()
        snapshots.begin_if_due(desk.machine, place_of(desk))
        finish(snapshots)
        assert told[-1]["event"] == "snapshot failed"
        assert told[-1]["sequence"] == desk.machine.sequence
        assert "No such file" in told[-1]["problem"]
        assert (snapshots.sequence, snapshots.seconds) == (0, 0.0)
        home.mkdir()
        snapshots.begin_if_due(desk.machine, place_of(desk))
        assert not worker_of(snapshots)

        monkeypatch.setattr(snapshotting, "RETRY_SECONDS", 0.0)
        snapshots._fail("again")
        snapshots.begin_if_due(desk.machine, place_of(desk))
        finish(snapshots)
        assert told[-1]["event"] == "snapshot"
        assert snapshots.sequence == desk.machine.sequence


def test_what_cannot_be_kept_beside_it_or_begun_fails_it(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshotting, "RETRY_SECONDS", 0.0)
    with writing(config) as desk, capture_logs() as told:
        for step in ("prepare", "publish"):
            beside = Nothing()
            monkeypatch.setattr(beside, step, refuse)
            snapshots = make(config.folder, beside=beside)
            snapshots.begin_if_due(desk.machine, place_of(desk))
            finish(snapshots)
        monkeypatch.setattr(snapshotting, "Forked", refuse)
        make(config.folder).begin_if_due(desk.machine, place_of(desk))
    assert [line["event"] for line in told] == ["snapshot failed"] * 3
    assert not list((config.folder / "snapshots").iterdir())


def test_one_that_differs_from_the_state_does_not_count(config: Config) -> None:
    with writing(config) as desk, capture_logs() as told:
        lying = Lying()
        lying.book = desk.machine.book
        snapshots = make(config.folder)
        snapshots.begin_if_due(lying, place_of(desk))
        finish(snapshots)
    assert told[-1]["event"] == "snapshot failed"
    assert not list((config.folder / "snapshots").iterdir())


def test_one_that_is_killed_or_never_ends_has_failed(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as told:
        snapshots = begin(config.folder, Slow(), EVERY)
        os.kill(worker_of(snapshots), signal.SIGKILL)
        finish(snapshots)
        assert told[-1]["problem"] == "its process ended with code -9"

        snapshots = begin(config.folder, Slow(), EVERY)
        snapshots.step()
        assert worker_of(snapshots)
        monkeypatch.setattr(snapshotting, "LONGEST_SECONDS", 0.0)
        snapshots.step()
        assert not worker_of(snapshots)
        assert "has not ended" in told[-1]["problem"]
    assert not list((config.folder / "snapshots").iterdir())


def test_the_end_gives_up_the_one_under_way_and_takes_its_own(config: Config) -> None:
    with writing(config) as desk:
        snapshots = begin(config.folder, Slow(), EVERY)
        eventually(lambda: asides(config.folder), 60)
        snapshots.take_last(desk.machine, place_of(desk), 0.0)
        assert not worker_of(snapshots)
        assert snapshots.sequence == desk.machine.sequence
        assert (len(list_snapshots(config.folder)), asides(config.folder)) == (1, [])

        slow = begin(config.folder, Slow(), EVERY)
        slow.close()
        assert asides(config.folder) == []
        slow.close()


def test_the_next_follower_has_its_way_after_a_kill(config: Config) -> None:
    arguments = [sys.executable, "-c", FOLLOWER, str(config.folder), str(EVERY)]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=root) as killed:
        assert killed.stdout is not None
        worker = Path(f"/proc/{int(killed.stdout.readline())}/status")
        eventually(lambda: asides(config.folder), 60)
        killed.kill()
    taken: list[int] = []

    def is_free() -> bool:
        descriptor = disk.lock(config.folder / LOCK)
        taken.extend([] if descriptor is None else [descriptor])
        return bool(taken)

    eventually(is_free, 60)
    eventually(lambda: not worker.exists() or "\nState:\tZ" in worker.read_text(), 60)
    with writing(config) as desk:
        assert asides(config.folder)
        snapshots = make(config.folder)
        assert not asides(config.folder)
        snapshots.begin_if_due(desk.machine, place_of(desk))
        finish(snapshots)
        assert snapshots.sequence == desk.machine.sequence
    disk.close(taken[0])
