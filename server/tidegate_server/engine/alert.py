"""One alert (8.5): numbers are the contract's."""

from __future__ import annotations

from typing import Final

INFO: Final = 1
WARNING: Final = 2
CRITICAL: Final = 3

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
KIND_DROP_COPY: Final = 11
KIND_SUM_DIFFERS: Final = 80


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
