"""Alerts between the engine, the contract and the follower's files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tidegate.v1 import watch_service_pb2
from tidegate_server.engine.alerting import Arming

if TYPE_CHECKING:
    from tidegate_server.engine.alert import Alert
    from tidegate_server.engine.alerting import LimitKey

AlertId = tuple[int, int]

is_alert_id = re.compile(r"[0-9]{1,19}(-[0-9]{1,9})?").fullmatch


def alert_message(alert: Alert) -> watch_service_pb2.Alert:
    """Write an alert."""
    return watch_service_pb2.Alert(
        alert_id=write_id((alert.sequence, alert.index)),
        sequence=alert.sequence,
        time_ns=alert.time_ns,
        kind=alert.kind,  # type: ignore[arg-type] # numbers are the contract's
        severity=alert.severity,  # type: ignore[arg-type] # the same
        account_id=alert.account_id,
        order_id=alert.order_id,
        event_id=alert.event_id,
        instrument_id=alert.subject,
        name=alert.name,
        reason=alert.reason,  # type: ignore[arg-type] # the same
        flag=alert.flag,  # type: ignore[arg-type] # the same
        scope_kind=alert.scope_kind,  # type: ignore[arg-type] # the same
        scope_id=alert.scope_id,
        level_bps=alert.level_bps if alert.level_bps >= 0 else None,
        usage_bps=alert.usage_bps if alert.usage_bps >= 0 else None,
        measured=alert.measured,
        limit=alert.limit,
        warns=alert.warns,
        cleared=alert.cleared,
    )


def write_id(alert_id: AlertId) -> str:
    """Write an alert's id."""
    sequence, index = alert_id
    return f"{sequence}-{index}"


def read_id(text: str) -> AlertId | None:
    """Read an alert's id; a bare sequence is before the first alert of that record."""
    if not is_alert_id(text):
        return None
    sequence, dash, index = text.partition("-")
    return int(sequence), int(index) if dash else -1


def state_message(arming: Arming, sequence: int, time_ns: int) -> watch_service_pb2.AlertState:
    """Write which levels have fired."""
    return watch_service_pb2.AlertState(
        sequence=sequence,
        time_ns=time_ns,
        limits=[_fired(key, mask) for key, mask in arming.fired.items()],
    )


def read_state(message: watch_service_pb2.AlertState) -> Arming:
    """Read which levels have fired."""
    arming = Arming()
    for fired in message.limits:
        key = fired.account_id, int(fired.scope_kind), fired.scope_id, fired.name, fired.warns
        arming.keep(key, fired.mask)
    return arming


def _fired(key: LimitKey, mask: int) -> watch_service_pb2.FiredLevels:
    account_id, scope_kind, scope_id, name, warns = key
    return watch_service_pb2.FiredLevels(
        account_id=account_id,
        scope_kind=scope_kind,  # type: ignore[arg-type] # numbers are the contract's
        scope_id=scope_id,
        name=name,
        warns=warns,
        mask=mask,
    )
