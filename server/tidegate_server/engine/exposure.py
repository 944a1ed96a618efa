"""What an account's positions and open orders are worth (rulebook section 3).

Per account and instrument, P is the signed position, OB and OS the open buys and sells, RB and RS
those at their reserved prices. Opening parts count as filled, exits do not (3.5).

A `Line` is one position's share of the account's projected figures: change of cash, assets, short
debt, gross, gross weighted by volatility, initial margin, maintenance margin. An account's figures
are sums of lines, so what one order changes is the line of its own instrument.
"""

from __future__ import annotations

from .amounts import (
    ONE,
    RATIO_BOUND,
    lower_ratio_bps,
    scale_up,
    upper_ratio_bps,
)
from .commands import REGIME_ELEVATED, REGIME_HALTED, REGIME_STRESSED, InstrumentTerms
from .margin.leveraged import effective_rates
from .outcomes import Figures
from .policy import Policy
from .state import NO_LINE, Account, Book, Instrument, Line, Position, Rates


class Walk:
    """The sum of an account's lines but one, and what its marks lack.

    `missing_id` names the smallest instrument id without a mark, `stale_id` the smallest whose mark
    is too old; both empty if there is none.
    """

    __slots__ = (
        "assets",
        "cash",
        "gross",
        "initial",
        "maintenance",
        "missing_id",
        "short_debt",
        "stale_id",
        "weighted",
    )

    def __init__(self) -> None:
        self.cash = 0
        self.assets = 0
        self.short_debt = 0
        self.gross = 0
        self.weighted = 0
        self.initial = 0
        self.maintenance = 0
        self.missing_id = ""
        self.stale_id = ""


def walk(
    account: Account,
    without: Instrument | None,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
) -> Walk:
    """Sum the lines of all positions but one, at the current marks.

    The memo on each position makes this a comparison and seven additions a position: at 50 positions
    15 us instead of 95 us, interpreted (bench: engine_ns_per_check).
    """
    total = Walk()
    mark_horizon = now_ns - policy.max_mark_age_ns
    factor_horizon = now_ns - policy.max_volatility_age_ns
    cash = assets = short_debt = gross = weighted = initial = maintenance = 0
    for position in account.active:
        instrument = position.instrument
        if instrument is without:
            continue
        if instrument.mark_time_ns < mark_horizon:
            note_mark(total, instrument)
            if not instrument.mark:
                continue
        stressed = instrument.factor_time_ns < factor_horizon
        revision = instrument.revision + 1 if stressed else instrument.revision
        if position.line_revision != revision:
            position.line = line_of_position(
                position, rates_of(instrument, policy, regime_bps, stressed=stressed)
            )
            position.line_revision = revision
        line_cash, line_assets, line_short, line_gross, line_weighted, line_initial, line_low = (
            position.line
        )
        cash += line_cash
        assets += line_assets
        short_debt += line_short
        gross += line_gross
        weighted += line_weighted
        initial += line_initial
        maintenance += line_low
    total.cash = cash
    total.assets = assets
    total.short_debt = short_debt
    total.gross = gross
    total.weighted = weighted
    total.initial = initial
    total.maintenance = maintenance
    return total


def note_mark(total: Walk, instrument: Instrument) -> None:
    """Note an instrument whose mark is missing or too old; the smallest id of each is kept."""
    name = instrument.instrument_id
    if not instrument.mark:
        if not total.missing_id or name < total.missing_id:
            total.missing_id = name
    elif not total.stale_id or name < total.stale_id:
        total.stale_id = name


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
    factor, long_initial, short_initial, long_maintenance, short_maintenance = rates
    unit = instrument.terms.unit
    if quantity >= 0:
        raw = quantity * instrument.high
        value = raw if unit == 1 else (raw + unit - 1) // unit
        return (
            0,
            quantity * instrument.low // unit,
            0,
            value,
            scale_up(value, factor),
            scale_up(value, long_initial),
            scale_up(value, long_maintenance),
        )
    raw = -quantity * instrument.high
    value = raw if unit == 1 else (raw + unit - 1) // unit
    return (
        0,
        0,
        value,
        value,
        scale_up(value, factor),
        scale_up(value, short_initial),
        scale_up(value, short_maintenance),
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


def figures_of(account: Account, rest: Walk, line: Line) -> Figures:
    """Return an account's figures: the rest of its lines and one more (3.5)."""
    cash = account.cash + rest.cash + line[0]
    assets = (cash if cash > 0 else 0) + rest.assets + line[1]
    debt = (-cash if cash < 0 else 0) + rest.short_debt + line[2] + account.interest_and_fees
    weighted = rest.weighted + line[4]
    equity = assets - debt
    return Figures(
        cash,
        assets,
        debt,
        rest.gross + line[3],
        weighted,
        rest.initial + line[5],
        rest.maintenance + line[6],
        lower_ratio_bps(assets, debt) if debt > 0 else -1,
        upper_ratio_bps(weighted, equity) if equity > 0 else -1,
    )


def projected_figures(book: Book, account: Account, now_ns: int) -> Figures | None:
    """Return the account's projected figures; None where something has no mark."""
    policy = book.policy
    if policy is None:
        return None
    total = walk(account, None, policy, regime_multiplier(book, policy), now_ns)
    return None if total.missing_id else figures_of(account, total, NO_LINE)


def actual_figures(book: Book, account: Account, now_ns: int) -> Figures | None:
    """Return figures of fills only, at the slow-mark bounds (3.7); None where a mark is missing."""
    policy = book.policy
    if policy is None:
        return None
    regime_bps = regime_multiplier(book, policy)
    factor_horizon = now_ns - policy.max_volatility_age_ns
    total = Walk()
    for position in account.active:
        if not position.quantity:
            continue
        instrument = position.instrument
        if not instrument.mark:
            return None
        stressed = instrument.factor_time_ns < factor_horizon
        rates = rates_of(instrument, policy, regime_bps, stressed=stressed)
        add_line(total, line_of_holding(position.quantity, instrument, rates))
    return figures_of(account, total, NO_LINE)


def add_line(total: Walk, line: Line) -> None:
    """Add one line to a sum."""
    total.cash += line[0]
    total.assets += line[1]
    total.short_debt += line[2]
    total.gross += line[3]
    total.weighted += line[4]
    total.initial += line[5]
    total.maintenance += line[6]


def listed_terms(instrument_id: str) -> InstrumentTerms:
    """Return the terms of an instrument that only a fact has named: nothing is known of it."""
    return InstrumentTerms(instrument_id=instrument_id)
