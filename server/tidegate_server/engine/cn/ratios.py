"""The ratio that an order of a kind is reserved at: fixed when it is decided."""

from __future__ import annotations

from ..permissions import Permissions  # noqa: TID252 - one level up is this room
from .kinds import MARGIN_BUY, SHORT_SELL
from .rules import CreditRules, ratio_of_fill


def ratio_of_kind(rules: CreditRules, permissions: Permissions, kind: int, time_ns: int) -> int:
    """Return the ratio that an order is reserved at, in bps; 0 if it opens no contract."""
    if kind not in (MARGIN_BUY, SHORT_SELL):
        return 0
    fund = permissions.private_fund
    return ratio_of_fill(rules, time_ns, short=kind == SHORT_SELL, fund=fund)
