"""4.18 POSITION_LIMIT."""

from __future__ import annotations

from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.policy import NO_CHECK
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def position_limit(judged: Judgement) -> Rejection | None:
    """Refuse a position, open orders of either side filled, over the smaller of two limits."""
    # P + OB >= P - OS, so the greater of the two absolute values is one of P + OB and OS - P.
    bought = judged.position_quantity + judged.open_buy
    sold = judged.position_quantity - judged.open_sell
    if judged.buy:
        bought += judged.quantity
    else:
        sold -= judged.quantity
    return over_limit(judged, bought if bought > -sold else -sold)


def over_limit(judged: Judgement, greatest: int) -> Rejection | None:
    """Compare a position with the smaller of the account's limit and the instrument's."""
    limit = judged.limits.position
    by_instrument = judged.instrument.terms.position_limit
    if by_instrument < 0 or judged.warning:
        by_instrument = NO_CHECK
    smaller = by_instrument if by_instrument < limit else limit
    if greatest <= smaller:
        return None
    if by_instrument < limit:
        return Rejection(
            RejectReason.POSITION_LIMIT,
            greatest,
            by_instrument,
            ScopeKind.INSTRUMENT,
            judged.instrument.instrument_id,
        )
    return Rejection(
        RejectReason.POSITION_LIMIT,
        greatest,
        limit,
        ScopeKind.ACCOUNT,
        judged.account.account_id,
    )
