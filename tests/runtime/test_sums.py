"""Sums that differ, as the follower keeps, logs and tells them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.runtime.folders import make_config, make_journal

from tidegate.v1 import watch_service_pb2
from tidegate_server.runtime.alert_store import AlertStore
from tidegate_server.runtime.follower import Follower
from tidegate_server.runtime.follower_mismatches import Mismatches
from tidegate_server.runtime.hashing import HashTimer
from tidegate_server.runtime.logs import configure
from tidegate_server.wire.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path


def hashed(timer: HashTimer, machine: Machine) -> list[str]:
    """Let a quiet moment come; return what it found."""
    prover: Any = SimpleNamespace(
        sequence=machine.sequence, machine=machine, is_behind=False, last_record_at_s=0.0
    )
    timer.step(prover, 10.0**9, calm=True)
    return timer.problems


def test_with_a_state_hash_the_sums_are_added_up_and_each_is_named_once() -> None:
    machine, timer = Machine(), HashTimer()
    machine.book.sequence = 1
    assert hashed(timer, machine) == []
    machine.book.sequence = 2
    machine.book.unconfirmed_count = 3
    told = ["after record 2 unconfirmed orders: 3 is kept, its parts come to 0"]
    assert hashed(timer, machine) == told
    machine.book.sequence = 3
    assert hashed(timer, machine) == told


def test_it_is_kept_beside_the_records_that_differ_and_is_none_of_them(tmp_path: Path) -> None:
    found = Mismatches(tmp_path, 0)
    found.add(4, "another verdict")
    found.add_sum(4, "one")
    found.add_sum(5, "two")
    assert (found.count, 4 in found, 5 in found, 6 in found) == (3, True, False, False)
    again = Mismatches(tmp_path, 9)
    assert (4 in again, 5 in again) == (True, False)
    assert "sum: two" in (tmp_path / "mismatches").read_text()


def test_the_follower_alerts(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 2)
    log = configure(config.log, "follower")
    follower: Any = Follower.__new__(Follower)
    timer = HashTimer()
    timer.problems = ["after record 8 short of X: 1 is kept, its parts come to 0"]
    follower._hash = timer
    follower._log = log
    follower._alerts = AlertStore(config.folder, log)
    follower._prover = SimpleNamespace(sequence=8, mismatches=Mismatches(config.folder, 0))
    follower._tell_of_sums()
    follower._alerts.flush()
    kind, critical = (
        watch_service_pb2.ALERT_KIND_SUM_DIFFERS,
        watch_service_pb2.ALERT_SEVERITY_CRITICAL,
    )
    assert follower._alerts.counted == {(kind, critical): 1}
    assert follower._alerts.last_id[0] == 8
    assert follower._prover.mismatches.count == 1
    assert timer.problems == []
