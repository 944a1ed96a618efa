"""4.13 ORDER_QUANTITY, ORDER_NOTIONAL and ORDER_VOLUME_SHARE."""

from __future__ import annotations

from tidegate_server.engine.amounts import (
    AMOUNT_BOUND,
    INT64_MAX,
    ONE,
    raw_up,
    scale_down,
    unscale_down,
    upper_ratio_bps,
)
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.policy import NO_CHECK
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def order_quantity(judged: Judgement) -> Rejection | None:
    """Refuse a quantity over the limit."""
    limit = judged.limits.order_quantity
    if judged.quantity <= limit:
        return None
    return _account(judged, RejectReason.ORDER_QUANTITY, judged.quantity, limit)


def order_notional(judged: Judgement) -> Rejection | None:
    """Refuse a notional over the limit, which volatility divides, or out of bounds (1.4)."""
    if not judged.in_bounds:
        if judged.warning:
            return None
        highest = max(judged.price, judged.mark, judged.reserved_price)
        notional = min(raw_up(judged.quantity * highest, judged.unit), INT64_MAX)
        return _account(judged, RejectReason.ORDER_NOTIONAL, notional, AMOUNT_BOUND)
    limit = judged.limits.order_notional_e4
    if limit == NO_CHECK or not judged.mark:
        return None
    if judged.factor != ONE:
        limit = unscale_down(limit, judged.factor)
    price = judged.price if judged.price > judged.mark else judged.mark
    notional = raw_up(judged.quantity * price, judged.unit)
    if notional <= limit:
        return None
    return _account(judged, RejectReason.ORDER_NOTIONAL, notional, limit)


def order_volume_share(judged: Judgement) -> Rejection | None:
    """Refuse a share of the 20-day volume over the limit; an unknown volume is 4.8's."""
    limit = judged.limits.order_volume_share_bps
    volume = judged.instrument.terms.average_volume
    if limit == NO_CHECK or volume < 0:
        return None
    if judged.quantity <= scale_down(volume, limit):
        return None
    share = upper_ratio_bps(judged.quantity, volume)
    return _account(judged, RejectReason.ORDER_VOLUME_SHARE, share, limit)


def _account(judged: Judgement, reason: RejectReason, measured: int, limit: int) -> Rejection:
    return Rejection(reason, measured, limit, ScopeKind.ACCOUNT, judged.account.account_id)
