"""Single comparisons of the fast path (accept.py): whether an order has room beside its limits.

None of them knows a reason: where one says no, the full judgement looks for itself.
"""

from __future__ import annotations

from .account import Account
from .amounts import AMOUNT_BOUND, scale_down, scale_up
from .checks.concentration import cap_at, within_cap
from .checks.losses import day_loss, drawdown
from .commands import BUY, MODEL_REG_T, CheckOrder
from .effective import Effective
from .footing import Footing
from .instrument import Instrument
from .limit import NO_CHECK, NO_COLLAR
from .lines import Line
from .margin.models import required
from .margin_lines import CALLED
from .policy import Policy
from .position import Position
from .pricing import NO_PRICE, market_price
from .room import Room
from .scopes import firm_exposure, owned_after
from .shares import Share
from .state import Book
from .walk import gross_by


def price_within(room: Room, limits: Effective, instrument: Instrument, order: CheckOrder) -> int:
    """Return the price to reserve an order at, NO_PRICE where in doubt; judges 4.9 to 4.13."""
    terms = instrument.terms
    mark = instrument.mark
    price = order.price_e4
    if price:
        away = price - mark if order.side == BUY else mark - price
        if (
            price % terms.tick_e4
            or price < terms.lower_limit_e4
            or 0 <= terms.upper_limit_e4 < price
            or (
                away > 0
                and room.collar_bps != NO_COLLAR
                and away > scale_down(mark, room.collar_bps)
            )
        ):
            return NO_PRICE
        reserved = mark if away < 0 else price
    elif limits.takes_market and room.collar_bps != NO_COLLAR:
        reserved = market_price(room.collar_bps, instrument, buys=order.side == BUY)
    else:
        return NO_PRICE
    highest = price if price > mark else mark
    if order.quantity * highest > room.notional_e4 or order.quantity * reserved > AMOUNT_BOUND:
        return NO_PRICE
    return reserved


def open_orders_within(book: Book, room: Room) -> bool:
    """Tell whether firm and groups may have one more open order (4.16)."""
    if book.open_order_count >= room.firm_orders:
        return False
    for group_id, cap in room.group_orders:  # noqa: SIM110 - a generator an order costs more
        if book.open_orders_of.get(group_id, 0) >= cap:
            return False
    return True


def positions_within(
    room: Room, account: Account, instrument: Instrument, before: int, after: int
) -> bool:
    """Tell whether a position may reach so far, where it reached `before` (4.18, 4.26)."""
    change = after - before
    total = instrument.reach + change
    if after > room.position or total > room.firm_position:
        return False
    # All accounts together often have no more than one group may.
    if total > room.shares and owned_after(account, instrument, before, after) > room.shares:
        return False
    for group_id, cap in room.group_positions:
        if instrument.reach_of.get(group_id, 0) + change > cap:
            return False
    return room.exposure_e4 == NO_CHECK or firm_exposure(instrument, change) <= room.exposure_e4


def sums_within(
    book: Book, policy: Policy, account: Account, room: Room, share: Share, now_ns: int
) -> bool:
    """Tell whether sums over groups and the firm hold with such a share, and no other is too old.

    False also where that takes a closer look than one at each sum.
    """
    sums = book.share_sums
    own = account.counted
    if sums is None or own is None:
        return False
    since_ns = now_ns - policy.max_valuation_age_ns
    for group_id, cap in room.group_exposures:
        total = sums.get(group_id)
        if total is None or total.gross - own[1] + share[1] > cap or not total.is_young(since_ns):
            return False
    reserve = policy.reserve
    firm = sums[""]
    if reserve is None:
        if room.financing_e4 == NO_CHECK:
            return True
    else:
        if firm.unstressed or own[3] < 0 or share[3] < 0:
            return False
        shortfall = firm.shortfall - own[3] + share[3]
        if shortfall and reserve.pool_e4 < scale_up(shortfall, reserve.coverage_bps):
            return False
    drawn = firm.drawn - own[2] + share[2]
    return drawn <= room.financing_e4 and firm.is_young(since_ns)


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
    room: Room,
    totals: Line,
    gross: int,
    instrument: Instrument,
) -> bool:
    """Tell whether the account's figures (3.5) carry `gross` of the instrument among them.

    What its positions hedge of each other (6.4) is left out: with it, they could only carry more.
    """
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
        or (account.margin_model == MODEL_REG_T and equity < required(MODEL_REG_T, totals[5], debt))
        or (leverage_cap != NO_CHECK and totals[4] > scale_down(equity, leverage_cap))
    ):
        return False
    cap = room.concentration_bps
    if cap != NO_CHECK and gross > scale_down(assets, cap):
        bands = limits.concentration[instrument.terms.rating_group]
        if not within_cap(cap_at(bands, assets, debt), room.rates[0], assets, gross):
            return False  # not within the smallest cap, nor within that of its band
    return room.tables_bps == NO_CHECK or within_tables(
        account, limits, room, instrument, assets, debt, gross
    )


def within_tables(
    account: Account,
    limits: Effective,
    room: Room,
    instrument: Instrument,
    assets: int,
    debt: int,
    gross: int,
) -> bool:
    """Tell whether sector and board are within their caps; `gross` is the instrument's (4.20)."""
    terms = instrument.terms
    by_sector, by_board = gross_by(account)
    position = account.positions.get(instrument.instrument_id)
    if position is not None:
        gross -= position.line[3]
    sector = by_sector.get(terms.sector, 0) + gross
    board = by_board.get(terms.board, 0) + gross
    if (sector if sector > board else board) <= scale_down(assets, room.tables_bps):
        return True  # within every cap of either
    bands = limits.sector_concentration.get(terms.sector, [])
    if not within_cap(cap_at(bands, assets, debt), room.rates[0], assets, sector):
        return False
    bands = limits.board_concentration.get(terms.board, [])
    return within_cap(cap_at(bands, assets, debt), room.rates[0], assets, board)
