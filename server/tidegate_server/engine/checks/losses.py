"""4.25 DAY_LOSS, DRAWDOWN: what an account has lost today, and since it was worth most."""

from __future__ import annotations

from tidegate_server.engine.amounts import scale_down, upper_ratio_bps
from tidegate_server.engine.effective import Effective
from tidegate_server.engine.footing import Footing
from tidegate_server.engine.limit import NO_CHECK
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def day_loss(account_id: str, limits: Effective, footing: Footing) -> Rejection | None:
    """Refuse new risk once equity is too far below the one at the day's start."""
    limit = limits.day_loss_e4
    start = footing.start_of_day
    if limit == NO_CHECK or start is None:
        return None
    lost = start - footing.equity
    if lost <= limit:
        return None
    return Rejection(RejectReason.DAY_LOSS, lost, limit, ScopeKind.ACCOUNT, account_id)


def drawdown(account_id: str, limits: Effective, footing: Footing) -> Rejection | None:
    """Refuse new risk once equity is too far below the high-water mark."""
    limit = limits.drawdown_bps
    if limit == NO_CHECK:
        return None
    high = footing.high_water
    fallen = high - footing.equity
    if fallen <= 0 or fallen <= scale_down(max(high, 0), limit):
        return None
    measured = upper_ratio_bps(fallen, high)
    return Rejection(RejectReason.DRAWDOWN, measured, limit, ScopeKind.ACCOUNT, account_id)
