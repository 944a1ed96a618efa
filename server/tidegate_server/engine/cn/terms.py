"""Available balance and maintenance ratio of `cn_margin`, term by term.

Two figures that are never mixed: the ratio takes values as they are, the available balance takes
collateral and gains at their haircuts. Assets are valued at the low mark, short debt at the high
one; what is for the account rounds down, what is against it up, each term by itself.
"""

from __future__ import annotations

from ..amounts import raw_down, raw_up, scale_down, scale_up  # noqa: TID252 - one level up is this room
from ..lines import Line  # noqa: TID252 - the same
from .contracts import FINANCED, Contract, Holding, OpenPart
from .kinds import COLLATERAL_BUY, MARGIN_BUY

# The maintenance requirement that is shown: what a ratio of 130 % leaves beside the debt.
SHOWN_MAINTENANCE_BPS = 3_000

# An instrument's share of its account: cash, assets, debt, available, value of short debt.
Terms = tuple[int, int, int, int, int]


def terms_of(
    quantity: int,
    holding: Holding | None,
    low: int,
    high: int,
    unit: int,
    haircut: int,
    *,
    fills_only: bool = False,
) -> Terms:
    """Return the terms of what is held, owed and, unless `fills_only`, open of an instrument."""
    if holding is None:
        assets = raw_down(quantity * low, unit)
        return 0, assets, 0, scale_down(assets, haircut), 0
    short_value = raw_up(holding.owed * high, unit)
    available = scale_down(raw_down((quantity - holding.financed) * low, unit), haircut)
    cash = 0
    assets = raw_down(quantity * low, unit)
    debt = short_value
    for contract in holding.contracts:
        debt += contract.interest
        if contract.kind == FINANCED:
            debt += contract.amount
        available += available_of(contract, low, high, unit, haircut)
    if not fills_only:
        for part in holding.parts.values():
            more = terms_of_part(part, low, high, unit, haircut)
            cash += more[0]
            assets += more[1]
            debt += more[2]
            available += more[3]
            short_value += more[4]
    return cash, assets, debt, available, short_value


def available_of(contract: Contract, low: int, high: int, unit: int, haircut: int) -> int:
    """Return what one contract adds to the available balance: gains at the haircut, losses whole.

    The gain of one contract never covers the loss of another.
    """
    if contract.kind == FINANCED:
        gain = raw_down(contract.quantity * low, unit) - contract.amount
        needed = scale_up(contract.amount, contract.ratio_bps)
    else:
        value = raw_up(contract.quantity * high, unit)
        gain = contract.amount - value
        needed = contract.amount + scale_up(value, contract.ratio_bps)
    if gain > 0:
        gain = scale_down(gain, haircut)
    return gain - needed - contract.interest


def terms_of_part(part: OpenPart, low: int, high: int, unit: int, haircut: int) -> Terms:
    """Return the terms of an open order, taken as filled at its reserved price."""
    raw = part.remaining * part.price
    if part.kind in (COLLATERAL_BUY, MARGIN_BUY):
        cost = raw_up(raw, unit)
        worth = raw_down(part.remaining * low, unit)
        if worth > cost:
            worth = cost
        if part.kind == COLLATERAL_BUY:
            return -cost, worth, 0, scale_down(worth, haircut) - cost, 0
        return 0, worth, cost, worth - cost - scale_up(cost, part.ratio_bps), 0
    proceeds = raw_down(raw, unit)
    worth = raw_up(part.remaining * high, unit)
    if worth < proceeds:
        worth = proceeds
    return proceeds, 0, worth, proceeds - worth - scale_up(worth, part.ratio_bps), worth


def held_and_owed(
    quantity: int, holding: Holding | None, low: int, high: int, unit: int
) -> tuple[int, int]:
    """Return what is held and owed of an instrument, open orders left out (3.7)."""
    worth = raw_down(quantity * low, unit)
    if holding is None:
        return worth, 0
    owed = raw_up(holding.owed * high, unit)
    for contract in holding.contracts:
        owed += contract.interest
        if contract.kind == FINANCED:
            owed += contract.amount
    return worth, owed


def line_of_terms(
    terms: Terms,
    longs: int,
    shorts: int,
    high: int,
    unit: int,
    factor: int,
    actual: tuple[int, int],
) -> Line:
    """Return the terms as a line.

    Its initial margin is what makes equity less initial margin the available balance. In the place
    of the maintenance margin, which depends on the account's debt, stands the value of short debt.
    `longs` and `shorts` are quantities with what is open; they never net (gross_i). `actual` is
    what is held and owed without what is open.
    """
    gross = raw_up(longs * high, unit) + raw_up(shorts * high, unit)
    cash, assets, debt, available, short_value = terms
    initial = cash + assets - debt - available
    weighted = scale_up(gross, factor)
    return cash, assets, debt, gross, weighted, initial, short_value, actual[0], actual[1]


def shown_maintenance(initial: int, debt: int) -> int:
    """Return the maintenance requirement that is shown, no more than the initial one."""
    needed = scale_up(debt, SHOWN_MAINTENANCE_BPS)
    return needed if needed < initial else initial
