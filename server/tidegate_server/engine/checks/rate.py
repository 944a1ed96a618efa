"""4.14 ORDER_RATE: a token bucket an account and one a principal, as times (GCRA)."""

from __future__ import annotations

from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def order_rate(judged: Judgement) -> Rejection | None:
    """Refuse while a bucket is empty; where both are, the greater excess is reported."""
    now_ns = judged.now_ns
    limits = judged.limits
    excess = 0
    wait = tolerance = 0
    by_principal = False
    if limits.rate_cost_ns:
        wait = judged.account.next_order_ns - now_ns
        tolerance = limits.rate_tolerance_ns
        excess = wait - tolerance
    policy = judged.policy
    if policy.principal_cost_ns:
        next_ns = judged.book.principal_next_ns.get(judged.order.principal, 0)
        own_excess = next_ns - now_ns - policy.principal_tolerance_ns
        if own_excess > 0 and own_excess > excess:
            wait = next_ns - now_ns
            tolerance = policy.principal_tolerance_ns
            excess = own_excess
            by_principal = True
    if excess <= 0:
        return None
    if by_principal:
        return Rejection(
            RejectReason.ORDER_RATE, wait, tolerance, ScopeKind.PRINCIPAL, judged.order.principal
        )
    return Rejection(
        RejectReason.ORDER_RATE, wait, tolerance, ScopeKind.ACCOUNT, judged.account.account_id
    )


def next_time_ns(next_ns: int, now_ns: int, cost_ns: int, tolerance_ns: int) -> int:
    """Return a bucket's next time after one more order, whatever its verdict."""
    later = (next_ns if next_ns > now_ns else now_ns) + cost_ns
    latest = now_ns + tolerance_ns + cost_ns
    return later if later < latest else latest
