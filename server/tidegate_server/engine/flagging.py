"""What the engine flags, as alerts (8.5): odd reports, its own stops, faults, silent orders."""

from __future__ import annotations

from typing import Final

from .alert import (
    CRITICAL,
    KIND_DROP_COPY,
    KIND_INTERNAL,
    KIND_LATE_FILL,
    KIND_ODD_REPORT,
    KIND_OUTCOME_DIFFERS,
    KIND_OVERFILL,
    KIND_STOPPED,
    KIND_SUM_DIFFERS,
    KIND_TIME_GAP,
    KIND_UNCONFIRMED,
    WARNING,
    Alert,
)
from .commands import EVENT_FILLED, STOP_HALT, CheckOrder, CheckOrders, Command, RecordOrderEvents
from .outcomes import BatchOutcome, CheckOutcome, EventsOutcome, Outcome
from .own_outcomes import TickOutcome
from .reasons import RejectReason, ScopeKind
from .reports import AFTER_END, OVERFILL
from .settle import TOO_OLD
from .state import Book
from .stop import GATE, Stop
from .touching import order_of

# The contract's flag for a drop copy and a router that report an execution differently (7.6).
SOURCES_DISAGREE: Final = 42


def flagged(command: Command, outcome: Outcome, sequence: int, time_ns: int) -> list[Alert]:
    """Return what is odd about a record, in its own order."""
    found: list[Alert] = []
    order = order_of(command)
    if order is not None and isinstance(outcome, CheckOutcome):
        add_fault(found, order, outcome, sequence, time_ns)
    elif isinstance(command, CheckOrders) and isinstance(outcome, BatchOutcome):
        for order, answer in zip(command.orders, outcome.answers, strict=True):
            add_fault(found, order, answer, sequence, time_ns)
    elif isinstance(command, RecordOrderEvents) and isinstance(outcome, EventsOutcome):
        add_reports(found, command, outcome, sequence, time_ns)
    elif isinstance(outcome, TickOutcome):
        add_unconfirmed(found, outcome, sequence, time_ns)
    return found


def add_fault(
    found: list[Alert], command: CheckOrder, outcome: CheckOutcome, sequence: int, time_ns: int
) -> None:
    """Tell of an order that a fault refused (4.27)."""
    if outcome.replayed or not outcome.rejections:
        return
    if outcome.rejections[0].reason != RejectReason.INTERNAL:
        return
    alert = Alert(sequence, time_ns, KIND_INTERNAL, CRITICAL)
    alert.account_id = command.account_id
    alert.order_id = command.order_id
    alert.subject = command.instrument_id
    alert.reason = int(RejectReason.INTERNAL)
    found.append(alert)


def add_reports(
    found: list[Alert],
    command: RecordOrderEvents,
    outcome: EventsOutcome,
    sequence: int,
    time_ns: int,
) -> None:
    """Tell of each flag of each report."""
    for event, result in zip(command.events, outcome.results, strict=True):
        for flag in result.flags:
            kind, severity = KIND_ODD_REPORT, WARNING
            if flag == OVERFILL:
                kind, severity = KIND_OVERFILL, CRITICAL
            elif flag == SOURCES_DISAGREE:
                kind, severity = KIND_DROP_COPY, CRITICAL
            elif flag in (AFTER_END, TOO_OLD) and event.kind == EVENT_FILLED:
                kind = KIND_LATE_FILL
            alert = Alert(sequence, time_ns, kind, severity)
            alert.account_id = event.account_id
            alert.order_id = event.order_id
            alert.event_id = event.event_id
            alert.subject = event.instrument_id
            alert.flag = flag
            alert.measured = event.quantity
            found.append(alert)


def add_unconfirmed(found: list[Alert], outcome: TickOutcome, sequence: int, time_ns: int) -> None:
    """Tell of orders past their time limit (7.3): one alert an account, with how many."""
    by_account: dict[str, Alert] = {}
    for account_id, order_id in outcome.unconfirmed:
        alert = by_account.get(account_id)
        if alert is None:
            alert = Alert(sequence, time_ns, KIND_UNCONFIRMED, WARNING)
            alert.account_id = account_id
            alert.order_id = order_id
            by_account[account_id] = alert
            found.append(alert)
        alert.measured = (alert.measured or 0) + 1


def stopped(book: Book, after_sequence: int) -> list[Alert]:
    """Tell of what the gate itself has set since a record: freezes, reduce-only, latches."""
    fresh: list[Stop] = []
    for stop in reversed(book.stops.values()):
        if stop.sequence <= after_sequence:
            break
        if stop.principal == GATE:
            fresh.append(stop)
    found: list[Alert] = []
    for stop in reversed(fresh):
        severity = CRITICAL if stop.kind == STOP_HALT else WARNING
        alert = Alert(stop.sequence, stop.set_time_ns, KIND_STOPPED, severity)
        alert.scope_kind = int(stop.scope_kind)
        alert.scope_id = stop.scope_id
        alert.account_id = stop.scope_id if stop.scope_kind == ScopeKind.ACCOUNT else ""
        alert.name = stop.stop_id
        alert.subject = stop.latched[0] if stop.latched is not None else ""
        found.append(alert)
    return found


def time_gap(sequence: int, time_ns: int, gap_ns: int) -> Alert:
    """Tell of a stretch without a gate: an epoch that begins long after the last record."""
    alert = Alert(sequence, time_ns, KIND_TIME_GAP, WARNING)
    alert.measured = gap_ns
    return alert


def outcome_differs(sequence: int, time_ns: int) -> Alert:
    """Tell of a record that is decided otherwise than it was."""
    return Alert(sequence, time_ns, KIND_OUTCOME_DIFFERS, CRITICAL)


def sum_differs(sequence: int, time_ns: int, problem: str) -> Alert:
    """Tell of a sum that the book keeps and its parts do not come to."""
    alert = Alert(sequence, time_ns, KIND_SUM_DIFFERS, CRITICAL)
    alert.name = problem
    return alert
