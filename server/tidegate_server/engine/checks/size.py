"""4.13 ORDER_QUANTITY, ORDER_NOTIONAL and ORDER_VOLUME_SHARE."""

from __future__ import annotations

from tidegate_server.engine.amounts import (
    AMOUNT_BOUND,
    INT64_MAX,
    ONE,
    raw_up,
    scale_down,
    upper_ratio_bps,
)
from tidegate_server.engine.limit import NO_CHECK
from tidegate_server.engine.question import Question
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind
from tidegate_server.engine.scopes import Deciding, smallest


def order_quantity(judged: Question) -> Rejection | None:
    """Refuse a quantity over the limit."""
    deciding = _smallest(judged, "order_quantity", judged.limits.order_quantity)
    if judged.quantity <= deciding[0]:
        return None
    return _rejection(RejectReason.ORDER_QUANTITY, judged.quantity, deciding)


def order_notional(judged: Question) -> Rejection | None:
    """Refuse a notional over the limit, which volatility divides, or out of bounds (1.4)."""
    if not judged.in_bounds:
        if judged.warning:
            return None
        highest = max(judged.price, judged.mark, judged.reserved_price)
        notional = min(raw_up(judged.quantity * highest, judged.unit), INT64_MAX)
        account_id = judged.account.account_id
        bound = (AMOUNT_BOUND, ScopeKind.ACCOUNT, account_id)
        return _rejection(RejectReason.ORDER_NOTIONAL, notional, bound)
    own = judged.limits.order_notional_e4
    deciding = _smallest(judged, "order_notional_e4", own, judged.factor)
    if deciding[0] == NO_CHECK or not judged.mark:
        return None
    price = judged.price if judged.price > judged.mark else judged.mark
    notional = raw_up(judged.quantity * price, judged.unit)
    if notional <= deciding[0]:
        return None
    return _rejection(RejectReason.ORDER_NOTIONAL, notional, deciding)


def order_volume_share(judged: Question) -> Rejection | None:
    """Refuse a share of the 20-day volume over the limit; an unknown volume is 4.8's."""
    own = judged.limits.order_volume_share_bps
    deciding = _smallest(judged, "order_volume_share_bps", own)
    limit = deciding[0]
    volume = judged.instrument.terms.average_volume
    if limit == NO_CHECK or volume < 0:
        return None
    if judged.quantity <= scale_down(volume, limit):
        return None
    share = upper_ratio_bps(judged.quantity, volume)
    return _rejection(RejectReason.ORDER_VOLUME_SHARE, share, deciding)


def _smallest(judged: Question, name: str, own: int, factor: int = ONE) -> Deciding:
    return smallest(
        judged.scopes,
        name,
        judged.account.account_id,
        own,
        warning=judged.warning,
        factor=factor,
    )


def _rejection(reason: RejectReason, measured: int, deciding: Deciding) -> Rejection:
    limit, scope_kind, scope_id = deciding
    return Rejection(reason, measured, limit, scope_kind, scope_id)
