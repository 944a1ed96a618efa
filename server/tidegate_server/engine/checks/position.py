"""4.18 POSITION_LIMIT and OWNERSHIP_LIMIT."""

from __future__ import annotations

from tidegate_server.engine.amounts import scale_down, upper_ratio_bps
from tidegate_server.engine.cn.kinds import SHORT_SELL, opens
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.limit import NO_CHECK
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind
from tidegate_server.engine.scopes import has_limit, owned_after, smallest


def reach_before(judged: Judgement) -> int:
    """Return how far the position reaches without the order."""
    return judged.position.reach() if judged.position is not None else 0


def reach_after(judged: Judgement) -> int:
    """Return how far it reaches with the order: the greater of P + OB and OS - P."""
    if judged.credit:
        return credit_reach(judged)
    bought = judged.position_quantity + judged.open_buy
    sold = judged.open_sell - judged.position_quantity
    if judged.buy:
        bought += judged.quantity
    else:
        sold += judged.quantity
    return bought if bought > sold else sold


def credit_reach(judged: Judgement) -> int:
    """Return how far it reaches with the order, which counts only if it opens (6.3)."""
    kind = judged.order.margin_kind
    longs = judged.position_quantity
    shorts = 0
    position = judged.position
    if position is not None and position.holding is not None:
        longs += position.holding.open_long
        shorts = position.holding.owed + position.holding.open_short
    if kind == SHORT_SELL:
        shorts += judged.quantity
    elif opens(kind):
        longs += judged.quantity
    return longs if longs > shorts else shorts


def position_limit(judged: Judgement) -> Rejection | None:
    """Refuse a position, open orders of either side filled, over the limit of any scope.

    Of firm and groups it is the sum over their accounts. Of those that fail, the greatest excess.
    """
    own = reach_after(judged)
    instrument = judged.instrument
    by_instrument = instrument.terms.position_limit
    if by_instrument < 0 or judged.warning:
        by_instrument = NO_CHECK
    limit, kind, scope_id = smallest(
        [scope for scope in judged.scopes if scope.kind > ScopeKind.ACCOUNT],
        "position",
        judged.account.account_id,
        judged.limits.position,
        warning=judged.warning,
    )
    if by_instrument < limit:
        limit, kind, scope_id = by_instrument, ScopeKind.INSTRUMENT, instrument.instrument_id
    found: Rejection | None = None
    worst = 0
    if own > limit:
        found = Rejection(RejectReason.POSITION_LIMIT, own, limit, kind, scope_id)
        worst = own - limit
    if judged.scopes:
        return of_sums(judged, own - reach_before(judged), found, worst)
    return found


def of_sums(
    judged: Judgement, change: int, found: Rejection | None, worst: int
) -> Rejection | None:
    """Return the firm's or a group's failure if its excess is the greatest, else what was found.

    Firm and groups come first on a tie with the rest, and in their own order among themselves.
    """
    from_above = False
    for scope in judged.scopes:
        if scope.kind > ScopeKind.ACCOUNT:
            break
        total = change
        if scope.kind == ScopeKind.FIRM:
            total += judged.instrument.reach
        else:
            total += judged.instrument.reach_of.get(scope.scope_id, 0)
        cap = scope.cap("position", warning=judged.warning)
        excess = total - cap
        if excess > worst or (excess == worst > 0 and not from_above):
            from_above = True
            worst = excess
            found = Rejection(
                RejectReason.POSITION_LIMIT, total, cap, ScopeKind(scope.kind), scope.scope_id
            )
    return found


def ownership_limit(judged: Judgement) -> Rejection | None:
    """Refuse too much of the shares outstanding over all accounts of the topmost group."""
    limit, kind, scope_id = smallest(
        judged.scopes,
        "ownership_bps",
        judged.account.account_id,
        judged.limits.ownership_bps,
        warning=judged.warning,
    )
    shares = judged.instrument.terms.shares_outstanding
    if limit == NO_CHECK or shares < 0:
        return None
    owned = owned_after(
        judged.account, judged.instrument, reach_before(judged), reach_after(judged)
    )
    if owned <= scale_down(shares, limit):
        return None
    share = upper_ratio_bps(owned, shares)
    return Rejection(RejectReason.OWNERSHIP_LIMIT, share, limit, kind, scope_id)


def shares_unknown(judged: Judgement) -> bool:
    """Tell whether a share of the shares outstanding is limited and they are not known."""
    if judged.instrument.terms.shares_outstanding >= 0:
        return False
    limits = judged.limits
    if limits.ownership_bps != NO_CHECK or has_limit(judged.scopes, "ownership_bps"):
        return True
    return limits.warning is not None and limits.warning.ownership_bps != NO_CHECK
