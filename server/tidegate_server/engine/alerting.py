"""What staff must be told of: usage that reaches a level, lines, and what the engine flags (8.5).

The ladder. Each limit of each account has the same six levels. All armed levels that the usage has
reached fire together, as one alert that names the highest, and are disarmed; a level is armed again
once the usage is below level - 500 bps. So usage that trembles about a level alerts once.

Alerts follow from the records alone. An account is looked at after each frame with a record that
touches it; what is odd about a record is told of it, whatever its frame.
"""

from __future__ import annotations

from typing import Final

from .commands import EVENT_FILLED, STOP_HALT, CheckOrder, CheckOrders, Command, RecordOrderEvents
from .outcomes import BatchOutcome, CheckOutcome, EventsOutcome, Outcome, TickOutcome
from .reasons import RejectReason, ScopeKind
from .reports import AFTER_END, OVERFILL
from .settle import TOO_OLD
from .standing import NO_USAGE, SET, Usage
from .state import Account, Book
from .stop import GATE, Stop
from .usage import usages

LEVELS_BPS: Final = (5_000, 7_500, 8_500, 9_000, 9_500, 10_000)
REARM_BPS: Final = 500

INFO: Final = 1
WARNING: Final = 2
CRITICAL: Final = 3
LEVEL_SEVERITIES: Final = (INFO, INFO, WARNING, WARNING, CRITICAL, CRITICAL)

KIND_LIMIT: Final = 1
KIND_LINE: Final = 2
KIND_OVERFILL: Final = 3
KIND_LATE_FILL: Final = 4
KIND_ODD_REPORT: Final = 5
KIND_STOPPED: Final = 6
KIND_INTERNAL: Final = 7
KIND_UNCONFIRMED: Final = 8
KIND_TIME_GAP: Final = 9
KIND_OUTCOME_DIFFERS: Final = 10

# A limit whose usage comes and goes with each order: it refuses, and nobody need be called (4.14).
THROTTLES: Final = ("order_rate",)

# Which limit of whom: account (empty where all accounts share it), scope, its id, name, mode.
LimitKey = tuple[str, int, str, str, bool]


class Alert:
    """One alert. `sequence` and `index`, its number within that record, are its id.

    `level_bps` and `usage_bps` are -1 where there is none, `reason` 0; `name` is a limit's or a
    line's. `flag` is the contract's EventFlag of a report, 0 for none. `cleared`: a line was left.
    """

    __slots__ = (
        "account_id",
        "cleared",
        "event_id",
        "flag",
        "index",
        "kind",
        "level_bps",
        "limit",
        "measured",
        "name",
        "order_id",
        "reason",
        "scope_id",
        "scope_kind",
        "sequence",
        "severity",
        "subject",
        "time_ns",
        "usage_bps",
        "warns",
    )

    def __init__(self, sequence: int, time_ns: int, kind: int, severity: int) -> None:
        self.sequence = sequence
        self.index = 0
        self.time_ns = time_ns
        self.kind = kind
        self.severity = severity
        self.account_id = ""
        self.order_id = ""
        self.event_id = ""
        self.scope_kind = 0
        self.scope_id = ""
        self.subject = ""
        self.name = ""
        self.reason = 0
        self.flag = 0
        self.level_bps = -1
        self.usage_bps = -1
        self.measured: int | None = None
        self.limit: int | None = None
        self.warns = False
        self.cleared = False


class Arming:
    """Which levels of which limits have fired and are not armed again; one bit a level."""

    __slots__ = ("fired",)

    def __init__(self) -> None:
        self.fired: dict[LimitKey, int] = {}

    def step(self, key: LimitKey, usage_bps: int) -> int:
        """Take a usage; return the index of the highest level that fires, -1 for none."""
        before = self.fired.get(key, 0)
        after, highest = climbed(before, usage_bps)
        if after:
            self.fired[key] = after
        elif before:
            del self.fired[key]
        return highest

    def forget(self, key: LimitKey) -> None:
        """Arm every level of a limit that is there no more."""
        self.fired.pop(key, None)


def climbed(mask: int, usage_bps: int) -> tuple[int, int]:
    """Return the levels that have fired after a usage, and the highest that fires now or -1."""
    highest = -1
    for index, level in enumerate(LEVELS_BPS):
        bit = 1 << index
        if mask & bit:
            if usage_bps < level - REARM_BPS:
                mask -= bit
        elif usage_bps >= level:
            mask |= bit
            highest = index
    return mask, highest


def limit_alerts(
    book: Book, account: Account, arming: Arming, sequence: int, time_ns: int
) -> list[Alert]:
    """Look at every limit of an account as it stands; return what fires."""
    found: list[Alert] = []
    for usage in usages(book, account, time_ns):
        if usage.name in THROTTLES:
            continue
        key = key_of(account, usage)
        if usage.usage_bps == NO_USAGE:
            if usage.setting != SET:
                arming.forget(key)
            continue
        highest = arming.step(key, usage.usage_bps)
        if highest >= 0:
            found.append(limit_alert(account, usage, highest, sequence, time_ns))
    return found


def key_of(account: Account, usage: Usage) -> LimitKey:
    """Tell which limit it is; what is summed over accounts is one for all of them."""
    kind = usage.scope_kind
    shared = kind in (ScopeKind.FIRM, ScopeKind.GROUP) or usage.name == "short_pool"
    name = "" if shared else account.account_id
    return name, int(kind), usage.scope_id, usage.name, usage.warns


def limit_alert(account: Account, usage: Usage, highest: int, sequence: int, time_ns: int) -> Alert:
    """Say that a level was reached."""
    alert = Alert(sequence, time_ns, KIND_LIMIT, LEVEL_SEVERITIES[highest])
    alert.account_id = account.account_id
    alert.name = usage.name
    alert.reason = int(usage.reason)
    alert.level_bps = LEVELS_BPS[highest]
    alert.usage_bps = usage.usage_bps
    alert.measured = usage.measured
    alert.limit = usage.limit
    alert.scope_kind = int(usage.scope_kind)
    alert.scope_id = usage.scope_id
    alert.subject = usage.subject
    alert.warns = usage.warns
    return alert


def flagged(command: Command, outcome: Outcome, sequence: int, time_ns: int) -> list[Alert]:
    """Return what is odd about a record, in its own order."""
    found: list[Alert] = []
    if isinstance(command, CheckOrder) and isinstance(outcome, CheckOutcome):
        add_fault(found, command, outcome, sequence, time_ns)
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
