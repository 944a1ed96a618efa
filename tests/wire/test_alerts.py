"""Alerts between the engine and the contract."""

from __future__ import annotations

from tidegate.v1 import watch_service_pb2
from tidegate_server.engine import alert as alerts
from tidegate_server.engine.alerting import Arming
from tidegate_server.wire.alerts import alert_message, read_state, state_message


def test_kinds_are_the_contracts() -> None:
    ours = {
        name.removeprefix("KIND_"): number
        for name, number in vars(alerts).items()
        if name.startswith("KIND_")
    }
    theirs = {
        name.removeprefix("ALERT_KIND_"): number
        for name, number in watch_service_pb2.AlertKind.items()
        if number
    }
    assert ours == theirs


def test_severities_are_the_contracts() -> None:
    for name in ("INFO", "WARNING", "CRITICAL"):
        number = watch_service_pb2.AlertSeverity.Value(f"ALERT_SEVERITY_{name}")
        assert getattr(alerts, name) == number


def test_what_an_alert_does_not_have_is_absent() -> None:
    message = alert_message(alerts.Alert(7, 5, alerts.KIND_TIME_GAP, alerts.WARNING))
    assert message.alert_id == "7-0"
    for name in ("level_bps", "usage_bps", "measured", "limit"):
        assert not message.HasField(name)


def test_a_usage_of_nought_is_told() -> None:
    alert = alerts.Alert(7, 5, alerts.KIND_LIMIT, alerts.INFO)
    alert.usage_bps = alert.measured = 0
    message = alert_message(alert)
    assert message.HasField("usage_bps")
    assert message.HasField("measured")


def test_what_has_fired_reads_back() -> None:
    arming = Arming()
    arming.step(("A1", 3, "A1", "leverage_bps", False), 9_600)
    arming.step(("", 1, "", "short_pool", False), 5_000)
    arming.step(("A2", 3, "A2", "position", True), 20_000)
    again = read_state(state_message(arming, 7, 5))
    assert again.fired == arming.fired
    assert again.counts == arming.counts
