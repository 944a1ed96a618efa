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

from .account import Account
from .closing import count_bought, equity_at_close
from .commands import CheckOrders
from .due import DueQueue, Rank
from .group import Group
from .instrument import Instrument
from .ladders import Ladder
from .order import Order
from .outcomes import BatchOutcome, Refusal
from .override import Override, override_rank
from .policy import Policy
from .policy_version import PolicyVersion
from .shares import ShareSum
from .stop import RepeatKey, Stop, stop_id_of

# Where, in which instrument, on which side.
LadderKey = tuple[str, str, int]

ORDER_ID_LIMIT = 1 << 20
UNBOUNDED = 1 << 62


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
