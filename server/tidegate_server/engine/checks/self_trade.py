"""4.17 SELF_TRADE: an order must not be able to trade with one of the same account or group."""

from __future__ import annotations

from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.reasons import Rejection, RejectReason
from tidegate_server.engine.resting import crossed_order, resting_price, self_trade_scope


def self_trade(judged: Judgement) -> Rejection | None:
    """Refuse a price that reaches the best opposite open order; exits face it too."""
    policy = judged.policy
    if not policy.self_trade_scope or policy.self_trade_warns != judged.warning:
        return None
    crossed = crossed_order(judged.book, judged.account, judged.position, judged.order)
    if crossed is None:
        return None
    scope_kind, scope_id = self_trade_scope(judged.book, judged.account)
    measured = None if judged.is_market else judged.price
    best = resting_price(crossed)
    return Rejection(RejectReason.SELF_TRADE, measured, best, scope_kind, scope_id)
