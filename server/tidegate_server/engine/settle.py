"""What a report changes in the book: an order's progress, positions and cash (7.1).

`apply_event` is evolve for one report. `retract_event` puts back what one report may have touched.
"""

from __future__ import annotations

from .amounts import raw_down, raw_up
from .cn.contracts import NOT_OPENED
from .cn.fills import book_credit_bust, book_credit_fill
from .cn.saved import SavedCredit
from .commands import (
    BUY,
    EVENT_BUSTED,
    EVENT_CANCELLED,
    EVENT_EXPIRED,
    EVENT_FILLED,
    EVENT_REJECTED,
    EVENT_UNSENT,
    MODEL_CN_MARGIN,
    STOP_HALT,
    InstrumentTerms,
    OrderEvent,
)
from .event_entry import EventEntry
from .late import stop_late
from .lines import NO_LINE
from .outcomes import EventResult
from .reasons import ScopeKind
from .reserve import release
from .state import (
    ACKNOWLEDGED,
    CANCELLED,
    EXPIRED,
    PARTLY_FILLED,
    REJECTED,
    RESERVED,
    UNSENT,
    Account,
    Book,
    Instrument,
    Order,
    Position,
    roll_if_due,
)
from .stop import GATE, Stop, frozen_id

APPLIED = 1
DUPLICATE = 2
NOT_APPLIED = 3

TOO_OLD = 6
ORDER_MISMATCH = 7
UNKNOWN_EXECUTION = 8
OUT_OF_BOUNDS = 10

END_STATE = {
    EVENT_UNSENT: UNSENT,
    EVENT_CANCELLED: CANCELLED,
    EVENT_REJECTED: REJECTED,
    EVENT_EXPIRED: EXPIRED,
}


def is_ended(order: Order) -> bool:
    """Tell whether an order of the gate's has ended, or never began."""
    return order.state not in (RESERVED, ACKNOWLEDGED, PARTLY_FILLED)


def fill_cash(event: OrderEvent, unit: int) -> int:
    """Return what a fill changes cash by: cost up, proceeds down (1.2)."""
    raw = event.quantity * event.price_e4
    return -raw_up(raw, unit) if event.side == BUY else raw_down(raw, unit)


def apply_event(
    book: Book, event: OrderEvent, result: EventResult, sequence: int, time_ns: int
) -> None:
    """Apply one classified report."""
    if result.outcome == DUPLICATE:
        return
    account = account_for_fact(book, event.account_id, time_ns)
    roll_if_due(book, account)
    account.sequence = sequence
    remember(book, account, event, result)
    order = account.orders.get(event.order_id)
    if order is None:
        order = leave_tombstone(book, account, event, result, sequence)
    if event.kind == EVENT_FILLED:
        instrument = instrument_for_fact(book, event.instrument_id, time_ns)
        if result.outcome == APPLIED and account.margin_model == MODEL_CN_MARGIN:
            book_credit_fill(book, account, event, instrument, order, result)
        elif result.outcome == APPLIED:
            book_fill(account, event, instrument)
    elif event.kind == EVENT_BUSTED and result.outcome == APPLIED:
        book_bust(book, account, event, result)
    if TOO_OLD in result.flags:
        stop_late(book, account, time_ns)
    elif OUT_OF_BOUNDS in result.flags:
        freeze(book, ScopeKind.ACCOUNT, account.account_id, "out of bounds", time_ns)
    progress(book, account, order, event, result, time_ns)


def remember(book: Book, account: Account, event: OrderEvent, result: EventResult) -> None:
    """Keep the event's id, and that of an execution whose bust came first."""
    trade_date = event.trade_date or book.trading_date
    entry = account.events.get(event.event_id)
    if entry is None:
        entry = EventEntry(trade_date)
        account.events[event.event_id] = entry
    if event.kind == EVENT_FILLED:
        entry.instrument_id = event.instrument_id
        # A bust that came first may be dated before its execution: the later one keeps the id.
        entry.trade_date = max(entry.trade_date, trade_date)
    elif UNKNOWN_EXECUTION in result.flags and event.busted_event_id not in account.events:
        awaited = EventEntry(trade_date)
        awaited.busted = True
        account.events[event.busted_event_id] = awaited


def progress(
    book: Book,
    account: Account,
    order: Order,
    event: OrderEvent,
    result: EventResult,
    time_ns: int,
) -> None:
    """Move an order to where the report leaves it."""
    order.reported = True
    if order.unconfirmed:
        order.unconfirmed = False
        book.unconfirmed_count -= 1
    matched = result.outcome == APPLIED and ORDER_MISMATCH not in result.flags
    ended_before = is_ended(order)
    if event.kind == EVENT_FILLED and matched:
        order.filled += event.quantity
        if order.awaited:
            order.awaited -= min(event.quantity, order.awaited)
    if order.command is None:
        return
    release(book, account, order, order.reserved - result.reserved_quantity)
    order.state = result.order_state
    if event.kind in END_STATE and not ended_before:
        order.awaited = result.reserved_quantity
    if not order.reserved and order.keep_until_ns <= time_ns:
        # Its entry may have come up while it was open.
        book.forget_queue.add(order, order.keep_until_ns, order.sequence)


def leave_tombstone(
    book: Book, account: Account, event: OrderEvent, result: EventResult, sequence: int
) -> Order:
    """Keep the id of an order that the gate never saw; it takes no place of an order's (4.3)."""
    order = Order(account.account_id, event.order_id, sequence)
    order.keep_until_ns = result.keep_until_ns
    account.orders[event.order_id] = order
    book.forget_queue.add(order, order.keep_until_ns, order.sequence)
    return order


def book_fill(account: Account, event: OrderEvent, instrument: Instrument) -> None:
    """Book a fill's quantity, cash and turnover."""
    instrument.touched = True
    cash_change = fill_cash(event, instrument.terms.unit)
    signed = event.quantity if event.side == BUY else -event.quantity
    entry = account.events[event.event_id]
    entry.fill_quantity = signed
    entry.cash_change = cash_change
    account.cash += cash_change
    position = account.position_in(instrument)
    before = position.turnover()
    position.day_traded += event.quantity * event.price_e4
    account.turnover_e4 += position.turnover() - before
    if signed > 0:
        position.bought_today += signed
    change_holding(account, instrument, signed)


def book_bust(book: Book, account: Account, event: OrderEvent, result: EventResult) -> None:
    """Undo a fill's quantity and cash exactly; turnover stays."""
    entry = account.events[event.busted_event_id]
    entry.busted = True
    if entry.change is not None:
        book_credit_bust(book, account, entry, event, result)
        return
    account.cash -= entry.cash_change
    instrument = book.instruments[entry.instrument_id]
    if entry.fill_quantity > 0:
        account.position_in(instrument).bought_today -= entry.fill_quantity
    change_holding(account, instrument, -entry.fill_quantity)


def change_holding(account: Account, instrument: Instrument, change: int) -> None:
    """Change a position's quantity, and keep the list of active ones."""
    position = account.position_in(instrument)
    was_flat = position.is_flat()
    short = position.short()
    position.quantity += change
    instrument.short_use += position.short() - short
    position.line_revision = -1
    now_flat = position.is_flat()
    if was_flat and not now_flat:
        account.activate(position)
    elif now_flat and not was_flat:
        account.deactivate(position)


def account_for_fact(book: Book, account_id: str, time_ns: int) -> Account:
    """Return an account that a fact names; an unknown one is created frozen (2.5)."""
    account = book.accounts.get(account_id)
    if account is None:
        account = new_account(book, account_id)
        freeze(book, ScopeKind.ACCOUNT, account_id, "created by a fact", time_ns)
    return account


def new_account(book: Book, account_id: str) -> Account:
    """Create an account on the book's trading date."""
    account = Account(account_id)
    account.trading_date = book.trading_date
    book.accounts[account_id] = account
    return account


def instrument_for_fact(book: Book, instrument_id: str, time_ns: int) -> Instrument:
    """Return an instrument that a fact names; an unknown one is created frozen (2.5)."""
    instrument = book.instruments.get(instrument_id)
    if instrument is None:
        instrument = Instrument(InstrumentTerms(instrument_id=instrument_id))
        book.instruments[instrument_id] = instrument
        freeze(book, ScopeKind.INSTRUMENT, instrument_id, "created by a fact", time_ns)
    return instrument


def freeze(book: Book, scope_kind: ScopeKind, scope_id: str, reason: str, time_ns: int) -> None:
    """Halt an account or instrument until a person releases it."""
    stop_id = frozen_id(scope_kind, scope_id)
    if stop_id not in book.stops:
        book.add_stop(
            Stop(
                stop_id,
                STOP_HALT,
                scope_kind,
                scope_id,
                GATE,
                reason,
                time_ns,
                book.sequence + 1,
            )
        )


class SavedEvent:
    """What one report may touch, as it was before: for decisions that must leave no trace."""

    __slots__ = (
        "account",
        "account_figures",
        "active",
        "credit",
        "entries",
        "instrument",
        "order",
        "order_figures",
        "positions",
        "stop_ids",
        "totals",
        "touched",
    )

    def __init__(self, book: Book, event: OrderEvent) -> None:
        self.account = book.accounts.get(event.account_id)
        self.instrument = book.instruments.get(event.instrument_id)
        self.touched = self.instrument is not None and self.instrument.touched
        self.stop_ids = list(book.stops)
        self.totals = (book.order_id_count, book.open_order_count, book.unconfirmed_count)
        self.order: Order | None = None
        self.order_figures = (0, 0, 0, 0, False, False, NOT_OPENED)
        self.credit: SavedCredit | None = None
        self.account_figures = (0, 0, 0, 0)
        self.active: list[Position] = []
        self.positions: dict[str, tuple[int, int, int, int, int, int, int]] = {}
        self.entries: dict[str, tuple[str, int, int, bool, int]] = {}
        if self.account is not None:
            self._save_account(self.account, event)

    def _save_account(self, account: Account, event: OrderEvent) -> None:
        self.account_figures = (
            account.sequence,
            account.cash,
            account.turnover_e4,
            account.open_order_count,
        )
        if account.margin_model == MODEL_CN_MARGIN:
            self.credit = SavedCredit(account)
        self.active = list(account.active)
        for key, p in account.positions.items():
            self.positions[key] = (
                p.quantity,
                p.open_buy,
                p.open_sell,
                p.buy_notional,
                p.sell_notional,
                p.day_traded,
                p.bought_today,
            )
        for key in (event.event_id, event.busted_event_id):
            entry = account.events.get(key)
            if entry is not None:
                self.entries[key] = (
                    entry.instrument_id,
                    entry.fill_quantity,
                    entry.cash_change,
                    entry.busted,
                    entry.trade_date,
                )
        self.order = account.orders.get(event.order_id)
        if self.order is not None:
            self.order_figures = (
                self.order.state,
                self.order.filled,
                self.order.reserved,
                self.order.awaited,
                self.order.unconfirmed,
                self.order.reported,
                self.order.opening,
            )


def retract_event(book: Book, event: OrderEvent, saved: SavedEvent) -> None:
    """Put back what one report touched."""
    book.order_id_count, book.open_order_count, book.unconfirmed_count = saved.totals
    for stop_id in list(book.stops):
        if stop_id not in saved.stop_ids:
            book.remove_stop(stop_id)
    if saved.instrument is not None:
        saved.instrument.touched = saved.touched
    else:
        book.instruments.pop(event.instrument_id, None)
    account = saved.account
    if account is None:
        created = book.accounts.pop(event.account_id, None)
        if created is not None:
            for position in created.positions.values():
                position.instrument.short_use -= position.short()
        return
    account.sequence, account.cash, account.turnover_e4, account.open_order_count = (
        saved.account_figures
    )
    retract_positions(account, saved)
    for key in (event.event_id, event.busted_event_id):
        if key not in saved.entries:
            account.events.pop(key, None)
            continue
        entry = account.events[key]
        (
            entry.instrument_id,
            entry.fill_quantity,
            entry.cash_change,
            entry.busted,
            entry.trade_date,
        ) = saved.entries[key]
    order = saved.order
    if order is None:
        account.orders.pop(event.order_id, None)
        return
    (
        order.state,
        order.filled,
        order.reserved,
        order.awaited,
        order.unconfirmed,
        order.reported,
        order.opening,
    ) = saved.order_figures


def retract_positions(account: Account, saved: SavedEvent) -> None:
    """Put an account's positions back."""
    account.active = saved.active
    account.totals = None
    for key in list(account.positions):
        position = account.positions[key]
        position.instrument.short_use -= position.short()
        if key not in saved.positions:
            del account.positions[key]
    if saved.credit is not None:
        saved.credit.put_back(account)
    for key, position in account.positions.items():
        (
            position.quantity,
            position.open_buy,
            position.open_sell,
            position.buy_notional,
            position.sell_notional,
            position.day_traded,
            position.bought_today,
        ) = saved.positions[key]
        position.instrument.short_use += position.short()
        position.line_revision = -1
        if position.is_flat():
            position.line = NO_LINE
