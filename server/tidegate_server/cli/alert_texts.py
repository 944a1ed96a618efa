"""An alert in a few words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tidegate.v1 import risk_service_pb2
from tidegate.v1 import watch_service_pb2 as watch_pb2
from tidegate_server.cli.output import count, optional, percent, scope, short
from tidegate_server.cli.usages import amount, plain

if TYPE_CHECKING:
    from collections.abc import Callable


def words_of(alert: watch_pb2.Alert) -> str:
    """Say what an alert is about."""
    writer = _WRITERS.get(alert.kind)
    if writer is None:
        return short(watch_pb2.AlertKind.Name(alert.kind), "ALERT_KIND_").lower().replace("_", " ")
    return writer(alert)


def where_of(alert: watch_pb2.Alert) -> str:
    """Say whom or what an alert is about."""
    if alert.account_id:
        return f"account:{alert.account_id}"
    return scope(alert.scope_kind, alert.scope_id)


def _limit(alert: watch_pb2.Alert) -> str:
    measured, limit = optional(alert, "measured"), optional(alert, "limit")
    figures = f"{amount(alert.name, measured)} of {amount(alert.name, limit)}"
    where = f" in {alert.instrument_id}" if alert.instrument_id else ""
    level = percent(optional(alert, "level_bps"))
    warns = ", which only warns" if alert.warns else ""
    usage = percent(optional(alert, "usage_bps"))
    return f"{plain(alert.name)}{where} has reached {level}: {usage}, {figures}{warns}"


def _line(alert: watch_pb2.Alert) -> str:
    ratio, limit = optional(alert, "measured"), optional(alert, "limit")
    now = "no debt" if ratio is None else f"maintenance ratio {percent(ratio)}"
    if alert.cleared:
        return f"line {alert.name} left: {now}, release {percent(limit)}"
    return f"line {alert.name} entered: {now}, line {percent(limit)}"


def _report(alert: watch_pb2.Alert) -> str:
    value = risk_service_pb2.EventFlag.DESCRIPTOR.values_by_number.get(alert.flag)
    name = "" if value is None else value.name
    flag = short(name, "EVENT_FLAG_").lower().replace("_", " ") or f"flag {alert.flag}"
    return f"report {alert.event_id} of order {alert.order_id}: {flag}"


def _stopped(alert: watch_pb2.Alert) -> str:
    where = f" in {alert.instrument_id}" if alert.instrument_id else ""
    return f"the gate has set {alert.name}{where}"


def _internal(alert: watch_pb2.Alert) -> str:
    return f"order {alert.order_id} was refused for a fault in the judgement"


def _unconfirmed(alert: watch_pb2.Alert) -> str:
    number = alert.measured
    more = f" and {number - 1:,} more" if number > 1 else ""
    return f"no report of order {alert.order_id}{more} within its time limit"


def _gap(alert: watch_pb2.Alert) -> str:
    return f"no gate for {Decimal(alert.measured) / 10**9:,.3f} s"


def _differs(alert: watch_pb2.Alert) -> str:
    return f"record {count(alert.sequence)} is decided otherwise when it is decided again"


def _sum(alert: watch_pb2.Alert) -> str:
    return f"a sum is not that of its parts: {alert.name}"


_WRITERS: dict[int, Callable[[watch_pb2.Alert], str]] = {
    watch_pb2.ALERT_KIND_LIMIT: _limit,
    watch_pb2.ALERT_KIND_LINE: _line,
    watch_pb2.ALERT_KIND_OVERFILL: _report,
    watch_pb2.ALERT_KIND_LATE_FILL: _report,
    watch_pb2.ALERT_KIND_ODD_REPORT: _report,
    watch_pb2.ALERT_KIND_DROP_COPY: _report,
    watch_pb2.ALERT_KIND_STOPPED: _stopped,
    watch_pb2.ALERT_KIND_INTERNAL: _internal,
    watch_pb2.ALERT_KIND_UNCONFIRMED: _unconfirmed,
    watch_pb2.ALERT_KIND_TIME_GAP: _gap,
    watch_pb2.ALERT_KIND_OUTCOME_DIFFERS: _differs,
    watch_pb2.ALERT_KIND_SUM_DIFFERS: _sum,
}
