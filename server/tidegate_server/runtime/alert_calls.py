"""WatchAlerts, ListAlerts and AcknowledgeAlert."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tidegate.v1 import watch_service_pb2
from tidegate_server.wire.alerts import read_id, write_id
from tidegate_server.wire.decoding import parse
from tidegate_server.wire.errors import not_found
from tidegate_server.wire.validation import Problems

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_server.wire.alerts import AlertId
    from tidegate_server.wire.errors import CallError
    from tidegate_server.wire.machine import Machine

    from .alert_store import AlertStore
    from .streams import Messages

PAGE_ALERTS: Final = 100
NOTE_LENGTH: Final = 256
NO_ID: Final = "must be an alert's id: a record, a dash, a number"


class AlertCalls:
    """Answers the calls about alerts."""

    def __init__(
        self, store: AlertStore, machine: Machine, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._store = store
        self._machine = machine
        self._clock = clock

    def watch_alerts(self, request: bytes, _principal: str) -> CallError | Messages:
        """Begin a watch."""
        asked = parse(watch_service_pb2.WatchAlertsRequest, request)
        known = self._store.last_id
        if asked.after_alert_id:
            known = need_id("after_alert_id", asked.after_alert_id)
        return self._messages(known)

    def list_alerts(self, request: bytes, _principal: str) -> bytes | CallError:
        """Answer ListAlerts."""
        asked = parse(watch_service_pb2.ListAlertsRequest, request)
        problems = Problems()
        problems.need_range("page_size", asked.page_size, 0, PAGE_ALERTS)
        problems.need_range("least_severity", asked.least_severity, 0, 3)
        problems.may_id("account_id", asked.account_id)
        problems.refuse()
        before = need_id("page_token", asked.page_token) if asked.page_token else None
        size = asked.page_size or PAGE_ALERTS
        page = watch_service_pb2.ListAlertsResponse(as_of_sequence=self._machine.sequence)
        for alert in self._store.newest_first(before):
            if asked.unacknowledged_only and alert.HasField("acknowledgement"):
                continue
            if alert.severity < asked.least_severity:
                continue
            if asked.account_id and alert.account_id != asked.account_id:
                continue
            if len(page.alerts) == size:
                page.next_page_token = page.alerts[-1].alert_id
                break
            page.alerts.append(alert)
        return page.SerializeToString()

    def acknowledge_alert(self, request: bytes, principal: str) -> bytes | CallError:
        """Answer AcknowledgeAlert."""
        asked = parse(watch_service_pb2.AcknowledgeAlertRequest, request)
        problems = Problems()
        if len(asked.note) > NOTE_LENGTH or not asked.note.isprintable():
            problems.add("note", f"must be at most {NOTE_LENGTH} printable characters")
        problems.refuse()
        alert_id = need_id("alert_id", asked.alert_id)
        alert = self._store.acknowledge(alert_id, principal, self._clock(), asked.note)
        if alert is None:
            return not_found("alert", write_id(alert_id))
        return watch_service_pb2.AcknowledgeAlertResponse(alert=alert).SerializeToString()

    def _messages(self, known: AlertId) -> Messages:
        while True:
            alerts = self._store.after(known, PAGE_ALERTS)
            if not alerts:
                yield None
                continue
            known = read_id(alerts[-1].alert_id) or known
            yield watch_service_pb2.WatchAlertsResponse(alerts=alerts).SerializeToString()


def need_id(field: str, text: str) -> AlertId:
    """Read an alert's id; raises MalformedError."""
    found = read_id(text)
    if found is None:
        problems = Problems()
        problems.add(field, NO_ID)
        problems.refuse()
        raise AssertionError  # refuse raises
    return found
