"""Alerts out of journals, folded once and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.runtime.alerting import (
    PATH,
    Beside,
    adjust,
    hold,
    of_position,
    own_limit,
    report,
    walk_the_path,
)
from tests.runtime.flows import make_day, send
from tests.runtime.folders import make_config, make_journal, writing
from tests.runtime.test_verify import take_snapshot

from tidegate.v1 import order_pb2, risk_service_pb2, watch_service_pb2
from tidegate_server.engine.alerting import LEVELS_BPS, limit_alerts
from tidegate_server.journal import list_snapshots
from tidegate_server.wire.alerts import read_id

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LINE = watch_service_pb2.ALERT_KIND_LINE
INFO = watch_service_pb2.ALERT_SEVERITY_INFO
WARNING = watch_service_pb2.ALERT_SEVERITY_WARNING
CRITICAL = watch_service_pb2.ALERT_SEVERITY_CRITICAL


def test_the_path_of_the_rulebook_gives_three_alerts(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    records = walk_the_path(config)
    found = of_position(Beside(config).run())
    assert [alert.level_bps for alert in found] == [9_500] * 3
    at_96 = [record for record, percent in zip(records, PATH, strict=True) if percent == 96]
    assert [alert.sequence for alert in found] == at_96
    for alert in found:
        assert alert.kind == watch_service_pb2.ALERT_KIND_LIMIT
        assert alert.severity == watch_service_pb2.ALERT_SEVERITY_CRITICAL
        assert (alert.measured, alert.limit, alert.usage_bps) == (960, 1_000, 9_600)
        assert (alert.instrument_id, alert.scope_id) == ("SPY", "P1")
        assert alert.reason == order_pb2.REJECT_REASON_POSITION_LIMIT


def test_replay_gives_the_same_alerts_with_the_same_ids(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_day(config, 200)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    once = Beside(config, first).run()
    again = Beside(config, second).run()
    assert once
    assert once == again
    ids = [read_id(alert.alert_id) for alert in once]
    assert ids == sorted(ids, key=lambda one: one or (0, 0))
    assert len(set(ids)) == len(ids)
    assert {alert.level_bps for alert in once if alert.HasField("level_bps")} <= set(LEVELS_BPS)


def test_a_follower_that_begins_at_a_snapshot_finds_the_same(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        own_limit(desk, "P1")
        for percent in (40, 96, 89):
            hold(desk, "P1", percent * 10)
        half = Beside(config)
        half.run()
        take_snapshot(config, desk)
        half.desk.prepare(half.prover.place)
        half.desk.publish(half.prover.place)
        for percent in (96, 94, 84, 96):
            hold(desk, "P1", percent * 10)
    with_snapshot = Beside(config)
    assert with_snapshot.prover.sequence == half.prover.place.sequence
    found = with_snapshot.run()
    for path in list_snapshots(config.folder):
        path.unlink()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    whole = Beside(config, fresh).run()
    assert found == whole
    assert [alert.level_bps for alert in of_position(found)] == [9_500] * 3
    folder = config.folder / "alert-states"
    with_snapshot.desk.prepare(with_snapshot.prover.place)
    with_snapshot.desk.publish(with_snapshot.prover.place)
    assert [path.name for path in folder.iterdir()] == [
        f"{with_snapshot.prover.place.sequence:020}.json"
    ]


def test_without_its_state_limits_in_use_alert_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        own_limit(desk, "P1")
        hold(desk, "P1", 960)
        take_snapshot(config, desk)
        hold(desk, "P1", 960)
    found = of_position(Beside(config).run())
    assert [alert.level_bps for alert in found] == [9_500]
    assert "alert again" in capsys.readouterr().out


def test_lines_are_told_when_they_are_entered_and_left(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        own_limit(desk, "L1", 1_000_000)
        hold(desk, "L1", 1_000)
        worth = desk.machine.book.instruments["SPY"].mark * 1_000
        cash = desk.machine.book.accounts["L1"].cash
        for percent in (310, 160, 109, 111, 113, 301):
            target = -worth * 100 // percent
            adjust(desk, "L1", target - cash, f"to-{percent}")
            cash = target
        adjust(desk, "L1", -cash, "even")
    told = [
        alert for alert in Beside(config).run() if (alert.kind, alert.account_id) == (LINE, "L1")
    ]
    assert [(alert.name, alert.cleared, alert.limit) for alert in told] == [
        ("withdraw", False, 30_000),
        ("warning", False, 11_200),
        ("margin_call", False, 11_000),
        ("margin_call", True, 11_000),
        ("warning", True, 11_200),
        ("withdraw", True, 30_000),
    ]
    assert [alert.measured for alert in told[:3]] == [16_000, 10_899, 10_899]
    severities = [alert.severity for alert in told]
    assert severities[:4] == [INFO, WARNING, CRITICAL, INFO]


def test_a_snapshot_remembers_which_lines_were_told(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        own_limit(desk, "L1", 1_000_000)
        hold(desk, "L1", 1_000)
        worth = desk.machine.book.instruments["SPY"].mark * 1_000
        cash = desk.machine.book.accounts["L1"].cash
        adjust(desk, "L1", -worth * 100 // 160 - cash, "debt")
        take_snapshot(config, desk)
        hold(desk, "L1", 1_001)
    assert not [alert for alert in Beside(config).run() if alert.kind == LINE]


def test_what_is_odd_about_reports_is_told(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        order = desk.order()
        order.account_id, order.quantity = "A0001", 5
        send(desk, "CheckOrder", order)
        report(desk, order.order_id, 9, "over")
        report(desk, order.order_id, 1, "late")
        report(desk, "nobody-knows", 1, "unknown")
        last = desk.machine.sequence
    told = [alert for alert in Beside(config).run() if alert.event_id]
    assert [(alert.sequence, alert.event_id, alert.kind, alert.flag) for alert in told] == [
        (
            last - 2,
            "over",
            watch_service_pb2.ALERT_KIND_OVERFILL,
            risk_service_pb2.EVENT_FLAG_OVERFILL,
        ),
        (
            last - 1,
            "late",
            watch_service_pb2.ALERT_KIND_OVERFILL,
            risk_service_pb2.EVENT_FLAG_OVERFILL,
        ),
        (
            last - 1,
            "late",
            watch_service_pb2.ALERT_KIND_LATE_FILL,
            risk_service_pb2.EVENT_FLAG_AFTER_END,
        ),
        (
            last,
            "unknown",
            watch_service_pb2.ALERT_KIND_ODD_REPORT,
            risk_service_pb2.EVENT_FLAG_UNKNOWN_ORDER,
        ),
    ]
    assert [alert.alert_id for alert in told][1:3] == [f"{last - 1}-0", f"{last - 1}-1"]


def test_a_freeze_is_told(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        event = risk_service_pb2.OrderEvent(
            event_id="e",
            account_id="STRANGER",
            order_id="o",
            kind=risk_service_pb2.ORDER_EVENT_KIND_FILLED,
            instrument_id="SPY",
            side=order_pb2.SIDE_BUY,
            quantity=1,
            price_e4=1_670_000,
        )
        send(desk, "RecordOrderEvents", risk_service_pb2.RecordOrderEventsRequest(events=[event]))
        sequence = desk.machine.sequence
    stopped = [
        alert
        for alert in Beside(config).run()
        if alert.kind == watch_service_pb2.ALERT_KIND_STOPPED
    ]
    (alert,) = stopped
    assert (alert.sequence, alert.account_id) == (sequence, "STRANGER")
    assert alert.severity == watch_service_pb2.ALERT_SEVERITY_CRITICAL
    assert alert.name.startswith("frozen")


def test_a_stretch_without_a_gate_is_told(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        now_ns = desk.machine.book.time_ns + 7 * 10**9
        record = desk.machine.start_epoch(2, "tests", now_ns)
        desk.commit(record)
        last = desk.machine.sequence
        desk.commit(desk.machine.start_epoch(3, "tests", now_ns + 1))
    (gap,) = (
        alert
        for alert in Beside(config).run()
        if alert.kind == watch_service_pb2.ALERT_KIND_TIME_GAP
    )
    assert (gap.sequence, gap.measured) == (last, 7 * 10**9)


def test_unconfirmed_orders_are_told(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        later = max(time.time_ns(), desk.machine.book.time_ns) + 3_600 * 10**9
        record = desk.machine.tick(later)
        assert record is not None
        desk.commit(record)
        last = desk.machine.sequence
    late = [
        alert
        for alert in Beside(config).run()
        if alert.kind == watch_service_pb2.ALERT_KIND_UNCONFIRMED
    ]
    assert late
    assert {alert.sequence for alert in late} == {last}


def test_a_forged_record_is_told(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    make_journal(config, 5)
    with writing(config) as desk:
        forged = desk.forge()
    found = Beside(config).run()
    differs = watch_service_pb2.ALERT_KIND_OUTCOME_DIFFERS
    assert [alert.sequence for alert in found if alert.kind == differs] == [forged]


def test_a_fault_over_one_account_stops_neither_proof_nor_other_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(tmp_path)
    walk_the_path(config)

    def faulty(book: object, account: object, *rest: object) -> object:
        if getattr(account, "account_id", "") == "A0001":
            raise ZeroDivisionError
        return limit_alerts(book, account, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("tidegate_server.runtime.alert_desk.limit_alerts", faulty)
    beside = Beside(config)
    assert len(of_position(beside.run())) == 3
    assert beside.prover.mismatches.count == 0
