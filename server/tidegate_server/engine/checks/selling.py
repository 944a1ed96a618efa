"""4.19 SHORT_NOT_ALLOWED, SHORT_UNLOCATED and NOT_SELLABLE: what a sale may deliver.

What an account is short of, open sales filled, is max(0, OS - P). The instrument keeps the sum over
accounts, so that an order's own account is exchanged in it and no other is looked at.
"""

from __future__ import annotations

from tidegate_server.engine.cn.kinds import SHORT_SELL
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def short_not_allowed(judged: Judgement) -> Rejection | None:
    """Refuse to open short what cannot be sold short; the figure is os with the order (3.2)."""
    if judged.buy or judged.instrument.terms.dealing.shortable:
        return None
    held = judged.position_quantity
    opening = judged.open_sell + judged.quantity - held
    if held < 0:
        opening += held
    return _instrument(judged, RejectReason.SHORT_NOT_ALLOWED, opening, 0)


def short_unlocated(judged: Judgement) -> Rejection | None:
    """Refuse short sales over the pool, all accounts together; no pool is 4.8's."""
    pool = judged.instrument.terms.dealing.short_pool
    if judged.buy or pool < 0:
        return None
    before = judged.open_sell - judged.position_quantity
    after = before + judged.quantity
    use = judged.instrument.short_use + after - (before if before > 0 else 0)
    if use <= pool:
        return None
    return _instrument(judged, RejectReason.SHORT_UNLOCATED, use, pool)


def not_sellable(judged: Judgement) -> Rejection | None:
    """Refuse to sell out of what was bought today where that waits for the next day."""
    position = judged.position
    if judged.buy or position is None or not judged.instrument.terms.dealing.sellable_next_day:
        return None
    closing = judged.quantity if judged.quantity < judged.exit_room else judged.exit_room
    sellable = judged.position_quantity - position.bought_today - judged.open_sell
    if sellable < 0:
        sellable = 0
    if closing <= sellable:
        return None
    return _instrument(judged, RejectReason.NOT_SELLABLE, judged.quantity, sellable)


def pool_unknown(judged: Judgement) -> bool:
    """Tell whether a short sale lacks the pool that it would be located in (4.8)."""
    dealing = judged.instrument.terms.dealing
    if judged.credit and judged.order.margin_kind != SHORT_SELL:
        return False
    return not judged.buy and dealing.shortable and dealing.short_pool < 0


def _instrument(judged: Judgement, reason: RejectReason, measured: int, limit: int) -> Rejection:
    return Rejection(reason, measured, limit, ScopeKind.INSTRUMENT, judged.instrument.instrument_id)
