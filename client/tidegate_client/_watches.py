"""What a follower can be asked to stream; see _methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import journal_service_pb2 as journal_pb
from tidegate.v1 import watch_service_pb2 as watch_pb
from tidegate_client._methods import call_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidegate.v1.policy_pb2 import Policy
    from tidegate_client._methods import Call


def compare_decisions(
    candidate: Policy, *, from_sequence: int = 0, to_sequence: int = 0
) -> Call[watch_pb.CompareDecisionsResponse]:
    """Decide recorded orders again under a candidate policy. Asks a follower, not the gate.

    Yield how that gets on, with each verdict that differs; the last message has `totals`. From the
    newest snapshot to the last durable record, unless said otherwise. It has no deadline.
    """
    request = watch_pb.CompareDecisionsRequest(
        candidate=candidate, from_sequence=from_sequence, to_sequence=to_sequence
    )
    decode = watch_pb.CompareDecisionsResponse.FromString
    return call_of("WatchService/CompareDecisions", request, decode)


def watch_records(from_sequence: int = 0) -> Call[journal_pb.WatchRecordsResponse]:
    """Read journal records, and each one as it becomes durable. Asks a follower, not the gate.

    It ends only when the follower ends it; go on at the last answer's `next_sequence`. Raise
    NotFoundError below the oldest kept, OverloadedError for a reader who is too slow.
    """
    request = journal_pb.WatchRecordsRequest(from_sequence=from_sequence)
    decode = journal_pb.WatchRecordsResponse.FromString
    return call_of("JournalService/WatchRecords", request, decode)


def watch_accounts(account_ids: Iterable[str]) -> Call[watch_pb.WatchAccountsResponse]:
    """Read 1 to 100 accounts, and each again after what changed it. Asks a follower, not the gate.

    Whoever is behind gets the latest state only. Raise NotFoundError for an unknown account.
    """
    request = watch_pb.WatchAccountsRequest(account_ids=account_ids)
    decode = watch_pb.WatchAccountsResponse.FromString
    return call_of("WatchService/WatchAccounts", request, decode)


def watch_alerts(after_alert_id: str = "") -> Call[watch_pb.WatchAlertsResponse]:
    """Read the alerts after a known one, and each new one. Asks a follower, not the gate.

    Without an id only those that are yet to come, with "0" all that are kept. After a lost
    connection go on after the last `alert_id`: the same records give the same ids.
    """
    request = watch_pb.WatchAlertsRequest(after_alert_id=after_alert_id)
    decode = watch_pb.WatchAlertsResponse.FromString
    return call_of("WatchService/WatchAlerts", request, decode)


def list_alerts(
    page_size: int = 0,
    page_token: str = "",
    *,
    unacknowledged_only: bool = False,
    least_severity: watch_pb.AlertSeverity.ValueType = watch_pb.ALERT_SEVERITY_UNSPECIFIED,
    account_id: str = "",
) -> Call[watch_pb.ListAlertsResponse]:
    """Read a page of the alerts that are kept, the newest first. Asks a follower, not the gate."""
    request = watch_pb.ListAlertsRequest(
        page_size=page_size,
        page_token=page_token,
        unacknowledged_only=unacknowledged_only,
        least_severity=least_severity,
        account_id=account_id,
    )
    decode = watch_pb.ListAlertsResponse.FromString
    return call_of("WatchService/ListAlerts", request, decode)


def acknowledge_alert(alert_id: str, note: str = "") -> Call[watch_pb.AcknowledgeAlertResponse]:
    """Say that somebody has taken note of an alert. Asks a follower, not the gate.

    The answer names who did first, which may be somebody else. Raise NotFoundError for an alert
    that is not kept.
    """
    request = watch_pb.AcknowledgeAlertRequest(alert_id=alert_id, note=note)
    decode = watch_pb.AcknowledgeAlertResponse.FromString
    return call_of("WatchService/AcknowledgeAlert", request, decode)
