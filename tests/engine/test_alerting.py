"""The ladder of levels, and what the engine flags (8.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate_server.engine import alert as alert_kinds
from tidegate_server.engine.alert import CRITICAL, INFO, WARNING
from tidegate_server.engine.alerting import (
    LEVEL_SEVERITIES,
    LEVELS_BPS,
    REARM_BPS,
    Arming,
    climbed,
)
from tidegate_server.engine.commands import (
    BUY,
    EVENT_CANCELLED,
    EVENT_FILLED,
    CheckOrder,
    CheckOrders,
    OrderEvent,
    RecordOrderEvents,
)
from tidegate_server.engine.flagging import SOURCES_DISAGREE, flagged
from tidegate_server.engine.outcomes import BatchOutcome, CheckOutcome, EventResult, EventsOutcome
from tidegate_server.engine.own_commands import Tick
from tidegate_server.engine.own_outcomes import TickOutcome
from tidegate_server.engine.reasons import Rejection, RejectReason
from tidegate_server.engine.reports import AFTER_END, OVERFILL, UNKNOWN_ORDER
from tidegate_server.engine.settle import TOO_OLD

KEY = ("A1", 3, "A1", "leverage_bps", False)


def fired(path: list[int]) -> list[int]:
    """Return the level of each alert that a path of usages (bps) gives, 0 for none."""
    arming = Arming()
    steps = [arming.step(KEY, usage) for usage in path]
    return [LEVELS_BPS[step] if step >= 0 else 0 for step in steps]


def test_the_path_of_the_rulebook() -> None:
    path = [4_000, 9_600, 8_900, 9_600, 8_400, 9_600]
    assert fired(path) == [0, 9_500, 0, 9_500, 0, 9_500]


@pytest.mark.parametrize("level", LEVELS_BPS)
def test_a_level_fires_at_it_and_not_below(level: int) -> None:
    assert fired([level])[-1] == level
    assert fired([level - 1])[-1] != level


@pytest.mark.parametrize("level", LEVELS_BPS)
def test_a_level_is_armed_again_below_its_margin_and_not_at_it(level: int) -> None:
    assert fired([level, level - REARM_BPS, level])[2] == 0
    assert fired([level, level - REARM_BPS - 1, level])[2] == level


def test_a_level_that_stays_reached_fires_once() -> None:
    assert fired([9_000, 9_400, 9_499, 9_000]) == [9_000, 0, 0, 0]


def test_a_higher_level_fires_while_lower_ones_have() -> None:
    assert fired([5_000, 7_500, 8_500, 9_000, 9_500, 10_000, 20_000]) == [*LEVELS_BPS, 0]


def test_usage_without_bound_is_the_highest_level() -> None:
    assert fired([2**63 - 1]) == [10_000]


def test_an_armed_limit_is_not_kept() -> None:
    arming = Arming()
    arming.step(KEY, 6_000)
    assert arming.fired == {KEY: 1}
    assert not arming.is_armed("A1")
    assert arming.is_armed("A2")
    arming.step(KEY, 4_499)
    assert not arming.fired
    assert arming.is_armed("A1")


def test_a_limit_that_accounts_share_is_everybodys() -> None:
    arming = Arming()
    arming.step(("", 1, "", "short_pool", False), 6_000)
    assert not arming.is_armed("A1")


def test_a_limit_that_is_gone_is_armed() -> None:
    arming = Arming()
    arming.step(KEY, 10_000)
    arming.keep(KEY, 0)
    assert arming.step(KEY, 5_000) == 0


@given(st.lists(st.integers(0, 12_000), max_size=40))
def test_levels_are_as_if_each_were_alone(path: list[int]) -> None:
    single = {level: alone(level, path) for level in LEVELS_BPS}
    expected = [
        max((level for level in LEVELS_BPS if single[level][index]), default=0)
        for index in range(len(path))
    ]
    assert fired(path) == expected


def alone(level: int, path: list[int]) -> list[bool]:
    armed, found = True, []
    for usage in path:
        armed = armed or usage < level - 500
        found.append(armed and usage >= level)
        armed = armed and usage < level
    return found


def test_severities_grow_with_the_level() -> None:
    assert LEVEL_SEVERITIES == (INFO, INFO, WARNING, WARNING, CRITICAL, CRITICAL)
    assert climbed(0, 9_600) == (0b11111, 4)


def order(order_id: str = "o1") -> CheckOrder:
    return CheckOrder(
        "desk", "A1", order_id, "SPY", BUY, 1, 10, 1, 1, reduce_only=False, want_max=False
    )


def answer(*reasons: RejectReason) -> CheckOutcome:
    return CheckOutcome(7, 5, 1, tuple(Rejection(reason) for reason in reasons))


def test_a_fault_is_told_of_and_other_reasons_are_not() -> None:
    (alert,) = flagged(order(), answer(RejectReason.INTERNAL), 7, 5)
    assert (alert.kind, alert.severity) == (alert_kinds.KIND_INTERNAL, CRITICAL)
    assert (alert.account_id, alert.order_id, alert.subject) == ("A1", "o1", "SPY")
    assert not flagged(order(), answer(RejectReason.LEVERAGE), 7, 5)
    assert not flagged(order(), answer(), 7, 5)
    repeat = answer(RejectReason.INTERNAL)
    repeat.replayed = True
    assert not flagged(order(), repeat, 7, 5)


def test_a_fault_within_a_batch_is_told_of() -> None:
    batch = CheckOrders("desk", [order("a"), order("b")], atomic=False, batch_id="")
    outcome = BatchOutcome(7, 5, 1, [answer(), answer(RejectReason.INTERNAL)])
    assert [alert.order_id for alert in flagged(batch, outcome, 7, 5)] == ["b"]


@pytest.mark.parametrize(
    ("kind", "flag", "expected", "severity"),
    [
        (EVENT_FILLED, OVERFILL, alert_kinds.KIND_OVERFILL, CRITICAL),
        (EVENT_FILLED, AFTER_END, alert_kinds.KIND_LATE_FILL, WARNING),
        (EVENT_FILLED, TOO_OLD, alert_kinds.KIND_LATE_FILL, WARNING),
        (EVENT_FILLED, SOURCES_DISAGREE, alert_kinds.KIND_DROP_COPY, CRITICAL),
        (EVENT_CANCELLED, AFTER_END, alert_kinds.KIND_ODD_REPORT, WARNING),
        (EVENT_FILLED, UNKNOWN_ORDER, alert_kinds.KIND_ODD_REPORT, WARNING),
    ],
)
def test_what_is_odd_about_a_report_is_told(
    kind: int, flag: int, expected: int, severity: int
) -> None:
    event = OrderEvent("e1", "A1", "o1", kind, "SPY", BUY, 10, 1, -1, 0, "")
    outcome = EventsOutcome(7, 5, [EventResult(1, [flag], 1, 0, 0)])
    (alert,) = flagged(RecordOrderEvents("desk", [event]), outcome, 7, 5)
    assert (alert.kind, alert.severity, alert.flag) == (expected, severity, flag)
    assert (alert.event_id, alert.order_id, alert.measured) == ("e1", "o1", 10)


def test_each_flag_of_a_report_is_told_in_order() -> None:
    event = OrderEvent("e1", "A1", "o1", EVENT_FILLED, "SPY", BUY, 10, 1, -1, 0, "")
    outcome = EventsOutcome(7, 5, [EventResult(1, [OVERFILL, AFTER_END], 1, 0, 0)])
    found = flagged(RecordOrderEvents("desk", [event]), outcome, 7, 5)
    assert [alert.flag for alert in found] == [OVERFILL, AFTER_END]


def test_unconfirmed_orders_are_told_once_an_account() -> None:
    late = [("A1", "a"), ("A2", "b"), ("A1", "c")]
    found = flagged(Tick(), TickOutcome(7, 5, late, [], []), 7, 5)
    assert [(alert.account_id, alert.order_id, alert.measured) for alert in found] == [
        ("A1", "a", 2),
        ("A2", "b", 1),
    ]
