"""What an account's positions and open orders are worth (rulebook section 3).

Per account and instrument, P is the signed position, OB and OS the open buys and sells, RB and RS
those at their reserved prices. Opening parts count as filled, exits do not (3.5).
"""

from __future__ import annotations

from .amounts import (
    INT64_MAX,
    ONE,
    RATIO_BOUND,
    ROUND_UP,
    lower_ratio_bps,
    raw_up,
    scale_up,
    upper_ratio_bps,
)
from .commands import REGIME_ELEVATED, REGIME_HALTED, REGIME_STRESSED
from .lines import NO_LINE, Line, minus, plus
from .margin.leveraged import effective_rates
from .outcomes import Figures
from .policy import Policy
from .state import Account, Book, Instrument, Position, Rates


class Walk:
    """The sum of an account's lines but one, and what its marks lack.

    `missing_id` names the smallest instrument id without a mark, `stale_id` the smallest whose mark
    is too old; both empty if there is none.
    """

    __slots__ = ("line", "missing_id", "stale_id")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.missing_id = ""
        self.stale_id = ""


def walk(
    account: Account,
    without: Position | None,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
) -> Walk:
    """Sum the lines of all positions but one, at the current marks.

    The account keeps the sum of its positions' lines as they were last worked out. So the walk only
    asks each position whether its line still holds, puts right the few that do not, and takes the
    one to be left out off the sum: 9 byte codes a position where adding up afresh took 75 (bench:
    engine_ns_per_check).
    """
    if account.totals is None:
        account.totals = sum_of_lines(account.active)
        account.fresh_until_ns = 0
    found = Walk(account.totals)
    if now_ns > account.fresh_until_ns:
        look_at_all(account, without, found, policy, regime_bps, now_ns)
    else:
        for position in account.active:
            if position.line_revision != position.instrument.revision and position is not without:
                refresh(account, position, policy, regime_bps, now_ns)
        if now_ns > account.fresh_until_ns:  # a policy allows less age than the one before
            look_at_all(account, without, found, policy, regime_bps, now_ns)
    found.line = account.totals
    if without is not None and without.line is not NO_LINE:
        found.line = minus(account.totals, without.line)
    return found


def look_at_all(
    account: Account,
    without: Position | None,
    found: Walk,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
) -> None:
    """Look at every position, since some mark or factor may be stale; note what is missing."""
    fresh_until_ns = INT64_MAX
    for position in account.active:
        instrument = position.instrument
        mark_until_ns = instrument.mark_time_ns + policy.max_mark_age_ns
        factor_until_ns = instrument.factor_time_ns + policy.max_volatility_age_ns
        fresh_until_ns = min(fresh_until_ns, mark_until_ns, factor_until_ns)
        if position is without:
            continue
        if now_ns > mark_until_ns:
            note_mark(found, instrument)
        if position.line_revision != instrument.revision + (now_ns > factor_until_ns):
            refresh(account, position, policy, regime_bps, now_ns)
    account.fresh_until_ns = fresh_until_ns


def refresh(
    account: Account, position: Position, policy: Policy, regime_bps: int, now_ns: int
) -> None:
    """Work a position's line out anew; the account's sum follows it."""
    instrument = position.instrument
    factor_until_ns = instrument.factor_time_ns + policy.max_volatility_age_ns
    stressed = now_ns > factor_until_ns
    rates = instrument.rates
    if stressed or rates is None:
        rates = rates_of(instrument, policy, regime_bps, stressed=stressed)
    line = line_of_position(position, rates) if instrument.mark else NO_LINE
    account.replace_line(position, line)
    position.line_revision = instrument.revision + 1 if stressed else instrument.revision
    fresh_until_ns = instrument.mark_time_ns + policy.max_mark_age_ns
    if fresh_until_ns > factor_until_ns:
        fresh_until_ns = factor_until_ns
    if fresh_until_ns < account.fresh_until_ns:
        account.fresh_until_ns = fresh_until_ns


def sum_of_lines(positions: list[Position]) -> Line:
    """Return the sum of positions' lines as they were last worked out."""
    total = NO_LINE
    for position in positions:
        total = plus(total, position.line)
    return total


def note_mark(found: Walk, instrument: Instrument) -> None:
    """Note an instrument whose mark is missing or too old; the smallest id of each is kept."""
    name = instrument.instrument_id
    if not instrument.mark:
        if not found.missing_id or name < found.missing_id:
            found.missing_id = name
    elif not found.stale_id or name < found.stale_id:
        found.stale_id = name


def rates_of(instrument: Instrument, policy: Policy, regime_bps: int, *, stressed: bool) -> Rates:
    """Return v_eff and the effective margin rates (a memo); stressed: the factor is stale (5.1)."""
    if stressed:
        if instrument.stressed_rates is None:
            factor = max(instrument.factor_bps, ONE, policy.stress_factor_bps)
            instrument.stressed_rates = effective_rates(
                instrument.terms, scaled_factor(factor, regime_bps)
            )
        return instrument.stressed_rates
    if instrument.rates is None:
        factor = max(instrument.factor_bps, ONE)
        instrument.rates = effective_rates(instrument.terms, scaled_factor(factor, regime_bps))
    return instrument.rates


def scaled_factor(factor_bps: int, regime_bps: int) -> int:
    """Return v_eff: the factor times the regime, from 10 000 up to the bound of ratios (5.2)."""
    return min(max(ONE, scale_up(factor_bps, regime_bps)), RATIO_BOUND)


def regime_multiplier(book: Book, policy: Policy) -> int:
    """Return what the regime multiplies factors by, in bps (5.2)."""
    if book.regime == REGIME_ELEVATED:
        return policy.elevated_regime_bps
    if book.regime in (REGIME_STRESSED, REGIME_HALTED):
        return policy.stressed_regime_bps
    return ONE


def line_of_position(position: Position, rates: Rates) -> Line:
    """Return a position's line; its instrument has a mark."""
    if not (position.open_buy or position.open_sell):
        return line_of_holding(position.quantity, position.instrument, rates)
    return line_of(
        position.quantity,
        position.open_buy,
        position.open_sell,
        position.buy_notional,
        position.sell_notional,
        position.instrument,
        rates,
    )


def line_of_holding(quantity: int, instrument: Instrument, rates: Rates) -> Line:
    """Return the line of a position without open orders: the short way to the same figures."""
    factor, initial, short_initial, maintenance, short_maintenance = rates
    unit = instrument.terms.unit
    if quantity < 0:
        value = raw_up(-quantity * instrument.high, unit)
        return long_or_short(0, 0, value, value, factor, short_initial, short_maintenance)
    value = raw_up(quantity * instrument.high, unit)
    low = quantity * instrument.low // unit
    return long_or_short(0, low, 0, value, factor, initial, maintenance)


def long_or_short(
    cash: int, assets: int, debt: int, gross: int, factor: int, initial: int, maintenance: int
) -> Line:
    """Return a line of one side only: its value times three rates, as `scale_up` takes them.

    The split is made once for the three: 0.9 instead of 1.3 us a line, interpreted.
    """
    whole = gross // ONE
    rest = gross % ONE
    return (
        cash,
        assets,
        debt,
        gross,
        whole * factor + (rest * factor + ROUND_UP) // ONE,
        whole * initial + (rest * initial + ROUND_UP) // ONE,
        whole * maintenance + (rest * maintenance + ROUND_UP) // ONE,
    )


def line_of(
    quantity: int,
    open_buy: int,
    open_sell: int,
    buy_notional: int,
    sell_notional: int,
    instrument: Instrument,
    rates: Rates,
) -> Line:
    """Return the projected line of a position with open orders (3.2, 3.5, 6.1)."""
    factor, long_initial, short_initial, long_maintenance, short_maintenance = rates
    unit = instrument.terms.unit
    mark = instrument.mark
    held = quantity if quantity > 0 else 0
    owed = -quantity if quantity < 0 else 0
    opening_buy = quantity + open_buy
    opening_buy = (opening_buy if opening_buy > 0 else 0) - held
    opening_sell = open_sell - quantity
    opening_sell = (opening_sell if opening_sell > 0 else 0) - owed
    loss_buy = buy_notional - open_buy * mark
    loss_sell = open_sell * mark - sell_notional
    cash = opening_sell * mark // unit - -(-opening_buy * mark // unit)
    if loss_buy > 0:
        cash -= -(-loss_buy // unit)
    if loss_sell > 0:
        cash -= -(-loss_sell // unit)
    long_value = -(-(held + opening_buy) * instrument.high // unit)
    if not owed and not opening_sell:  # most lines: the short side would add nothing
        low = (held + opening_buy) * instrument.low // unit
        return long_or_short(cash, low, 0, long_value, factor, long_initial, long_maintenance)
    short_value = -(-(owed + opening_sell) * instrument.high // unit)
    gross = long_value if long_value > short_value else short_value
    return (
        cash,
        (held + opening_buy) * instrument.low // unit,
        short_value,
        gross,
        scale_up(gross, factor),
        max(scale_up(long_value, long_initial), scale_up(short_value, short_initial)),
        max(scale_up(long_value, long_maintenance), scale_up(short_value, short_maintenance)),
    )


def exit_quantity(quantity: int, open_buy: int, open_sell: int, buy: bool) -> int:  # noqa: FBT001 - on the order path
    """Return how much an order of this side can close (3.3)."""
    room = -quantity - open_buy if buy else quantity - open_sell
    return room if room > 0 else 0


def figures_of(account: Account, line: Line) -> Figures:
    """Return an account's figures from the sum of its lines (3.5)."""
    cash = account.cash + line[0]
    assets = (cash if cash > 0 else 0) + line[1]
    debt = (-cash if cash < 0 else 0) + line[2] + account.interest_and_fees
    equity = assets - debt
    return Figures(
        cash,
        assets,
        debt,
        line[3],
        line[4],
        line[5],
        line[6],
        lower_ratio_bps(assets, debt) if debt > 0 else -1,
        upper_ratio_bps(line[4], equity) if equity > 0 else -1,
    )


def projected_figures(book: Book, account: Account, now_ns: int) -> Figures | None:
    """Return the account's projected figures; None where something has no mark."""
    policy = book.policy
    if policy is None:
        return None
    total = walk(account, None, policy, regime_multiplier(book, policy), now_ns)
    return None if total.missing_id else figures_of(account, total.line)


def actual_figures(book: Book, account: Account, now_ns: int) -> Figures | None:
    """Return figures of fills only, at the slow-mark bounds (3.7); None where a mark is missing."""
    policy = book.policy
    if policy is None:
        return None
    regime_bps = regime_multiplier(book, policy)
    factor_horizon = now_ns - policy.max_volatility_age_ns
    total = NO_LINE
    for position in account.active:
        if not position.quantity:
            continue
        instrument = position.instrument
        if not instrument.mark:
            return None
        stressed = instrument.factor_time_ns < factor_horizon
        rates = rates_of(instrument, policy, regime_bps, stressed=stressed)
        line = line_of_holding(position.quantity, instrument, rates)
        total = plus(total, line)
    return figures_of(account, total)
