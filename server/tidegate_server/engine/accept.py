"""The common case: a plain order, or a plain exit, that nothing speaks against.

Most orders are in whole shares, with nothing halted that concerns them, and pass. `accepted` says
so with local variables only, and leaves every other order, and every doubt, to the full judgement
(judge.py), which alone knows reasons. It may never accept what the full judgement refuses, nor what
it has a warning for: so it takes limits in either mode for ones that refuse (`Effective.strict`).
The oracle and a law hold the two against each other.
"""

from __future__ import annotations

from .account import Account
from .add_on_memos import covered
from .checks.stops import is_stopped
from .commands import BUY, MODEL_CN_MARGIN, MODEL_LEVERAGED, REGIME_HALTED, CheckOrder
from .effective import Effective
from .exposure import line_in_model, line_of
from .footing import Footing
from .instrument import Instrument
from .latches import repeats_too_often
from .lines import NO_LINE, Line, exchanged
from .margin_lines import Valued
from .policy import Policy
from .position import Position
from .rates import known_rates
from .resting import crossed_order
from .room import Room, room_of
from .shares import UNSTRESSED, Share
from .sharing import share_of, stressed_with
from .state import Book
from .valuing import stays
from .walk import fresh_until, lines_hold
from .within import (
    carries,
    may_add,
    open_orders_within,
    positions_within,
    price_within,
    sells_short,
    sums_within,
)

# The price to reserve an order at, its position's line and the account's sum of lines with it, what
# the valuation changed, whether it is a verified exit, the account's share with it and what all its
# positions would then lose under stress.
Accepted = tuple[int, Line, Line, Valued | None, bool, Share | None, int]


def accepted(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    limits: Effective,
    now_ns: int,
) -> Accepted | None:
    """Return how to reserve the order, or None where in doubt; judges 4.4 to 4.26."""
    room = plain_room(book, policy, account, instrument, order, limits, now_ns)
    if room is None:
        return None
    least = instrument.terms.least_quantity
    quantity = order.quantity
    if (
        quantity > room.quantity
        or quantity < least
        or (quantity - least) % instrument.terms.quantity_step
    ):
        return None
    reserved = price_within(room, limits, instrument, order)
    if reserved < 0:
        return None
    return within_limits(book, policy, account, instrument, order, limits, room, reserved, now_ns)


def plain_room(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    limits: Effective,
    now_ns: int,
) -> Room | None:
    """Return the order's room; None where its market is not plain, or what is counted is full."""
    rates = known_rates(instrument, account.margin_model)
    if (
        rates is None
        or (book.stops_at and is_stopped(book, account, order.instrument_id, order.principal))
        or (book.latches and (account.account_id, instrument.instrument_id) in book.latches)
        or account.margin_model == MODEL_CN_MARGIN
        or book.regime == REGIME_HALTED
        or book.risk_refusal is not None
        or order.margin_kind
        or policy.principal_rate_missing
        or (
            not instrument.open_from_ns <= now_ns < instrument.plain_until_ns
            and not is_plain(policy, instrument, now_ns)
        )
    ):
        return None
    room = room_of(policy, limits, account, instrument, rates)
    if (
        not room.is_plain
        or account.open_order_count >= limits.open_order_count
        or account.day_order_count >= limits.day_order_count
        or account.next_order_ns > now_ns + limits.rate_tolerance_ns
        or book.principal_next_ns.get(order.principal, 0) > now_ns + policy.principal_tolerance_ns
        or (policy.repeat_count and repeats_too_often(policy, account, order, now_ns))
        or (policy.scopes and not open_orders_within(book, room))
    ):
        return None
    return room


def is_plain(policy: Policy, instrument: Instrument, now_ns: int) -> bool:
    """Tell whether the market in the instrument is open and its figures fresh; note until when."""
    instrument.plain_until_ns = 0
    if instrument.mark:
        until_ns = fresh_until(instrument, policy) + 1
        instrument.plain_until_ns = min(instrument.open_until_ns, until_ns)
    return instrument.open_from_ns <= now_ns < instrument.plain_until_ns


def within_limits(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    limits: Effective,
    room: Room,
    reserved: int,
    now_ns: int,
) -> Accepted | None:
    """Return as `accepted`, whatever the order's shape: judges what looks at the position."""
    quantity = order.quantity
    position = account.positions.get(instrument.instrument_id)
    held = open_buy = open_sell = buy_notional = sell_notional = 0
    if position is not None:
        held = position.quantity
        open_buy = position.open_buy
        open_sell = position.open_sell
        buy_notional = position.buy_notional
        sell_notional = position.sell_notional
    if order.side == BUY:
        is_exit = quantity <= -held - open_buy
        open_buy += quantity
        buy_notional += quantity * reserved
    else:
        is_exit = quantity <= held - open_sell
        open_sell += quantity
        sell_notional += quantity * reserved
    if (policy.self_trade_scope and crossed_order(book, account, position, order) is not None) or (
        (instrument.terms.dealing.sellable_next_day and order.side != BUY)
        if is_exit
        else not may_open(
            account, position, instrument, order, limits, room, reserved, open_buy, open_sell
        )
    ):
        return None
    if not lines_hold(book, account, policy, now_ns) or account.totals is None:
        return None
    line = line_of(held, open_buy, open_sell, buy_notional, sell_notional, instrument, room.rates)
    if account.margin_model != MODEL_LEVERAGED:
        line = line_in_model(account.margin_model, line, held, open_sell, instrument)
    totals = exchanged(account.totals, NO_LINE if position is None else position.line, line)
    if not is_exit:
        if not carries(account, limits, room, totals, line[3], instrument):
            return None
        if policy.add_ons is not None and not covered(
            book, account, policy, position, instrument, room, line, totals, open_buy, open_sell
        ):
            return None
    change = None
    if not stays(account, limits, totals, is_exit):
        footing = Footing(account, limits, (totals[7], totals[8]))
        if not is_exit and not may_add(account, limits, footing):
            return None
        change = footing.change
    if not policy.keeps_shares:
        return reserved, line, totals, change, is_exit, None, UNSTRESSED
    stressed = stressed_with(book, account, position, policy, room.stress_bps, line, now_ns)
    share = share_of(account, totals, account.cash, stressed, now_ns, 0)
    if not is_exit and not sums_within(book, policy, account, room, share, now_ns):
        return None
    return reserved, line, totals, change, is_exit, share, stressed


def may_open(
    account: Account,
    position: Position | None,
    instrument: Instrument,
    order: CheckOrder,
    limits: Effective,
    room: Room,
    reserved: int,
    open_buy: int,
    open_sell: int,
) -> bool:
    """Tell whether new risk is within what is counted in quantities; what is open is with it."""
    terms = instrument.terms
    held = before = 0
    if position is not None:
        held = position.quantity
        before = position.reach()
    bought = held + open_buy
    sold = open_sell - held
    if order.side == BUY:
        needed_rate = terms.initial_long_bps
    else:
        needed_rate = terms.initial_short_bps
        if not sells_short(account, instrument, position, sold):
            return False
    return (
        (needed_rate >= 0 or not terms.marginable)
        and not order.reduce_only
        and account.turnover_e4 + order.quantity * reserved <= limits.day_turnover_e4
        and positions_within(room, account, instrument, before, bought if bought > sold else sold)
    )
