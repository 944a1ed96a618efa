"""The book: everything that decisions depend on.

Two kinds of attributes live here. *State* follows from the records alone, is in snapshots and in
the state hash. *Memos* are worked out from state and policy when first needed, so that an order's
walk costs a comparison and a few additions a position; they may be dropped at any time, and no
hash or snapshot knows them. Each class names its memos.

An account is rolled to a new trading day when it is next looked at (`roll_if_due`). What rolling
does follows from state that no longer changes, so it may happen at any time before: it too is
invisible to the hash.
"""

from __future__ import annotations

from collections import deque

from .closing import count_bought, equity_at_close
from .cn.contracts import Credit, Holding
from .commands import CheckOrders
from .due import DueQueue, Rank
from .effective import Effective
from .group import Group
from .instrument_terms import InstrumentTerms
from .ladders import Ladder
from .limit import Limit
from .lines import NO_LINE, Line, exchanged
from .margin_lines import NEVER
from .order import EventEntry, Order
from .outcomes import BatchOutcome, Figures, Refusal
from .override import Override, override_rank
from .permissions import NO_PERMISSIONS
from .policy import Policy
from .policy_version import PolicyVersion
from .reconciliation import Reconciliation
from .repeats import Times
from .shares import Share, ShareSum
from .stop import RepeatKey, Stop, stop_id_of
from .tier_standing import TierStanding

Rates = tuple[int, int, int, int, int]
# Where, in which instrument, on which side.
LadderKey = tuple[str, str, int]

GrossBy = tuple[dict[str, int], dict[str, int]]

ORDER_ID_LIMIT = 1 << 20
UNBOUNDED = 1 << 62


class Instrument:
    """One instrument. A mark of 0 is none yet; a factor of 0 was never given.

    Memos: `rates` and `stressed_rates` (v_eff and effective margin rates with the own and with the
    stressed factor), `rates_by_model` (those of the less common margin models), `open_from_ns` and
    `open_until_ns` (a span in which it may be traded, 4.6), `plain_until_ns` (until when the fast
    path knows that nothing about it is special, accept.py), `short_use` (what all accounts are
    short of it, open sales filled, 4.19), `reach` and `reach_of` (how far the positions of all
    accounts go, and by group: reach.py). `revision` is even and grows by two with whatever a
    position's value depends on, so that one comparison finds a stale memo.
    """

    __slots__ = (
        "closing_mark",
        "factor_bps",
        "factor_time_ns",
        "high",
        "instrument_id",
        "low",
        "mark",
        "mark_time_ns",
        "model_version",
        "open_from_ns",
        "open_until_ns",
        "plain_until_ns",
        "rates",
        "rates_by_model",
        "reach",
        "reach_of",
        "revision",
        "short_use",
        "slow_mark",
        "slow_time_ns",
        "stressed_rates",
        "terms",
        "touched",
    )

    def __init__(self, terms: InstrumentTerms) -> None:
        self.instrument_id = terms.instrument_id
        self.terms = terms
        self.mark = 0
        self.mark_time_ns = 0
        self.slow_mark = 0
        self.slow_time_ns = 0
        self.low = 0
        self.high = 0
        self.factor_bps = 0
        self.factor_time_ns = 0
        self.model_version = ""
        self.closing_mark = 0
        self.touched = False
        self.revision = 2
        self.open_from_ns = 0
        self.open_until_ns = 0
        self.plain_until_ns = 0
        self.short_use = 0
        self.reach = 0
        self.reach_of: dict[str, int] = {}
        self.rates: Rates | None = None
        self.stressed_rates: Rates | None = None
        self.rates_by_model: dict[tuple[int, bool], Rates] = {}

    def changed(self, book: Book) -> None:
        """Make every memo of its value stale."""
        book.revision += 1
        self.revision += 2
        self.rates = None
        self.stressed_rates = None
        self.rates_by_model.clear()
        self.open_until_ns = 0
        self.plain_until_ns = 0


class Position:
    """What an account holds and has open of one instrument.

    Notionals and `day_traded` are raw: sums of price x quantity, not yet divided. Memos: `line`
    (its projected figures) and the instrument's revision that it was worked out at, one more if
    with the stressed factor; a changed position has the line revision -1, a flat one no line; and
    the ladders of its own resting orders, while 4.17 asks for them and for no group's.
    `bought_today`: the fills that the account keeps, busted ones not counted (4.19).
    """

    __slots__ = (
        "bought_today",
        "buy_ladder",
        "buy_notional",
        "day_traded",
        "holding",
        "instrument",
        "line",
        "line_revision",
        "open_buy",
        "open_sell",
        "quantity",
        "sell_ladder",
        "sell_notional",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.quantity = 0
        self.open_buy = 0
        self.open_sell = 0
        self.buy_notional = 0
        self.sell_notional = 0
        self.day_traded = 0
        self.bought_today = 0
        self.holding: Holding | None = None
        self.line: Line = NO_LINE
        self.line_revision = -1
        self.buy_ladder: Ladder[Order] | None = None
        self.sell_ladder: Ladder[Order] | None = None

    def is_flat(self) -> bool:
        """Tell whether nothing is held or open."""
        if self.quantity or self.open_buy or self.open_sell:
            return False
        return self.holding is None or not self.holding.contracts

    def holds(self) -> bool:
        """Tell whether anything is held or owed, open orders left out."""
        if self.quantity:
            return True
        return self.holding is not None and bool(self.holding.contracts)

    def short(self) -> int:
        """Return what would be short with every open sale filled and no open buy (4.19)."""
        if self.holding is not None:
            return self.holding.owed + self.holding.open_short
        short = self.open_sell - self.quantity
        return short if short > 0 else 0

    def reach(self) -> int:
        """Return how much is long or short once the open orders of one side are filled (4.18)."""
        bought = self.quantity + self.open_buy
        sold = self.open_sell - self.quantity
        holding = self.holding
        if holding is not None:  # what is held and what is owed never net (6.3)
            bought = self.quantity + holding.open_long
            sold = holding.owed + holding.open_short
        return bought if bought > sold else sold

    def turnover(self) -> int:
        """Return today's fills and what is open, at their prices, in e4 (4.16)."""
        raw = self.day_traded + self.buy_notional + self.sell_notional
        unit = self.instrument.terms.unit
        return raw if unit == 1 else (raw + unit - 1) // unit


class Account:
    """One account. `start_of_day_equity` is None until it is valued, where the last roll could not.

    `lines` is the mask of lines entered and not left (2.6), `high_water` the greatest actual equity
    at a valuation, NEVER before the first; bookings move it along (4.25). `share` is what it was
    last valued at for the sums above it (4.26).

    `adjustments` has the trading date and content of each booking by its id.

    `active` lists the positions that are not flat, in the order in which they became so. Memos:
    `turnover_e4` (the sum over positions), `totals` (the sum of the active positions' lines, None
    until it is asked for), `fresh_until_ns` (no mark or factor is stale before), `lines_hold_at`
    (the book's revision at which every line was seen to hold, -1 where one does not), `gross_by`
    (sums of the lines' gross by sector and by board, None until a table asks for them), `effective`
    (its limits under policy `effective_version`, until `effective_until_ns`), `open_order_count`,
    `overrides` (the book's on it, the one that decides last), `groups` (its group and those above,
    the innermost first), `counted` (the share as the sums have it).
    """

    __slots__ = (
        "account_id",
        "active",
        "adjustments",
        "cash",
        "counted",
        "credit",
        "customer_limits",
        "day_order_count",
        "effective",
        "effective_until_ns",
        "effective_version",
        "events",
        "fresh_until_ns",
        "gross_by",
        "group_id",
        "groups",
        "high_water",
        "interest_and_fees",
        "last_valuation",
        "limits",
        "lines",
        "lines_hold_at",
        "margin_model",
        "next_order_ns",
        "open_order_count",
        "orders",
        "overrides",
        "permissions",
        "positions",
        "reconciliation",
        "repeats",
        "sequence",
        "share",
        "standing",
        "start_of_day_equity",
        "tier_id",
        "totals",
        "trading_date",
        "turnover_e4",
        "valued_time_ns",
    )

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.group_id = ""
        self.groups: list[str] = []
        self.tier_id = ""
        self.margin_model = 1
        self.limits: dict[str, Limit] = {}
        self.customer_limits: dict[str, Limit] = {}
        self.standing: TierStanding | None = None
        self.overrides: list[Override] = []
        self.permissions = NO_PERMISSIONS
        self.sequence = 0
        self.cash = 0
        self.interest_and_fees = 0
        self.credit: Credit | None = None
        self.positions: dict[str, Position] = {}
        self.active: list[Position] = []
        self.orders: dict[str, Order] = {}
        self.open_order_count = 0
        self.events: dict[str, EventEntry] = {}
        self.adjustments: dict[str, tuple[int, str]] = {}
        self.trading_date = 0
        self.day_order_count = 0
        self.repeats: dict[RepeatKey, Times] = {}
        self.reconciliation: Reconciliation | None = None
        self.turnover_e4 = 0
        self.start_of_day_equity: int | None = None
        self.lines = 0
        self.high_water = NEVER
        self.share: Share | None = None
        self.counted: Share | None = None
        self.next_order_ns = 0
        self.last_valuation: Figures | None = None
        self.valued_time_ns = 0
        self.totals: Line | None = None
        self.fresh_until_ns = 0
        self.lines_hold_at = -1
        self.gross_by: GrossBy | None = None
        self.effective: Effective | None = None
        self.effective_version = 0
        self.effective_until_ns = 0

    def activate(self, position: Position) -> None:
        """List a position that is no longer flat; its line is still that of a flat one."""
        self.active.append(position)

    def deactivate(self, position: Position) -> None:
        """Take a position that became flat off the list; a flat one has no line."""
        self.active.remove(position)
        self.replace_line(position, NO_LINE)

    def replace_line(self, position: Position, line: Line) -> None:
        """Keep a position's line; the account's sum follows it."""
        if self.totals is not None:
            self.totals = exchanged(self.totals, position.line, line)
        position.line = line
        self.gross_by = None

    def forget_lines(self) -> None:
        """Make the memo of every position's line stale."""
        for position in self.active:
            self.forget_line(position)

    def forget_line(self, position: Position) -> None:
        """Make the memo of a position's line stale."""
        position.line_revision = -1
        self.lines_hold_at = -1
        self.gross_by = None

    def position_in(self, instrument: Instrument) -> Position:
        """Return the position in an instrument, a flat one where there is none yet."""
        position = self.positions.get(instrument.instrument_id)
        if position is None:
            position = Position(instrument)
            self.positions[instrument.instrument_id] = position
        return position


class Batch:
    """An atomic batch that is kept, with its first answer."""

    __slots__ = ("command", "keep_until_ns", "outcome")

    def __init__(self, command: CheckOrders, outcome: BatchOutcome, keep_until_ns: int) -> None:
        self.command = command
        self.outcome = outcome
        self.keep_until_ns = keep_until_ns


class Book:
    """The whole state. `sequence` is the last record, `time_ns` the gate's clock at it.

    `order_id_limit` and `risk_refusal` (why only verified exits pass) are settings, no state.
    Orders created until `former_until_ns` may be `former_age_ns` old at most: their ids may have
    been forgotten before a policy allowed a greater age. `versions` has the policy in force too.

    Memos: `order_id_count`, `open_order_count`, `open_orders_of` (by group), `unconfirmed_count`,
    the due queues, `stops_at` (without latches), `latches` and `repeat_queue` follow from the rest;
    so do `ladders`, those of groups, kept only while `self_trade_scope`, the policy's, asks for
    them; and `executions`, where an execution was booked, while `has_sources`: a drop copy reported
    something (sources.py); and `share_sums`, of groups and of the firm "", kept while one is
    limited (4.26). `scope_overrides` are those of other scopes than accounts, the one that decides
    last (8.3). `repeats_floor_ns` is 0 between records. `revision` grows with any instrument's.
    """

    __slots__ = (
        "accounts",
        "acknowledge_queue",
        "batch_queue",
        "batches",
        "epoch",
        "executions",
        "forget_queue",
        "former_age_ns",
        "former_until_ns",
        "groups",
        "has_sources",
        "instruments",
        "ladders",
        "latches",
        "open_order_count",
        "open_orders_of",
        "order_id_count",
        "order_id_limit",
        "override_queue",
        "overrides",
        "policy",
        "principal_next_ns",
        "regime",
        "repeat_queue",
        "repeats_floor_ns",
        "revision",
        "risk_refusal",
        "scope_overrides",
        "self_trade_scope",
        "sequence",
        "sessions",
        "share_sums",
        "stops",
        "stops_at",
        "time_ns",
        "trading_date",
        "unconfirmed_count",
        "versions",
    )

    def __init__(self) -> None:
        self.sequence = 0
        self.time_ns = 0
        self.epoch = 0
        self.trading_date = 0
        self.regime = 1
        self.policy: Policy | None = None
        self.versions: dict[int, PolicyVersion] = {}
        self.former_age_ns = 0
        self.former_until_ns = 0
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self.instruments: dict[str, Instrument] = {}
        self.stops: dict[str, Stop] = {}
        self.stops_at: dict[tuple[int, str], list[Stop]] = {}
        self.latches: dict[tuple[str, str], Stop] = {}
        self.repeat_queue: deque[tuple[int, Account, RepeatKey]] = deque()
        self.repeats_floor_ns = 0
        self.revision = 0
        self.sessions: dict[str, list[tuple[int, int]]] = {}
        self.principal_next_ns: dict[str, int] = {}
        self.batches: dict[str, Batch] = {}
        self.order_id_count = 0
        self.order_id_limit = ORDER_ID_LIMIT
        self.risk_refusal: Refusal | None = None
        self.open_order_count = 0
        self.open_orders_of: dict[str, int] = {}
        self.share_sums: dict[str, ShareSum] | None = None
        self.unconfirmed_count = 0
        self.has_sources = False
        self.executions: dict[str, list[str]] | None = None
        self.self_trade_scope = 0
        self.ladders: dict[LadderKey, Ladder[Order]] = {}
        self.acknowledge_queue: DueQueue[Order] = DueQueue(acknowledge_rank)
        self.forget_queue: DueQueue[Order] = DueQueue(forget_rank)
        self.batch_queue: DueQueue[Batch] = DueQueue(batch_rank)
        self.overrides: dict[str, Override] = {}
        self.scope_overrides: list[Override] = []
        self.override_queue: DueQueue[Override] = DueQueue(override_rank)

    def is_kept(self, order: Order) -> bool:
        """Tell whether an order is the one that its id stands for."""
        account = self.accounts.get(order.account_id)
        return account is not None and account.orders.get(order.order_id) is order

    def add_stop(self, stop: Stop) -> None:
        """Set a stop; within a scope they are kept in order of id."""
        self.stops[stop.stop_id] = stop
        if stop.latched is not None:
            self.latches[stop.scope_id, stop.latched[0]] = stop
            return
        at_scope = self.stops_at.setdefault((stop.scope_kind, stop.scope_id), [])
        at_scope.append(stop)
        at_scope.sort(key=stop_id_of)

    def remove_stop(self, stop_id: str) -> None:
        """Take a stop back."""
        stop = self.stops.pop(stop_id)
        if stop.latched is not None:
            del self.latches[stop.scope_id, stop.latched[0]]
            return
        at_scope = self.stops_at[stop.scope_kind, stop.scope_id]
        at_scope.remove(stop)
        if not at_scope:
            del self.stops_at[stop.scope_kind, stop.scope_id]


def acknowledge_rank(order: Order) -> Rank:
    """Return when an order becomes unconfirmed, ties by record and id."""
    return order.acknowledge_by_ns, order.sequence, order.account_id, order.order_id


def forget_rank(order: Order) -> Rank:
    """Return when an order id may be forgotten, ties by record and id."""
    return order.keep_until_ns, order.sequence, order.account_id, order.order_id


def batch_rank(batch: Batch) -> Rank:
    """Return when a batch id may be forgotten, ties by id."""
    return batch.keep_until_ns, 0, batch.command.batch_id, ""


def roll_if_due(book: Book, account: Account) -> None:
    """Bring an account to the book's trading date (7.7): counters, equity, old event ids."""
    if account.trading_date == book.trading_date:
        return
    account.trading_date = book.trading_date
    account.day_order_count = 0
    account.turnover_e4 = 0
    for position in account.positions.values():
        position.day_traded = 0
    account.positions = {
        key: position for key, position in account.positions.items() if not position.is_flat()
    }
    for position in account.active:
        account.turnover_e4 += position.turnover()
    account.start_of_day_equity = equity_at_close(account)
    account.events = {
        key: entry for key, entry in account.events.items() if entry.trade_date >= book.trading_date
    }
    count_bought(book, account)
    account.adjustments = {
        key: booked for key, booked in account.adjustments.items() if booked[0] >= book.trading_date
    }
