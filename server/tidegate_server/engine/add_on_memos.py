"""Add-ons on the fast path: what they require is kept by position, and holds within spans (5.4).

The fast path (accept.py) asks one thing of add-ons: whether the equity that an order leaves unused
covers them. Three answers are tried, each dearer than the one before. Of an order that is no exit,
in process, at 10 positions, where the full judgement costs 75 us more than the fast path:

- the most that any points can add to the account's sums, which looks at no position: 2 us;
- by position what its memo says, or the most that any points can add where no memo holds: 6 us;
- by position what its memo says, missing ones worked out: 24 us where two or three are missing.

A memo holds as long as the position stays as it is, and the account's gross and the reach of its
topmost group stay between the same edges of the tables. So the last answer is exact.

Accounts get here with lines that hold and every mark; memos are of `leveraged` only.
"""

from __future__ import annotations

from .account import Account
from .add_on_tables import AddOns, ShareBand, together
from .add_ons import raised
from .amounts import INT64_MAX, ONE, raw_up, scale_down, scale_up, unscale_up
from .commands import MODEL_LEVERAGED, MODEL_PORTFOLIO
from .instrument import Instrument, Rates
from .lines import Line
from .policy import Policy
from .position import Position
from .rates import rates_of, regime_multiplier
from .room import Room
from .scopes import owned_after
from .state import Book

# The points of a share, and the least and the most part of the whole that has them.
Span = tuple[int, int, int]


class AddOnMemo:
    """What add-ons require of initial margin beyond a position's line, in e4, and while what holds.

    It is of these `tables`, of the line at `revision` (as the position counts it), of so much
    `bought` and `sold` as `more_of` takes them; of any gross of the account in e4 and any reach of
    its topmost group within the spans, both ends among them. The line follows from these, but for
    its cash. All is compared by value: nobody who changes a position need know of its memo.
    """

    __slots__ = (
        "bought",
        "initial",
        "least_gross",
        "least_reach",
        "most_gross",
        "most_reach",
        "revision",
        "sold",
        "tables",
    )

    def __init__(
        self,
        tables: AddOns,
        instrument: Instrument,
        revision: int,
        rates: Rates,
        line: Line,
        of_account: int,
        of_group: int,
        bought: int,
        sold: int,
    ) -> None:
        self.tables = tables
        self.revision = revision
        self.bought = bought
        self.sold = sold
        terms = instrument.terms
        days, low, high = span_of(tables.days, of_group, terms.average_volume)
        owned, least, most = span_of(tables.ownership, of_group, terms.shares_outstanding)
        self.least_reach = low if low > least else least
        self.most_reach = high if high < most else most
        longs, shorts = self._weigh(tables, line[3], of_account)
        points = together(longs, shorts, days + owned)
        self.initial = 0
        if points[0] or points[1]:
            long_value = raw_up((bought if bought > 0 else 0) * instrument.high, terms.unit)
            short_value = raw_up((sold if sold > 0 else 0) * instrument.high, terms.unit)
            whole = raised(rates[1], rates[2], points, long_value, short_value)
            self.initial = whole - line[5]

    def _weigh(self, tables: AddOns, gross: int, of_account: int) -> tuple[int, int]:
        """Return the points of the axis of weight; keep the span of the account's gross."""
        longs = shorts = 0
        self.least_gross = 0
        self.most_gross = INT64_MAX
        for above_bps, more_long, more_short in tables.weight:
            # Above this edge is whoever's account has less than that. Above 0 is whatever is.
            edge = unscale_up(gross, above_bps) if above_bps else INT64_MAX
            if of_account >= edge:
                self.least_gross = edge
                break
            self.most_gross = edge - 1
            longs = more_long
            shorts = more_short
        return longs, shorts


def span_of(bands: list[ShareBand], part: int, whole: int) -> Span:
    """Return the points of a part of a whole as `points_of`, and of which parts they are."""
    if whole < 0:
        return bands[-1][1] if bands else 0, 0, INT64_MAX
    points = 0
    least = 0
    for above_bps, of_band in bands:
        edge = scale_down(whole, above_bps)
        if part <= edge:
            return points, least, edge
        points = of_band
        least = edge + 1
    return points, least, INT64_MAX


def covered(
    book: Book,
    account: Account,
    policy: Policy,
    position: Position | None,
    instrument: Instrument,
    room: Room,
    line: Line,
    totals: Line,
    open_buy: int,
    open_sell: int,
) -> bool:
    """Tell whether an account has what add-ons require once an order is reserved (4.22).

    `line` is its instrument's with the order, `totals` the account's, both without add-ons; what is
    open is with the order, too. The account's own sum is still that before it.
    """
    tables = policy.add_ons
    if tables is None or account.totals is None:
        return tables is None
    debt = totals[2] + account.interest_and_fees
    spare = account.cash + totals[0] + totals[1] - debt - totals[5]
    if most_of_all(tables, totals, len(account.active) + 1, account.margin_model) <= spare:
        return True
    if account.margin_model != MODEL_LEVERAGED:
        return False  # no memo is of another model
    gross = account.totals[3]
    most = most_of(tables, line)
    if most + most_of_others(account, tables, position, gross) <= spare:
        return True
    held = reach_before = 0
    if position is not None:
        held = position.quantity
        reach_before = position.reach()
    bought = held + open_buy
    sold = open_sell - held
    reach = bought if bought > sold else sold
    of_group = owned_after(account, instrument, reach_before, reach)
    revision = instrument.revision
    memo = AddOnMemo(
        tables, instrument, revision, room.rates, line, totals[3], of_group, bought, sold
    )
    if position is not None:
        position.add_on_memo = memo  # of the position if the order is reserved; else it never holds
    regime_bps = regime_multiplier(book, policy)
    others = of_others(account, policy, regime_bps, tables, position, gross)
    return memo.initial + others <= spare


def most_of_all(tables: AddOns, totals: Line, count: int, model: int) -> int:
    """Return the most that any points may add to a sum of so many lines, in e4.

    Where points raise a rate, 100 % is all that a long needs (5.2); under `portfolio` they add to a
    loss, however much that is (6.4). A sum is rounded once where each line is: a long's and a
    short's points of each may need 1 more.
    """
    of_longs = tables.most_long
    if of_longs > ONE and model != MODEL_PORTFOLIO:
        of_longs = ONE
    most = scale_up(totals[3], of_longs)
    if totals[2]:
        most += scale_up(totals[2], tables.most_short)
    return most + 2 * count


def most_of(tables: AddOns, line: Line) -> int:
    """Return the most that any points may add to the initial margin of a line, in e4.

    They raise a long's requirement to its value at most, or not at all.
    """
    most = line[3] - line[5]
    if most < 0:
        most = 0
    if line[2]:
        of_short = scale_up(line[2], tables.most_short)
        if of_short > most:
            return of_short
    return most


def most_of_others(account: Account, tables: AddOns, without: Position | None, gross: int) -> int:
    """Return the most that add-ons require of all positions but one, in e4; as memos say exactly.

    They are weighed against `gross`. Memos that do not hold are dropped.
    """
    total = 0
    groups = account.groups
    topmost = groups[-1] if groups else ""
    for position in account.active:
        if position is without:
            continue
        memo = position.add_on_memo
        if memo is not None:
            reach_of = position.instrument.reach_of
            reach = reach_of.get(topmost, 0) if groups else position.reach()
            if (
                memo.revision == position.line_revision
                and memo.bought == position.quantity + position.open_buy
                and memo.sold == position.open_sell - position.quantity
                and memo.least_gross <= gross <= memo.most_gross
                and memo.least_reach <= reach <= memo.most_reach
                and memo.tables is tables
            ):
                total += memo.initial
                continue
            position.add_on_memo = None
        total += most_of(tables, position.line)
    return total


def of_others(
    account: Account,
    policy: Policy,
    regime_bps: int,
    tables: AddOns,
    without: Position | None,
    gross: int,
) -> int:
    """Return what add-ons require of all positions but one, in e4, once `most_of_others` is known.

    So whatever memo there is holds; where there is none, there is one then.
    """
    total = 0
    for position in account.active:
        if position is without:
            continue
        memo = position.add_on_memo
        if memo is None:
            memo = memo_of(account, policy, regime_bps, tables, position, gross)
            position.add_on_memo = memo
        total += memo.initial
    return total


def memo_of(
    account: Account,
    policy: Policy,
    regime_bps: int,
    tables: AddOns,
    position: Position,
    of_account: int,
) -> AddOnMemo:
    """Return the memo of a position whose line holds."""
    instrument = position.instrument
    revision = position.line_revision
    stressed = revision != instrument.revision
    rates = rates_of(instrument, policy, regime_bps, MODEL_LEVERAGED, stressed=stressed)
    reach = position.reach()
    of_group = owned_after(account, instrument, reach, reach)
    bought = position.quantity + position.open_buy
    sold = position.open_sell - position.quantity
    line = position.line
    return AddOnMemo(tables, instrument, revision, rates, line, of_account, of_group, bought, sold)
