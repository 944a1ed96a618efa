"""4.23 MAINTENANCE_RATIO: the line that an account stands at, or that an order leads to."""

from __future__ import annotations

from tidegate_server.engine.amounts import lower_ratio_bps, scale_up
from tidegate_server.engine.effective import Effective
from tidegate_server.engine.footing import Footing
from tidegate_server.engine.margin_lines import CALLED, release_of
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def maintenance_ratio(
    account_id: str, limits: Effective, footing: Footing, assets: int, debt: int
) -> Rejection | None:
    """Refuse new risk from margin_call on, or what would lead there; figures are projected ones."""
    line = limits.margin_call_bps
    if not line:
        return None
    if footing.lines >= CALLED:
        ratio = None
        if footing.debt > 0:
            ratio = lower_ratio_bps(footing.assets, footing.debt)
        return _account(account_id, ratio, release_of(footing.lines, limits.lines))
    if debt > 0 and assets < scale_up(debt, line):
        return _account(account_id, lower_ratio_bps(assets, debt), line)
    return None


def _account(account_id: str, measured: int | None, limit: int) -> Rejection:
    return Rejection(RejectReason.MAINTENANCE_RATIO, measured, limit, ScopeKind.ACCOUNT, account_id)
