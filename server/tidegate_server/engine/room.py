"""Single comparisons of the fast path (accept.py): whether an order has room beside its limits.

None of them knows a reason: where one says no, the full judgement looks for itself.
"""

from __future__ import annotations

from typing import Final

from .amounts import AMOUNT_BOUND, ONE, scale_down, scale_up, unscale_down
from .checks.concentration import cap_at
from .checks.losses import day_loss, drawdown
from .commands import BUY, CheckOrder, InstrumentTerms
from .effective import Effective, collar_bps
from .footing import Footing
from .lines import Line
from .margin_lines import CALLED
from .policy import NO_CHECK, NO_COLLAR, Policy
from .pricing import NO_PRICE
from .scope_room import position_fits, room_of
from .scopes import within_ownership
from .state import Account, Instrument, Position
from .walk import gross_by

NOT_SET: Final = -1


def price_in_room(limits: Effective, instrument: Instrument, order: CheckOrder, factor: int) -> int:
    """Return the price to reserve an order at, NO_PRICE where in doubt; judges 4.9 to 4.13."""
    terms = instrument.terms
    mark = instrument.mark
    price = order.price_e4
    quantity = order.quantity
    if price:
        away = price - mark if order.side == BUY else mark - price
        if (
            price % terms.tick_e4
            or price < terms.lower_limit_e4
            or 0 <= terms.upper_limit_e4 < price
            or (away > 0 and not within_collar(limits, instrument, factor, away))
        ):
            return NO_PRICE
        reserved = mark if away < 0 else price
    else:
        reserved = market_price(limits, instrument, factor, buys=order.side == BUY)
    highest = price if price > mark else mark
    if quantity * reserved > AMOUNT_BOUND or not within_size(
        limits, terms.average_volume, quantity, quantity * highest, factor
    ):
        return NO_PRICE
    return reserved


def market_price(limits: Effective, instrument: Instrument, factor: int, *, buys: bool) -> int:
    """Return what a market order is reserved at (3.1); NO_PRICE where in doubt."""
    collar = collar_bps(limits, factor, instrument.terms.price_limit_bps)
    if collar == NO_COLLAR or not limits.takes_market:
        return NO_PRICE
    mark = instrument.mark
    reach = scale_up(mark, collar)
    if not buys:
        return max(mark - reach, instrument.terms.lower_limit_e4, 0)
    highest = instrument.terms.upper_limit_e4
    return highest if 0 <= highest < mark + reach else mark + reach


def sums_hold(
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    limits: Effective,
    open_buy: int,
    open_sell: int,
) -> bool:
    """Tell whether the order keeps ownership and the limits of other scopes (2.1, 4.18, 4.26).

    What is open is with it.
    """
    cap = limits.ownership_bps
    room = None
    if policy.scopes:
        room = room_of(policy, account, instrument)
        if room.ownership_bps < cap:
            cap = room.ownership_bps
    shares = instrument.terms.shares_outstanding
    within = cap == NO_CHECK or instrument.reach + order.quantity <= scale_down(shares, cap)
    if within and room is None:
        return True  # all accounts together have no more than one may
    position = account.positions.get(instrument.instrument_id)
    held = before = 0
    if position is not None:
        held = position.quantity
        before = position.reach()
    reach = max(held + open_buy, open_sell - held)
    return (within or within_ownership(account, instrument, before, reach, cap)) and (
        room is None or position_fits(room, instrument, before, reach)
    )


def may_add(account: Account, limits: Effective, footing: Footing) -> bool:
    """Tell whether an account may add risk where it stands (4.23, 4.25)."""
    if footing.lines >= CALLED and limits.margin_call_bps:
        return False
    if limits.is_still:
        return True
    name = account.account_id
    lost = day_loss(name, limits, footing)
    return lost is None and drawdown(name, limits, footing) is None


def sells_short(
    account: Account, instrument: Instrument, position: Position | None, short: int
) -> bool:
    """Tell whether an account may become so much short (4.7, 4.19); not asked about an exit."""
    dealing = instrument.terms.dealing
    before = 0
    if position is not None:
        if dealing.sellable_next_day and position.bought_today:
            return False
        before = position.short()
    return (
        account.permissions.short
        and dealing.shortable
        and instrument.short_use + short - before <= dealing.short_pool
    )


def carries(
    account: Account,
    limits: Effective,
    totals: Line,
    gross: int,
    terms: InstrumentTerms,
    factor: int,
) -> bool:
    """Tell whether the account's figures (3.5) carry `gross` of the instrument among them."""
    cash = account.cash + totals[0]
    assets = totals[1]
    debt = totals[2] + account.interest_and_fees
    if cash >= 0:
        assets += cash
    elif account.permissions.margin:
        debt -= cash
        if -cash > limits.credit_line_e4:
            return False
    else:
        return False
    if debt and assets < scale_up(debt, limits.margin_call_bps):
        return False
    equity = assets - debt
    leverage_cap = limits.leverage_bps
    if (
        equity <= 0
        or totals[3] > AMOUNT_BOUND
        or equity < totals[5]
        or (leverage_cap != NO_CHECK and totals[4] > scale_down(equity, leverage_cap))
    ):
        return False
    cap = limits.least_concentration.get(terms.rating_group, NOT_SET)
    if cap == NOT_SET:
        if limits.concentration_required:
            return False
    elif cap != NO_CHECK and gross > scale_down(assets, unscale_down(cap, factor)):
        cap = cap_at(limits.concentration[terms.rating_group], assets, debt)
        if not within_cap(cap, factor, assets, gross):
            return False  # not within the smallest, nor within that of its band
    if limits.sector_concentration or limits.board_concentration:
        return within_tables(account, limits, terms, factor, assets, debt, gross)
    return True


def within_tables(
    account: Account,
    limits: Effective,
    terms: InstrumentTerms,
    factor: int,
    assets: int,
    debt: int,
    gross: int,
) -> bool:
    """Tell whether sector and board are within their caps; `gross` is the instrument's (4.20)."""
    of_sector = limits.sector_concentration.get(terms.sector)
    of_board = limits.board_concentration.get(terms.board)
    if of_sector is None and of_board is None:
        return True
    by_sector, by_board = gross_by(account)
    position = account.positions.get(terms.instrument_id)
    if position is not None:
        gross -= position.line[3]
    sector = by_sector.get(terms.sector, 0) + gross
    board = by_board.get(terms.board, 0) + gross
    return (
        of_sector is None or within_cap(cap_at(of_sector, assets, debt), factor, assets, sector)
    ) and (of_board is None or within_cap(cap_at(of_board, assets, debt), factor, assets, board))


def within_cap(cap: int, factor: int, assets: int, gross: int) -> bool:
    """Tell whether a gross is within a cap, which the factor divides (5.3)."""
    return cap == NO_CHECK or gross <= scale_down(assets, unscale_down(cap, factor))


def within_collar(limits: Effective, instrument: Instrument, factor: int, away: int) -> bool:
    """Tell whether a price is within the collar (4.12)."""
    collar = collar_bps(limits, factor, instrument.terms.price_limit_bps)
    return collar == NO_COLLAR or away <= scale_down(instrument.mark, collar)


def within_position(limits: Effective, own_limit: int, bought: int, sold: int) -> bool:
    """Tell whether both limits of the position hold (4.18)."""
    greatest = bought if bought > sold else sold
    return greatest <= limits.position and not 0 <= own_limit < greatest


def within_size(limits: Effective, volume: int, quantity: int, notional: int, factor: int) -> bool:
    """Tell whether notional and share of volume are within their limits and bounds (4.13, 1.4)."""
    limit = limits.order_notional_e4
    if factor != ONE and limit != NO_CHECK:
        limit = unscale_down(limit, factor)
    if notional > limit or notional > AMOUNT_BOUND:
        return False
    share_bps = limits.order_volume_share_bps
    return share_bps == NO_CHECK or (volume >= 0 and quantity <= scale_down(volume, share_bps))
