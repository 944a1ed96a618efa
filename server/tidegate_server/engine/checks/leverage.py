"""4.21 LEVERAGE."""

from __future__ import annotations

from tidegate_server.engine.amounts import (
    AMOUNT_BOUND,
    INT64_MAX,
    scale_down,
    upper_ratio_bps,
)
from tidegate_server.engine.limit import NO_CHECK
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def leverage(account_id: str, cap: int, gross: int, weighted: int, equity: int) -> Rejection | None:
    """Refuse new risk on no equity, beyond the arithmetic, or over the cap."""
    if gross > AMOUNT_BOUND:
        return _account(account_id, min(gross, INT64_MAX), AMOUNT_BOUND)
    if equity <= 0:
        shown = None if cap == NO_CHECK else cap
        return _account(account_id, INT64_MAX if weighted > 0 else 0, shown)
    if cap == NO_CHECK or weighted <= scale_down(equity, cap):
        return None
    return _account(account_id, upper_ratio_bps(weighted, equity), cap)


def leverage_warning(
    account_id: str, cap: int, gross: int, weighted: int, equity: int
) -> Rejection | None:
    """Warn over the cap; what is refused whatever the cap, no warning repeats (3.6)."""
    if equity <= 0 or gross > AMOUNT_BOUND:
        return None
    return leverage(account_id, cap, gross, weighted, equity)


def _account(account_id: str, measured: int, limit: int | None) -> Rejection:
    return Rejection(RejectReason.LEVERAGE, measured, limit, ScopeKind.ACCOUNT, account_id)
