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


def order_quantity(asked: Question) -> Rejection | None:
    """Refuse a quantity over the limit."""
    deciding = _smallest(asked, "order_quantity", asked.limits.order_quantity)
    if asked.quantity <= deciding[0]:
        return None
    return _rejection(RejectReason.ORDER_QUANTITY, asked.quantity, deciding)


def order_notional(asked: Question) -> Rejection | None:
    """Refuse a notional over the limit, which volatility divides, or out of bounds (1.4)."""
    if not asked.in_bounds:
        if asked.warning:
            return None
        highest = max(asked.price, asked.mark, asked.reserved_price)
        notional = min(raw_up(asked.quantity * highest, asked.unit), INT64_MAX)
        account_id = asked.account.account_id
        bound = (AMOUNT_BOUND, ScopeKind.ACCOUNT, account_id)
        return _rejection(RejectReason.ORDER_NOTIONAL, notional, bound)
    own = asked.limits.order_notional_e4
    deciding = _smallest(asked, "order_notional_e4", own, asked.factor)
    if deciding[0] == NO_CHECK or not asked.mark:
        return None
    price = asked.price if asked.price > asked.mark else asked.mark
    notional = raw_up(asked.quantity * price, asked.unit)
    if notional <= deciding[0]:
        return None
    return _rejection(RejectReason.ORDER_NOTIONAL, notional, deciding)


def order_volume_share(asked: Question) -> Rejection | None:
    """Refuse a share of the 20-day volume over the limit; an unknown volume is 4.8's."""
    own = asked.limits.order_volume_share_bps
    deciding = _smallest(asked, "order_volume_share_bps", own)
    limit = deciding[0]
    volume = asked.instrument.terms.average_volume
    if limit == NO_CHECK or volume < 0:
        return None
    if asked.quantity <= scale_down(volume, limit):
        return None
    share = upper_ratio_bps(asked.quantity, volume)
    return _rejection(RejectReason.ORDER_VOLUME_SHARE, share, deciding)


def _smallest(asked: Question, name: str, own: int, factor: int = ONE) -> Deciding:
    return smallest(
        asked.scopes,
        name,
        asked.account.account_id,
        own,
        warning=asked.warning,
        factor=factor,
    )


def _rejection(reason: RejectReason, measured: int, deciding: Deciding) -> Rejection:
    limit, scope_kind, scope_id = deciding
    return Rejection(reason, measured, limit, scope_kind, scope_id)
