"""What 6.3 checks by kind, each under the reason of its row in section 4."""

from __future__ import annotations

from tidegate_server.engine.account import Account
from tidegate_server.engine.checks.position import ownership_limit, position_limit
from tidegate_server.engine.cn.booking import drawn_of, free_cash
from tidegate_server.engine.cn.judging import order_cost
from tidegate_server.engine.cn.kinds import (
    BUY_TO_RETURN,
    COLLATERAL_BUY,
    MARGIN_BUY,
    SHORT_SELL,
    opens,
)
from tidegate_server.engine.cn.rules import missing_haircut, ratio_at
from tidegate_server.engine.effective import Effective
from tidegate_server.engine.judgement import Judgement
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def missing_permission(judged: Judgement) -> str:
    """Return the permission that the kind needs and the account lacks (4.7)."""
    kind = judged.order.margin_kind
    permissions = judged.account.permissions
    if kind == SHORT_SELL and not permissions.short:
        return "short"
    return "margin" if kind == MARGIN_BUY and not permissions.margin else ""


def cannot_finance(judged: Judgement) -> bool:
    """Tell whether the order would finance what is not marginable (6.1)."""
    return judged.order.margin_kind == MARGIN_BUY and not judged.instrument.terms.marginable


def unset_haircut(judged: Judgement) -> str:
    """Return what nothing says of the haircut that an opening order needs (4.8)."""
    if not judged.instrument.terms.marginable or not opens(judged.order.margin_kind):
        return ""
    return missing_haircut(judged.policy.credit, judged.instrument.terms.dealing)


def unset_ratio(judged: Judgement) -> str:
    """Return the ratio that the order would be opened at and that is not set (4.8)."""
    kind = judged.order.margin_kind
    if kind not in (MARGIN_BUY, SHORT_SELL):
        return ""
    fund = judged.account.permissions.private_fund
    short = kind == SHORT_SELL
    ratios = judged.policy.credit.ratios(short=short, fund=fund)
    if ratio_at(ratios, judged.now_ns) >= 0:
        return ""
    if not short:
        return "financing_ratios"
    return "private_fund_short_ratios" if fund else "short_ratios"


def room_exceeded(judged: Judgement) -> Rejection | None:
    """Refuse to close more than there is to be closed (4.18, 4.19)."""
    kind = judged.order.margin_kind
    if judged.is_exit or not kind or opens(kind):
        return None
    room = judged.exit_room
    if kind == BUY_TO_RETURN:
        return account_entry(judged.account, RejectReason.POSITION_LIMIT, judged.quantity, room)
    return instrument_entry(judged, RejectReason.NOT_SELLABLE, judged.quantity, room)


def credit_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add what 4.18 and 4.19 have against an order that opens."""
    if not opens(judged.order.margin_kind):
        return
    if found := position_limit(judged):
        rejections.append(found)
    if found := ownership_limit(judged):
        rejections.append(found)
    if judged.order.margin_kind == SHORT_SELL:
        if found := credit_short_not_allowed(judged):
            rejections.append(found)
        if found := credit_short_unlocated(judged):
            rejections.append(found)


def credit_short_not_allowed(judged: Judgement) -> Rejection | None:
    """Refuse to sell short what cannot be, or below the last trade, for which the mark stands."""
    position = judged.position
    if not judged.instrument.terms.dealing.shortable:
        opening = judged.quantity
        if position is not None and position.holding is not None:
            opening += position.holding.open_short
        return instrument_entry(judged, RejectReason.SHORT_NOT_ALLOWED, opening, 0)
    if judged.is_market:
        return instrument_entry(judged, RejectReason.SHORT_NOT_ALLOWED, None, judged.mark)
    if judged.price < judged.mark:
        return instrument_entry(judged, RejectReason.SHORT_NOT_ALLOWED, judged.price, judged.mark)
    return None


def credit_short_unlocated(judged: Judgement) -> Rejection | None:
    """Refuse short sales over the pool, all accounts together; no pool is 4.8's."""
    pool = judged.instrument.terms.dealing.short_pool
    use = judged.instrument.short_use + judged.quantity
    if pool < 0 or use <= pool:
        return None
    return instrument_entry(judged, RejectReason.SHORT_UNLOCATED, use, pool)


def credit_valued_reasons(judged: Judgement, rejections: list[Rejection]) -> None:
    """Add 4.22 of an order that opens."""
    if not unset_haircut(judged) and not unset_ratio(judged):
        available = judged.equity - judged.initial
        cost = order_cost(judged)
        if judged.order.margin_kind == COLLATERAL_BUY:
            free = free_cash(judged.account) - cost
            available = min(available, free)
        if found := credit_margin(judged.account, available):
            rejections.append(found)


def credit_margin(account: Account, available: int) -> Rejection | None:
    """Refuse what leaves less than nothing available, or less cash than it is paid with (4.22)."""
    if available >= 0:
        return None
    return account_entry(account, RejectReason.INITIAL_MARGIN, available, 0)


def credit_lines(judged: Judgement) -> Rejection | None:
    """Refuse what passes the account's financing line or its short line (4.24)."""
    short_value = judged.line[6] + judged.rest.line[6]
    more = order_cost(judged) if judged.order.margin_kind == MARGIN_BUY else 0
    return over_lines(judged.account, judged.limits, more, short_value)


def over_lines(
    account: Account, limits: Effective, more: int, short_value: int
) -> Rejection | None:
    """Name the line that is passed by more; `more` is financed beside what the account owes."""
    drawn = drawn_of(account) + more
    over = drawn - limits.credit_line_e4
    short_over = short_value - limits.short_line_e4
    if over <= 0 and short_over <= 0:
        return None
    reason = RejectReason.CREDIT_LINE
    name = account.account_id
    if over >= short_over:
        line = limits.credit_line_e4
        return Rejection(reason, drawn, line, ScopeKind.ACCOUNT, name, "financing")
    line = limits.short_line_e4
    return Rejection(reason, short_value, line, ScopeKind.ACCOUNT, name, "short")


def account_entry(account: Account, reason: RejectReason, measured: int, limit: int) -> Rejection:
    """Write a reason down whose limit is the account's."""
    return Rejection(reason, measured, limit, ScopeKind.ACCOUNT, account.account_id)


def instrument_entry(
    judged: Judgement, reason: RejectReason, measured: int | None, limit: int
) -> Rejection:
    """Write a reason down whose limit is the instrument's."""
    return Rejection(reason, measured, limit, ScopeKind.INSTRUMENT, judged.instrument.instrument_id)
