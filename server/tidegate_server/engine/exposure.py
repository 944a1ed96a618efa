"""What an account's positions and open orders are worth (rulebook section 3).

Per account and instrument, P is the signed position, OB and OS the open buys and sells, RB and RS
those at their reserved prices. Opening parts count as filled, exits do not (3.5).
"""

from __future__ import annotations

from .account import Account
from .amounts import (
    ONE,
    ROUND_UP,
    lower_ratio_bps,
    raw_up,
    scale_up,
    upper_ratio_bps,
)
from .cn.terms import held_and_owed, line_of_terms, shown_maintenance, terms_of
from .commands import (
    MODEL_CN_MARGIN,
    MODEL_LEVERAGED,
)
from .instrument import Instrument, Rates
from .lines import Line
from .margin.models import in_model, required
from .outcomes import Figures
from .position import Position


def line_of_position(position: Position, rates: Rates, model: int) -> Line:
    """Return a position's line; its instrument has a mark."""
    instrument = position.instrument
    if model == MODEL_CN_MARGIN:
        return credit_line_of(position, rates)
    if not (position.open_buy or position.open_sell):
        line = line_of_holding(position.quantity, instrument, rates)
    else:
        line = line_of(
            position.quantity,
            position.open_buy,
            position.open_sell,
            position.buy_notional,
            position.sell_notional,
            instrument,
            rates,
        )
    if model != MODEL_LEVERAGED:
        return line_in_model(model, line, position.quantity, position.open_sell, instrument)
    return line


def credit_line_of(position: Position, rates: Rates, *, fills_only: bool = False) -> Line:
    """Return a position's line under `cn_margin` (6.3)."""
    instrument = position.instrument
    high = instrument.high
    unit = instrument.terms.unit
    holding = position.holding
    terms = terms_of(
        position.quantity, holding, instrument.low, high, unit, rates[1], fills_only=fills_only
    )
    longs = position.quantity
    shorts = 0
    if holding is not None:
        shorts = holding.owed
        if not fills_only:
            longs += holding.open_long
            shorts += holding.open_short
    actual = held_and_owed(position.quantity, holding, instrument.low, high, unit)
    return line_of_terms(terms, longs, shorts, high, unit, rates[0], actual)


def line_in_model(
    model: int, line: Line, quantity: int, open_sell: int, instrument: Instrument
) -> Line:
    """Return a line with the requirements of its account's margin model."""
    shorts = max(0, open_sell - quantity)  # once the opening sells are filled (3.2)
    return in_model(model, line, shorts, instrument.mark, instrument.high, instrument.terms.unit)


def line_of_holding(quantity: int, instrument: Instrument, rates: Rates) -> Line:
    """Return the line of a position without open orders: the short way to the same figures."""
    factor, initial, short_initial, maintenance, short_maintenance = rates
    unit = instrument.terms.unit
    if quantity < 0:
        value = raw_up(-quantity * instrument.high, unit)
        owed = raw_up(-quantity * instrument.slow_mark, unit)
        rates_of_side = (factor, short_initial, short_maintenance)
        return long_or_short(0, 0, value, value, rates_of_side, 0, owed)
    value = raw_up(quantity * instrument.high, unit)
    low = quantity * instrument.low // unit
    own = quantity * instrument.slow_mark // unit
    return long_or_short(0, low, 0, value, (factor, initial, maintenance), own, 0)


def actual_line_of(quantity: int, instrument: Instrument, rates: Rates, model: int) -> Line:
    """Return the line of what is held or owed alone, at the slow mark on both sides (3.7)."""
    factor, initial, short_initial, maintenance, short_maintenance = rates
    unit = instrument.terms.unit
    slow = instrument.slow_mark
    if quantity < 0:
        value = raw_up(-quantity * slow, unit)
        rates_of_side = (factor, short_initial, short_maintenance)
        line = long_or_short(0, 0, value, value, rates_of_side, 0, value)
    else:
        held = quantity * slow // unit
        value = raw_up(quantity * slow, unit)
        line = long_or_short(0, held, 0, value, (factor, initial, maintenance), held, 0)
    return in_model(model, line, max(0, -quantity), instrument.mark, slow, unit)


def long_or_short(
    cash: int,
    assets: int,
    debt: int,
    gross: int,
    rates: tuple[int, int, int],
    held: int,
    owed: int,
) -> Line:
    """Return a line of one side only: its value times three rates, as `scale_up` takes them.

    The split is made once for the three: v_eff, initial and maintenance.
    """
    factor, initial, maintenance = rates
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
        held,
        owed,
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
    loss_buy = buy_notional - open_buy * mark
    loss_sell = open_sell * mark - sell_notional
    if unit == 1 and quantity >= 0 and open_sell <= quantity:  # most lines: no short side
        cash = -open_buy * mark
        if loss_buy > 0:
            cash -= loss_buy
        if loss_sell > 0:
            cash -= loss_sell
        longs = quantity + open_buy
        low, high = longs * instrument.low, longs * instrument.high
        own = quantity * instrument.slow_mark
        side = (factor, long_initial, long_maintenance)
        return long_or_short(cash, low, 0, high, side, own, 0)
    held = quantity if quantity > 0 else 0
    owed = -quantity if quantity < 0 else 0
    opening_buy = quantity + open_buy
    opening_buy = (opening_buy if opening_buy > 0 else 0) - held
    opening_sell = open_sell - quantity
    opening_sell = (opening_sell if opening_sell > 0 else 0) - owed
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
        held * instrument.slow_mark // unit,
        -(-owed * instrument.slow_mark // unit),
    )


def exit_quantity(quantity: int, open_buy: int, open_sell: int, buy: bool) -> int:  # noqa: FBT001 - on the order path
    """Return how much an order of this side can close (3.3)."""
    room = -quantity - open_buy if buy else quantity - open_sell
    return room if room > 0 else 0


def figures_of(account: Account, line: Line, offset: int = 0) -> Figures:
    """Return an account's figures from the sum of its lines (3.5); what hedges need less (6.4)."""
    cash = account.cash + line[0]
    assets = (cash if cash > 0 else 0) + line[1]
    debt = (-cash if cash < 0 else 0) + line[2] + account.interest_and_fees
    equity = assets - debt
    initial = required(account.margin_model, line[5] - offset, debt)
    if account.margin_model == MODEL_CN_MARGIN:
        maintenance = shown_maintenance(initial, debt)
    else:
        maintenance = required(account.margin_model, line[6] - offset, debt)
    return Figures(
        cash,
        assets,
        debt,
        line[3],
        line[4],
        initial,
        maintenance,
        lower_ratio_bps(assets, debt) if debt > 0 else -1,
        upper_ratio_bps(line[4], equity) if equity > 0 else -1,
    )
