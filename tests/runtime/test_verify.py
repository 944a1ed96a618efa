"""Proofs from the files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.runtime.folders import make_config, make_journal, state_hash_of, writing

from tidegate_server.engine.policy import RULES_VERSION
from tidegate_server.journal import RecoveryRefusedError, RecoveryRow, SnapshotMark, write_snapshot
from tidegate_server.journal.segments import list_segments, segment_path
from tidegate_server.runtime import verify as verifying
from tidegate_server.runtime.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.folders import Desk

    from tidegate_server.runtime.config import Config
    from tidegate_server.wire.machine import Machine


def take_snapshot(config: Config, desk: Desk) -> None:
    writer = desk.writer
    mark = SnapshotMark(
        desk.machine.sequence,
        writer._frame_sequence - 1,
        writer._chain,
        1,
        config.shard,
        RULES_VERSION,
        desk.machine.book.time_ns,
    )
    write_snapshot(config.folder, mark, desk.machine.snapshot_records(writer.chain_head))


def test_a_sound_journal_has_no_mismatch(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    last = make_journal(config)
    before = {path: path.read_bytes() for path in config.folder.rglob("*") if path.is_file()}
    report = verify(config)
    assert report.mismatches == 0
    assert report.records == report.last_sequence == last
    assert report.frames == last
    assert report.first_sequence == report.segments == report.epoch == 1
    assert report.row == "ALL_VALID"
    assert report.state_hash == state_hash_of(config)
    after = {path: path.read_bytes() for path in config.folder.rglob("*") if path.is_file()}
    assert after == before


def test_an_outcome_that_was_changed_is_a_mismatch(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config)
    with writing(config) as desk:
        forged = desk.forge()
    with writing(config) as desk:
        desk.trade(3)
        last = desk.machine.sequence
        expected = desk.machine.state_hash()
    report = verify(config)
    assert report.mismatches == 1
    assert f"record {forged}" in report.message
    assert report.last_sequence == last
    assert report.state_hash == expected


def test_a_journal_of_more_ids_than_the_table_may_keep_now_is_sound(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 20)
    report = verify(msgspec.structs.replace(config, order_id_table=10))
    assert (report.mismatches, report.state_hash) == (0, state_hash_of(config))


def test_until_stops_after_that_record_inside_a_frame(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 2)
    with writing(config) as desk:
        desk.trade(1)
        expected, until = desk.machine.state_hash(), desk.machine.sequence
        desk.trade(40, in_frame=10)
    report = verify(config, until=until)
    assert (report.last_sequence, report.state_hash) == (until, expected)
    inside = verify(config, until=until + 5)
    assert inside.last_sequence == until + 5
    assert inside.state_hash != expected


def test_snapshots_are_compared_with_the_journal_at_their_sequence(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        take_snapshot(config, desk)
        desk.trade(5)
        desk.machine.book.regime = 2  # a state that no record led to
        take_snapshot(config, desk)
    report = verify(config)
    assert report.snapshots_checked == 2
    assert report.mismatches == 1
    assert "snapshot" in report.message


def test_a_damaged_snapshot_is_counted(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        take_snapshot(config, desk)
    (path,) = (config.folder / "snapshots").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    report = verify(config)
    assert (report.mismatches, report.snapshots_checked) == (1, 0)


def test_after_archiving_the_proof_begins_at_the_oldest_snapshot(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        while len(list_segments(config.folder)) < 2:
            desk.trade(200, in_frame=100)
        take_snapshot(config, desk)
        start = desk.machine.sequence
        desk.trade(10)
        expected = desk.machine.state_hash()
    segment_path(config.folder, 1).rename(tmp_path / "archived")
    report = verify(config)
    assert report.first_sequence == start + 1
    assert (report.records, report.mismatches) == (10, 0)
    assert report.state_hash == expected


def test_damage_lands_on_its_row(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    path = segment_path(config.folder, 1)
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    with pytest.raises(RecoveryRefusedError) as caught:
        verify(config)
    assert caught.value.row is RecoveryRow.DAMAGE_BEFORE_VALID


def test_a_sum_that_is_not_that_of_its_parts_is_a_mismatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(tmp_path)
    make_journal(config)
    made = verifying._Proof._new_machine

    def wrong(proof: verifying._Proof) -> Machine:
        machine = made(proof)
        machine.book.open_order_count = 7
        return machine

    assert verify(config).sums_checked > 0
    monkeypatch.setattr(verifying._Proof, "_new_machine", wrong)
    monkeypatch.setattr(verifying, "SUMS_RECORDS", 1)
    report = verify(config)
    assert report.mismatches == 1, report.message
    assert "open orders of the firm" in report.message
    assert report.sums_checked > 2
