"""Margin add-ons: what large, illiquid and closely held positions require besides (5.4).

The tables give each position points: by its weight in the account's gross, by the days of volume
and by the share of the issue that the account's topmost group has of it. They raise the rates of
initial and maintenance margin alike (5.2), under `portfolio` the sum beside the losses (6.4);
`cn_margin` has none (6.3).

A position's line is without them, since any mark may change the weight of all. Whoever sums lines
up and needs the requirements adds them here to the sum. An order changes the weight of the others
too; theirs is left as it was before, so that one of another size costs no second look at them.
"""

from __future__ import annotations

from .account import Account
from .add_on_tables import NO_POINTS, AddOns, Points
from .amounts import ONE, RATIO_BOUND, raw_up, scale_up
from .commands import MODEL_CN_MARGIN, MODEL_PORTFOLIO
from .instrument import Instrument, Rates
from .lines import Line
from .margin.models import in_model
from .policy import Policy
from .position import Position
from .rates import rates_at
from .scopes import owned_after

# What add-ons require more than a line, initial and maintenance, in e4.
More = tuple[int, int]


def charged(
    account: Account,
    line: Line,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
    *,
    without: Position | None = None,
    gross: int = -1,
    weighed: list[str] | None = None,
) -> Line:
    """Return the sum of an account's lines with the add-ons of its positions.

    Their lines are up to date. `gross` is what they are weighed against if not the sum's, `weighed`
    the instruments that are weighed against the sum's all the same. `without` is left out.
    """
    tables = policy.add_ons
    if tables is None or account.margin_model == MODEL_CN_MARGIN:
        return line
    found = line
    for position in account.active:
        instrument = position.instrument
        if position is without or not instrument.mark:
            continue
        rates = rates_at(instrument, policy, regime_bps, account.margin_model, now_ns)
        own = gross < 0 or (weighed is not None and instrument.instrument_id in weighed)
        of_account = line[3] if own else gross
        reach = position.reach()
        more = more_of_position(account, tables, position, position.line, rates, of_account, reach)
        found = with_more(found, more)
    return found


def more_of_position(
    account: Account,
    tables: AddOns,
    position: Position,
    line: Line,
    rates: Rates,
    of_account: int,
    reach_before: int,
) -> More:
    """Return as `more_of` of a position with its open orders.

    The group's sum knows it with `reach_before`, which is less or more than its own if it is not as
    the book has it.
    """
    instrument = position.instrument
    of_group = owned_after(account, instrument, reach_before, position.reach())
    bought = position.quantity + position.open_buy
    sold = position.open_sell - position.quantity
    high = instrument.high
    return more_of(
        account, tables, instrument, line, rates, of_account, of_group, bought, sold, high
    )


def charged_fills(
    account: Account, line: Line, tables: AddOns, parts: list[tuple[Position, Line, Rates]]
) -> Line:
    """Return the sum of an account's actual figures (3.7) with add-ons; `parts` are its lines.

    Weights are those of what is filled. Days and ownership count open orders all the same: they
    are what the whole group may come to have.
    """
    found = line
    for position, own, rates in parts:
        held = position.quantity
        reach = position.reach()
        of_group = owned_after(account, position.instrument, reach, reach)
        more = more_of(
            account,
            tables,
            position.instrument,
            own,
            rates,
            line[3],
            of_group,
            held,
            -held,
            position.instrument.slow_mark,
        )
        found = with_more(found, more)
    return found


def more_of(
    account: Account,
    tables: AddOns,
    instrument: Instrument,
    line: Line,
    rates: Rates,
    of_account: int,
    of_group: int,
    bought: int,
    sold: int,
    price: int,
) -> More:
    """Return what add-ons require more of a position than its line.

    It is weighed against `of_account`, the account's gross; `of_group` is how far the topmost
    group's positions go (4.18). `bought` is the position with its open buys filled, `sold` the
    opposite of it with its open sells, each at `price`.
    """
    terms = instrument.terms
    points = points_of(tables, instrument, line, of_account, of_group)
    if points == NO_POINTS:
        return 0, 0
    shorts = sold if sold > 0 else 0
    long_value = raw_up((bought if bought > 0 else 0) * price, terms.unit)
    short_value = raw_up(shorts * price, terms.unit)
    if account.margin_model == MODEL_PORTFOLIO:
        more = max(scale_up(long_value, points[0]), scale_up(short_value, points[1]))
        return more, more
    initial = raised(rates[1], rates[2], points, long_value, short_value)
    maintenance = raised(rates[3], rates[4], points, long_value, short_value)
    whole = (*line[:5], initial, maintenance, line[7], line[8])
    whole = in_model(account.margin_model, whole, shorts, instrument.mark, price, terms.unit)
    return whole[5] - line[5], whole[6] - line[6]


def points_now(account: Account, tables: AddOns, position: Position, gross: int) -> Points:
    """Return the points of a position whose line is up to date, its account's gross being that."""
    if account.margin_model == MODEL_CN_MARGIN:
        return NO_POINTS
    reach = position.reach()
    of_group = owned_after(account, position.instrument, reach, reach)
    return points_of(tables, position.instrument, position.line, gross, of_group)


def points_of(
    tables: AddOns, instrument: Instrument, line: Line, of_account: int, of_group: int
) -> Points:
    """Return the points of a line of an instrument, as `more_of` takes them."""
    terms = instrument.terms
    return tables.points(
        line[3], of_account, of_group, terms.average_volume, terms.shares_outstanding
    )


def raised(
    long_rate: int, short_rate: int, points: Points, long_value: int, short_value: int
) -> int:
    """Return a requirement at rates that points are added to (5.2).

    A long needs 100 % at most, or its rate alone if that is higher: a rate that volatility raised
    is above 100 % only where the instrument's own is, and then is that.
    """
    long_rate = max(long_rate, min(long_rate + points[0], ONE))
    short_rate = min(short_rate + points[1], RATIO_BOUND)
    return max(scale_up(long_value, long_rate), scale_up(short_value, short_rate))


def with_more(line: Line, more: More) -> Line:
    """Return a line that requires so much more."""
    return (*line[:5], line[5] + more[0], line[6] + more[1], line[7], line[8])
