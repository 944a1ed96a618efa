"""The common case in one function: a plain order that nothing speaks against.

Most orders are limit orders for new risk in whole units, in a calm market without a single halt,
and pass. `accepted` says so with local variables only, and leaves every other order, and
every doubt, to the full judgement (judge.py), which alone knows reasons. It may never accept what
the full judgement refuses: the oracle and a law hold the two against each other.

It saves a quarter of what an accepted order costs, interpreted (bench: engine_ns_per_check).
"""

from __future__ import annotations

from .amounts import AMOUNT_BOUND, ONE, scale_down, scale_up, unscale_down
from .checks.concentration import cap_at
from .checks.losses import day_loss, drawdown
from .commands import BUY, LIMIT_ORDER, MODEL_LEVERAGED, REGIME_CALM, CheckOrder
from .effective import Effective, collar_bps
from .exposure import line_of
from .footing import Footing
from .latches import repeats_too_often
from .lines import Line
from .margin_lines import CALLED, Valued
from .overriding import effective_limits
from .policy import NO_CHECK, NO_COLLAR, Policy
from .resting import crossed_order
from .scopes import within_ownership, within_scopes
from .state import Account, Book, Instrument, Position
from .valuing import stays
from .walk import walk

# The price to reserve an order at, its position's line with it, and what the valuation changed.
Accepted = tuple[int, Line, Valued | None]


def accepted(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    now_ns: int,
) -> Accepted | None:
    """Return how to reserve the order, or None where in doubt; judges 4.4 to 4.25."""
    limits = effective_limits(account, policy, now_ns)
    terms = instrument.terms
    rates = instrument.rates
    mark = instrument.mark
    price = order.price_e4
    quantity = order.quantity
    if (
        book.stops_at
        or (book.latches and (account.account_id, instrument.instrument_id) in book.latches)
        or account.margin_model != MODEL_LEVERAGED
        or book.regime != REGIME_CALM
        or book.risk_refusal is not None
        or order.order_type != LIMIT_ORDER
        or order.reduce_only
        or order.margin_kind
        or not limits.is_plain
        or policy.principal_rate_missing
        or policy.keeps_shares
        or not mark
        or not instrument.open_from_ns <= now_ns < instrument.open_until_ns
        or rates is None
        or terms.dealing.plain_product not in limits.plain_products
        or terms.unit != 1
        or not terms.marginable
        or now_ns > instrument.mark_time_ns + policy.max_mark_age_ns
        or now_ns > instrument.factor_time_ns + policy.max_volatility_age_ns
        or quantity > limits.order_quantity
        or quantity < terms.least_quantity
        or (quantity - terms.least_quantity) % terms.quantity_step
        or price % terms.tick_e4
        or price < terms.lower_limit_e4
        or 0 <= terms.upper_limit_e4 < price
        or account.open_order_count >= limits.open_order_count
        or account.day_order_count >= limits.day_order_count
        or account.next_order_ns > now_ns + limits.rate_tolerance_ns
    ):
        return None
    return within_limits(book, policy, account, instrument, order, limits, now_ns)


def within_limits(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    limits: Effective,
    now_ns: int,
) -> Accepted | None:
    """Return as `accepted`, for an order that is plain; judges what has a figure."""
    terms = instrument.terms
    mark = instrument.mark
    price = order.price_e4
    quantity = order.quantity
    position = account.positions.get(instrument.instrument_id)
    held = open_buy = open_sell = buy_notional = sell_notional = 0
    if position is not None:
        held = position.quantity
        open_buy = position.open_buy
        open_sell = position.open_sell
        buy_notional = position.buy_notional
        sell_notional = position.sell_notional
    highest = price if price > mark else mark
    if order.side == BUY:
        away = price - mark
        reserved = highest
        exit_room = -held - open_buy
        needed_rate = terms.initial_long_bps
        open_buy += quantity
        buy_notional += quantity * reserved
    else:
        away = mark - price
        reserved = price if price < mark else mark
        exit_room = held - open_sell
        needed_rate = terms.initial_short_bps
        open_sell += quantity
        sell_notional += quantity * reserved
    rates = instrument.rates
    if rates is None or needed_rate < 0 or quantity <= exit_room:
        return None
    if order.side != BUY and not sells_short(account, instrument, position, open_sell - held):
        return None
    factor = rates[0]
    if (
        account.turnover_e4 + quantity * reserved > limits.day_turnover_e4
        or book.principal_next_ns.get(order.principal, 0) > now_ns + policy.principal_tolerance_ns
        or not within_position(limits, terms.position_limit, held + open_buy, open_sell - held)
        or (policy.repeat_count and repeats_too_often(policy, account, order, now_ns))
        or (policy.self_trade_scope and crossed_order(book, account, position, order) is not None)
        or (away > 0 and not within_collar(limits, instrument, factor, away))
        or not within_size(limits, terms.average_volume, quantity, quantity * highest, factor)
        or (
            (limits.has_sums or policy.scopes)
            and not sums_hold(book, policy, account, instrument, order, limits, open_buy, open_sell)
        )
    ):
        return None
    walked = walk(account, position, policy, ONE, now_ns)
    if walked.missing_id or walked.stale_id:
        return None
    line = line_of(held, open_buy, open_sell, buy_notional, sell_notional, instrument, rates)
    rest = walked.line
    if not carries(account, limits, rest, line, terms.rating_group, factor):
        return None
    footing = None
    if not stays(account, limits, rest, line):
        footing = Footing(account, limits, (rest[7] + line[7], rest[8] + line[8]))
        if not may_add(account, limits, footing):
            return None
    return reserved, line, None if footing is None else footing.change


def sums_hold(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument,
    order: CheckOrder,
    limits: Effective,
    open_buy: int,
    open_sell: int,
) -> bool:
    """Tell whether the order keeps ownership and the limits of other scopes (2.1, 4.18, 4.26).

    What is open is with it. Sums over sectors and boards are left in doubt.
    """
    terms = instrument.terms
    if terms.sector in limits.sector_concentration or terms.board in limits.board_concentration:
        return False
    cap = limits.ownership_bps
    if not policy.scopes and (
        cap == NO_CHECK
        or instrument.reach + order.quantity <= scale_down(terms.shares_outstanding, cap)
    ):
        return True  # all accounts together have no more than one may
    position = account.positions.get(instrument.instrument_id)
    held = before = 0
    if position is not None:
        held = position.quantity
        before = position.reach()
    reach = max(held + open_buy, open_sell - held)
    if not within_ownership(account, instrument, before, reach, limits.ownership_bps):
        return False
    if not policy.scopes:
        return True
    highest = max(order.price_e4, instrument.mark)
    return within_scopes(book, policy, account, instrument, order.quantity, highest, before, reach)


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
    account: Account, limits: Effective, rest: Line, line: Line, group: str, factor: int
) -> bool:
    """Tell whether the account's figures carry a line of the instrument beside the rest (3.5)."""
    cash = account.cash + rest[0] + line[0]
    assets = rest[1] + line[1]
    debt = rest[2] + line[2] + account.interest_and_fees
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
        or rest[3] + line[3] > AMOUNT_BOUND
        or equity < rest[5] + line[5]
        or (leverage_cap != NO_CHECK and rest[4] + line[4] > scale_down(equity, leverage_cap))
    ):
        return False
    bands = limits.concentration.get(group)
    if bands is None:
        return not limits.concentration_required
    cap = cap_at(bands, assets, debt)
    return cap == NO_CHECK or line[3] <= scale_down(assets, unscale_down(cap, factor))


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
