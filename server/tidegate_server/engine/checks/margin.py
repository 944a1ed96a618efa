"""4.22 INITIAL_MARGIN."""

from __future__ import annotations

from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def initial_margin(account_id: str, equity: int, requirement: int) -> Rejection | None:
    """Refuse what leaves less equity than the positions and open orders require."""
    available = equity - requirement
    if available >= 0:
        return None
    return Rejection(RejectReason.INITIAL_MARGIN, available, 0, ScopeKind.ACCOUNT, account_id)
