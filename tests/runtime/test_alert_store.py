"""The file of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog

from tidegate.v1 import watch_service_pb2
from tidegate_server.journal import disk
from tidegate_server.runtime.alert_store import NAME, AlertStore
from tidegate_server.wire.alerts import read_id, write_id

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = watch_service_pb2.ALERT_KIND_LIMIT
INFO = watch_service_pb2.ALERT_SEVERITY_INFO


def open_store(folder: Path, kept: int = 10_000) -> AlertStore:
    return AlertStore(folder, structlog.get_logger(), kept=kept)


def alert(sequence: int, index: int = 0) -> watch_service_pb2.Alert:
    return watch_service_pb2.Alert(
        alert_id=write_id((sequence, index)), sequence=sequence, kind=LIMIT, severity=INFO
    )


def fill(store: AlertStore, *sequences: int) -> None:
    for sequence in sequences:
        store.add((sequence, 0), alert(sequence))
    store.flush()


def sequences(store: AlertStore) -> list[int]:
    return [found.sequence for found in store.after((0, -1), 1_000)]


def test_what_was_flushed_is_there_after_a_restart(tmp_path: Path) -> None:
    fill(open_store(tmp_path), 3, 5, 9)
    assert sequences(open_store(tmp_path)) == [3, 5, 9]


def test_nobody_hears_of_an_alert_before_it_is_in_the_file(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.add((3, 0), alert(3))
    assert not sequences(store)
    assert not sequences(open_store(tmp_path))
    store.flush()
    assert sequences(store) == sequences(open_store(tmp_path)) == [3]


def test_alerts_that_are_known_are_passed_over(tmp_path: Path) -> None:
    fill(open_store(tmp_path), 3, 5)
    again = open_store(tmp_path)
    fill(again, 3, 5, 7)
    assert sequences(again) == [3, 5, 7]
    assert again.counted == {(LIMIT, INFO): 1}
    assert again.unacknowledged == {(LIMIT, INFO): 3}


def test_the_first_acknowledgement_is_kept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    fill(store, 3, 5)
    first = store.acknowledge((3, 0), "anna", 17, "seen")
    assert first is not None
    second = store.acknowledge((3, 0), "bert", 18, "me too")
    assert second == first
    assert store.acknowledge((4, 0), "anna", 17, "") is None
    assert store.unacknowledged == {(LIMIT, INFO): 1}
    found, other = open_store(tmp_path).after((0, -1), 2)
    given = found.acknowledgement
    assert (given.principal, given.time_ns, given.note) == ("anna", 17, "seen")
    assert not other.HasField("acknowledgement")
    assert open_store(tmp_path).unacknowledged == {(LIMIT, INFO): 1}


@pytest.mark.parametrize("cut", [1, 20])
def test_a_line_that_was_cut_short_is_dropped(tmp_path: Path, cut: int) -> None:
    fill(open_store(tmp_path), 3, 5)
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-cut])
    store = open_store(tmp_path)
    assert sequences(store) == [3]
    fill(store, 5, 7)
    assert sequences(open_store(tmp_path)) == [3, 5, 7]


def test_a_damaged_line_costs_only_itself(tmp_path: Path) -> None:
    fill(open_store(tmp_path), 3, 5, 7)
    path = tmp_path / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\xff{nonsense\n" + lines[2])
    assert sequences(open_store(tmp_path)) == [3, 7]
    assert path.read_bytes() == lines[0] + lines[2]


def test_the_oldest_are_forgotten_and_the_file_stays_bounded(tmp_path: Path) -> None:
    store = open_store(tmp_path, kept=10)
    for sequence in range(1, 101):
        fill(store, sequence)
    store.acknowledge((95, 0), "anna", 1, "")
    assert sequences(store) == list(range(91, 101))
    assert store.unacknowledged == {(LIMIT, INFO): 9}
    assert len((tmp_path / NAME).read_bytes().splitlines()) <= 41
    again = open_store(tmp_path, kept=10)
    assert sequences(again) == list(range(91, 101))
    assert again.after((94, 0), 1)[0].acknowledgement.principal == "anna"


def test_pages_go_back_from_the_newest(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    fill(store, 3, 5, 7)
    assert [found.sequence for found in store.newest_first(None)] == [7, 5, 3]
    assert [found.sequence for found in store.newest_first((7, 0))] == [5, 3]
    assert [found.sequence for found in store.newest_first((6, 0))] == [5, 3]
    assert [found.sequence for found in store.newest_first((3, 0))] == []


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(tmp_path)
    fill(store, 3)

    def full(*_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("tidegate_server.runtime.alert_store.os.fsync", full)
    fill(store, 5)
    assert sequences(store) == [3]
    assert store.waits
    with pytest.raises(OSError, match="no space"):
        store.acknowledge((3, 0), "anna", 1, "")
    assert not store.after((0, -1), 1)[0].HasField("acknowledgement")
    monkeypatch.undo()
    monkeypatch.setattr(store, "_not_before_s", 0.0)
    fill(store, 7)
    assert sequences(store) == sequences(open_store(tmp_path)) == [3, 5, 7]
    assert not store.waits


def test_after_a_failure_the_file_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path)
    fill(store, 3)
    replaced: list[Path] = []
    real = disk.replace_file

    def replace(path: Path, content: bytes) -> None:
        replaced.append(path)
        real(path, content)

    monkeypatch.setattr("tidegate_server.runtime.alert_store.disk.replace_file", replace)
    store._is_broken = True
    fill(store, 5)
    assert replaced == [tmp_path / NAME]
    assert not store._is_broken
    assert sequences(open_store(tmp_path)) == [3, 5]


@pytest.mark.parametrize("text", ["", "x", "1-", "-1", "1-x", "1" * 31, "1-1-1", "٣"])
def test_what_is_no_id_is_none(text: str) -> None:
    assert read_id(text) is None


def test_ids_are_read_as_they_are_written() -> None:
    assert read_id(write_id((4711, 2))) == (4711, 2)
    assert read_id("4711") == (4711, -1)
