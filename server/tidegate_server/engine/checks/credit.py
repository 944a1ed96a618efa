"""4.24 CREDIT_LINE."""

from __future__ import annotations

from tidegate_server.engine.limit import NO_CHECK
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def credit_line(account_id: str, limit: int, cash: int) -> Rejection | None:
    """Refuse what would draw more financing than the account's line; `cash` is projected."""
    drawn = -cash if cash < 0 else 0
    if limit == NO_CHECK or drawn <= limit:
        return None
    return Rejection(RejectReason.CREDIT_LINE, drawn, limit, ScopeKind.ACCOUNT, account_id)
