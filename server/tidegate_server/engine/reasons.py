"""Why an order is refused, in order of precedence."""

from __future__ import annotations

from enum import IntEnum

from .amounts import INT64_MAX


class RejectReason(IntEnum):
    """The rulebook's reasons; ten times the number of their row in section 4, and a digit."""

    ACCOUNT_UNKNOWN = 10
    INSTRUMENT_UNKNOWN = 11
    ORDER_ID_REUSED = 20
    ORDER_NOT_RESERVED = 21
    ORDER_STALE = 30
    HALTED = 40
    REDUCE_ONLY = 50
    SESSION_CLOSED = 60
    NOT_PERMITTED = 70
    INSTRUMENT_RESTRICTED = 71
    DISCLOSURE_NOT_ACKNOWLEDGED = 72
    LIMIT_NOT_SET = 80
    LOT_SIZE = 90
    TICK_SIZE = 91
    PRICE_LIMIT = 100
    PRICE_MISSING = 110
    PRICE_STALE = 111
    PRICE_COLLAR = 120
    ORDER_QUANTITY = 130
    ORDER_NOTIONAL = 131
    ORDER_VOLUME_SHARE = 132
    ORDER_RATE = 140
    ORDER_REPEATED = 150
    OPEN_ORDER_COUNT = 160
    DAY_ORDER_COUNT = 161
    DAY_TURNOVER = 162
    SELF_TRADE = 170
    POSITION_LIMIT = 180
    OWNERSHIP_LIMIT = 181
    SHORT_NOT_ALLOWED = 190
    SHORT_UNLOCATED = 191
    NOT_SELLABLE = 192
    CONCENTRATION_INSTRUMENT = 200
    CONCENTRATION_SECTOR = 201
    CONCENTRATION_BOARD = 202
    LEVERAGE = 210
    INITIAL_MARGIN = 220
    MAINTENANCE_RATIO = 230
    CREDIT_LINE = 240
    DAY_LOSS = 250
    DRAWDOWN = 251
    GROUP_EXPOSURE = 260
    FIRM_INSTRUMENT_EXPOSURE = 261
    FIRM_FINANCING = 262
    RESERVE_COVERAGE = 263
    INTERNAL = 270
    BATCH_REJECTED = 271


class ScopeKind(IntEnum):
    """Where a limit or a stop lives."""

    NONE = 0
    FIRM = 1
    GROUP = 2
    ACCOUNT = 3
    SECTOR = 4
    BOARD = 5
    INSTRUMENT = 6
    PRINCIPAL = 7


class Rejection:
    """One reason with its figures, cut to 64 bits; `None` is one that the rule does not have."""

    __slots__ = ("limit", "measured", "note", "reason", "scope_id", "scope_kind", "subject")

    def __init__(
        self,
        reason: RejectReason,
        measured: int | None = None,
        limit: int | None = None,
        scope_kind: ScopeKind = ScopeKind.NONE,
        scope_id: str = "",
        subject: str = "",
        note: str = "",
    ) -> None:
        self.reason = reason
        self.measured = None if measured is None else min(max(measured, -INT64_MAX), INT64_MAX)
        self.limit = limit
        self.scope_kind = scope_kind
        self.scope_id = scope_id
        self.subject = subject
        self.note = note


def precedence(rejection: Rejection) -> int:
    """Return the reason's place in the table of section 4."""
    return int(rejection.reason)
