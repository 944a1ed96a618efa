"""Rebuilding a machine: snapshots that are sound or not, journals that reach back or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.runtime.gates import Bench, bench, check, fact

from tidegate.v1 import journal_pb2
from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import (
    RecoveryRefusedError,
    RecoveryRow,
    SnapshotMark,
    list_snapshots,
    recover,
    write_snapshot,
)
from tidegate_server.runtime.recover import Recovered, recover_machine
from tidegate_server.wire.machine import Machine
from tidegate_server.wire.records import decode_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def again(gate: Bench, **how: bool) -> Recovered:
    return recover_machine(gate.config.folder, shard=0, order_id_limit=1 << 20, repair=False, **how)


def trade(gate: Bench, times: int = 8) -> None:
    for number in range(times):
        gate.turn(check(f"A{number % 4}", number + 1), check(quantity=20_001), fact())


def snapshot(gate: Bench) -> Path:
    """Write what the follower would: the state as of the last frame."""
    recovery = recover(gate.config.folder, shard=0, rules_version=RULES_VERSION, repair=False)
    last = list(recovery.frames)[-1]
    mark = SnapshotMark(
        last.header.last_sequence,
        last.header.frame_sequence,
        last.digest,
        last.header.epoch,
        0,
        RULES_VERSION,
        last.header.time_ns,
    )
    records = gate.machine.snapshot_records(last.digest.hex())
    return write_snapshot(gate.config.folder, mark, records)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def refusal(gate: Bench) -> RecoveryRefusedError:
    with pytest.raises(RecoveryRefusedError) as caught:
        again(gate)
    return caught.value


def test_a_full_replay_gives_the_state(gate: Bench) -> None:
    trade(gate)
    found = again(gate)
    assert found.machine.state_hash() == gate.machine.state_hash()
    assert found.replayed == gate.machine.sequence
    assert found.row is RecoveryRow.ALL_VALID


def test_deciding_again_gives_the_same_outcomes(gate: Bench) -> None:
    trade(gate)
    found = again(gate, verify=True)
    assert found.mismatches == []
    assert found.machine.state_hash() == gate.machine.state_hash()


def test_a_snapshot_and_the_tail_give_what_a_full_replay_gives(gate: Bench) -> None:
    trade(gate)
    snapshot(gate)
    trade(gate)
    short, full = again(gate), again(gate, from_start=True)
    assert 0 < short.replayed < full.replayed
    assert short.machine.state_hash() == full.machine.state_hash()
    assert short.machine.state_hash() == gate.machine.state_hash()
    assert short.position == full.position


def test_a_snapshot_of_the_end_leaves_nothing_to_replay(gate: Bench) -> None:
    trade(gate)
    snapshot(gate)
    found = again(gate)
    assert (found.replayed, found.snapshot_sequence) == (0, gate.machine.sequence)
    assert found.machine.state_hash() == gate.machine.state_hash()


def test_a_bad_snapshot_falls_back_to_the_older_one(gate: Bench) -> None:
    trade(gate)
    older = snapshot(gate)
    trade(gate)
    newer = snapshot(gate)
    damage(newer)
    found = again(gate)
    assert found.snapshot_sequence == int(older.stem)
    assert [problem.split(":")[0] for problem in found.bad_snapshots] == [newer.name]
    assert found.machine.state_hash() == gate.machine.state_hash()


def test_without_a_sound_snapshot_the_whole_journal_is_replayed(gate: Bench) -> None:
    trade(gate)
    damage(snapshot(gate))
    found = again(gate)
    assert found.snapshot_sequence == 0
    assert found.machine.state_hash() == gate.machine.state_hash()


def test_a_snapshot_cut_short_is_passed_over(gate: Bench) -> None:
    trade(gate)
    path = snapshot(gate)
    path.write_bytes(path.read_bytes()[:-20])
    assert len(again(gate).bad_snapshots) == 1


def test_a_snapshot_of_another_state_is_passed_over(gate: Bench) -> None:
    trade(gate)
    other = Machine()
    recovery = recover(gate.config.folder, shard=0, rules_version=RULES_VERSION, repair=False)
    last = list(recovery.frames)[-1]
    mark = SnapshotMark(
        last.header.last_sequence,
        last.header.frame_sequence,
        last.digest,
        last.header.epoch,
        0,
        RULES_VERSION,
        last.header.time_ns,
    )
    lies = list(gate.machine.snapshot_records())[:-1] + list(other.snapshot_records())[-1:]
    write_snapshot(gate.config.folder, mark, lies)
    found = again(gate)
    assert len(found.bad_snapshots) == 1
    assert found.machine.state_hash() == gate.machine.state_hash()


def trim(gate: Bench) -> None:
    """Fill a first segment and archive it."""
    journal = gate.config.folder / "journal"
    while len(list(journal.glob("*.seg"))) < 2:
        gate.turn(*[check(quantity=20_001) for _ in range(400)])
    snapshot(gate)
    min(journal.glob("*.seg")).unlink()


def test_a_trimmed_journal_recovers_from_its_snapshot(gate: Bench) -> None:
    trim(gate)
    trade(gate)
    assert again(gate).machine.state_hash() == gate.machine.state_hash()


def test_a_trimmed_journal_without_a_sound_snapshot_is_refused(gate: Bench) -> None:
    trim(gate)
    for path in list_snapshots(gate.config.folder):
        damage(path)
    assert refusal(gate).row in (RecoveryRow.BAD_SNAPSHOT, RecoveryRow.MISSING_SEGMENT)


def commit(gate: Bench, record: bytes) -> None:
    gate.writer.commit([record], gate.clock.now_ns())


def test_a_record_of_an_unknown_method_is_refused_as_of_a_newer_version(gate: Bench) -> None:
    commit(gate, journal_pb2.Record(method=journal_pb2.Method.ValueType(999)).SerializeToString())
    error = refusal(gate)
    assert error.row is RecoveryRow.UNKNOWN_VERSION
    assert "999" in error.message


def test_a_record_that_cannot_be_applied_is_refused(gate: Bench) -> None:
    record = journal_pb2.Record(
        method=journal_pb2.METHOD_CHECK_ORDER, principal="local", request=b"\xff", response=b"\xff"
    )
    commit(gate, record.SerializeToString())
    error = refusal(gate)
    assert error.row is RecoveryRow.OUTCOME_MISMATCH
    assert str(gate.machine.sequence + 1) in error.message


def test_an_outcome_that_was_decided_otherwise_is_found_by_verifying_only(gate: Bench) -> None:
    gate.turn(check("A1", 5))
    recovery = recover(gate.config.folder, shard=0, rules_version=RULES_VERSION, repair=False)
    record = decode_record(list(recovery.frames)[-1].records[-1])
    request, response = record.request, record.response
    forged = journal_pb2.Record(
        method=record.method,
        principal="local",
        request=request.replace(b"A1", b"A2"),
        response=response[:-1] + bytes([response[-1] ^ 1]),
        effects=record.effects,
    )
    commit(gate, forged.SerializeToString())
    assert again(gate).mismatches == []
    (mismatch,) = again(gate, verify=True).mismatches
    assert str(gate.machine.sequence + 1) in mismatch


def test_replay_stops_where_it_is_told_to(gate: Bench) -> None:
    trade(gate)
    found = recover_machine(
        gate.config.folder, shard=0, order_id_limit=1 << 20, repair=False, until=9
    )
    assert found.machine.sequence == 9


def test_a_foreign_shard_is_refused(gate: Bench) -> None:
    with pytest.raises(RecoveryRefusedError) as caught:
        recover_machine(gate.config.folder, shard=1, order_id_limit=1 << 20, repair=False)
    assert caught.value.row is RecoveryRow.FOREIGN_SHARD


def test_the_bound_of_the_id_table_is_a_setting_and_no_state(gate: Bench) -> None:
    trade(gate)
    small = recover_machine(gate.config.folder, shard=0, order_id_limit=1_000, repair=False)
    assert small.machine.book.order_id_limit == 1_000
    assert small.machine.state_hash() == gate.machine.state_hash()


def test_a_snapshot_keeps_the_setting(gate: Bench) -> None:
    trade(gate)
    snapshot(gate)
    small = recover_machine(gate.config.folder, shard=0, order_id_limit=1_000, repair=False)
    assert small.machine.book.order_id_limit == 1_000


def test_a_record_with_a_field_of_the_future_is_refused_as_of_a_newer_version(
    gate: Bench,
) -> None:
    gate.turn(check("A1", 5))
    recovery = recover(gate.config.folder, shard=0, rules_version=RULES_VERSION, repair=False)
    record = decode_record(list(recovery.frames)[-1].records[-1])
    newer = journal_pb2.Record(
        method=record.method,
        principal="local",
        request=record.request + b"\x98\x06\x01",
        response=record.response,
        effects=record.effects,
    )
    commit(gate, newer.SerializeToString())
    assert refusal(gate).row is RecoveryRow.UNKNOWN_VERSION
