"""4.16 OPEN_ORDER_COUNT, DAY_ORDER_COUNT and DAY_TURNOVER, this order included."""

from __future__ import annotations

from tidegate_server.engine.amounts import raw_up
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.limit import NO_CHECK
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind
from tidegate_server.engine.scopes import open_orders


def open_order_count(judged: Judgement) -> Rejection | None:
    """Refuse one open order too many, in the account or above it; exits face this too."""
    count = judged.account.open_order_count + 1
    limit = judged.limits.open_order_count
    found: Rejection | None = None
    worst = 0
    for scope in judged.scopes:
        cap = scope.cap("open_order_count", warning=judged.warning)
        total = open_orders(judged.book, scope) + 1
        if cap != NO_CHECK and total - cap > worst:
            worst = total - cap
            kind = ScopeKind(scope.kind)
            found = Rejection(RejectReason.OPEN_ORDER_COUNT, total, cap, kind, scope.scope_id)
    if count - limit <= worst:
        return found
    return _account(judged, RejectReason.OPEN_ORDER_COUNT, count, limit)


def day_order_count(judged: Judgement) -> Rejection | None:
    """Refuse one order too many today."""
    count = judged.account.day_order_count + 1
    limit = judged.limits.day_order_count
    if count <= limit:
        return None
    return _account(judged, RejectReason.DAY_ORDER_COUNT, count, limit)


def day_turnover(judged: Judgement) -> Rejection | None:
    """Refuse too much of today's fills and open orders, both sides."""
    limit = judged.limits.day_turnover_e4
    if limit == NO_CHECK or not judged.mark or judged.reserved_price < 0 or not judged.in_bounds:
        return None
    before = judged.turnover_before
    after = before + judged.quantity * judged.reserved_price
    turnover = judged.account.turnover_e4 - raw_up(before, judged.unit) + raw_up(after, judged.unit)
    if turnover <= limit:
        return None
    return _account(judged, RejectReason.DAY_TURNOVER, turnover, limit)


def _account(judged: Judgement, reason: RejectReason, measured: int, limit: int) -> Rejection:
    return Rejection(reason, measured, limit, ScopeKind.ACCOUNT, judged.account.account_id)
