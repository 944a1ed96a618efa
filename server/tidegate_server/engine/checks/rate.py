"""4.14 ORDER_RATE: a token bucket an account and one a principal, as times (GCRA)."""

from __future__ import annotations

from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def order_rate(judged: Judgement) -> Rejection | None:
    """Refuse while a bucket is empty; where both are, the greater excess is reported."""
    limits = judged.limits
    policy = judged.policy
    now_ns = judged.now_ns
    account_wait = principal_wait = account_excess = principal_excess = 0
    if limits.rate_cost_ns and limits.rate_warns == judged.warning:
        account_wait = judged.account.next_order_ns - now_ns
        account_excess = account_wait - limits.rate_tolerance_ns
    if policy.principal_cost_ns and policy.principal_warns == judged.warning:
        principal_wait = judged.principal_next_ns - now_ns
        principal_excess = principal_wait - policy.principal_tolerance_ns
    if account_excess <= 0 and principal_excess <= 0:
        return None
    if principal_excess > account_excess:
        return Rejection(
            RejectReason.ORDER_RATE,
            principal_wait,
            policy.principal_tolerance_ns,
            ScopeKind.PRINCIPAL,
            judged.order.principal,
        )
    return Rejection(
        RejectReason.ORDER_RATE,
        account_wait,
        limits.rate_tolerance_ns,
        ScopeKind.ACCOUNT,
        judged.account.account_id,
    )


def next_time_ns(next_ns: int, now_ns: int, cost_ns: int, tolerance_ns: int) -> int:
    """Return a bucket's next time after one more order, whatever its verdict."""
    later = (next_ns if next_ns > now_ns else now_ns) + cost_ns
    latest = now_ns + tolerance_ns + cost_ns
    return later if later < latest else latest
