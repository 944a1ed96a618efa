"""What a report changes in the book: an order's progress, positions and cash (7.1).

`apply_event` is evolve for one report. `retract_event` puts back what one report may have touched.
"""

from __future__ import annotations

from .account import Account
from .amounts import raw_down, raw_up
from .chains import after, holder_of, settle
from .cn.fills import book_credit_bust, book_credit_fill
from .commands import (
    BUY,
    EVENT_BUSTED,
    EVENT_CANCELLED,
    EVENT_EXPIRED,
    EVENT_FILLED,
    EVENT_REJECTED,
    EVENT_UNSENT,
    MODEL_CN_MARGIN,
    OrderEvent,
)
from .instrument import Instrument
from .instrument_terms import InstrumentTerms
from .late import stop_late
from .order import (
    CANCELLED,
    EXPIRED,
    REJECTED,
    UNSENT,
    Chain,
    EventEntry,
    Order,
)
from .outcomes import EventResult
from .own_stops import freeze
from .reach import tally
from .reasons import ScopeKind
from .reserve import release
from .sources import SOURCES_DISAGREE, disagrees, note_execution, stop_disagreeing
from .state import Book, roll_if_due

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
    return not order.is_live()


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
        if result.outcome == APPLIED:
            if account.margin_model == MODEL_CN_MARGIN:
                book_credit_fill(book, account, event, instrument, order, result)
            else:
                book_fill(account, event, instrument)
            note_execution(book, account, event.event_id)
    elif event.kind == EVENT_BUSTED and result.outcome == APPLIED:
        book_bust(book, account, event, result)
    if SOURCES_DISAGREE in result.flags:
        stop_disagreeing(book, event, time_ns)
    if TOO_OLD in result.flags:
        stop_late(book, account, time_ns)
    elif OUT_OF_BOUNDS in result.flags:
        freeze(book, ScopeKind.ACCOUNT, account.account_id, "out of bounds", time_ns)
    progress(book, account, order, event, result, time_ns)


def remember(book: Book, account: Account, event: OrderEvent, result: EventResult) -> None:
    """Keep the event's id, and that of an execution whose bust came first."""
    trade_date = event.trade_date or book.trading_date
    if event.source:
        book.has_sources = True
    entry = account.events.get(event.event_id)
    if entry is None:
        entry = EventEntry(trade_date)
        account.events[event.event_id] = entry
        entry.source = event.source
    elif SOURCES_DISAGREE in result.flags and disagrees(event, entry):
        return
    if event.kind == EVENT_FILLED:
        entry.source = event.source
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
    if event.kind == EVENT_FILLED and matched and order.chain is None:
        order.filled += event.quantity
        if order.awaited:
            order.awaited -= min(event.quantity, order.awaited)
    if order.command is None:
        return
    if order.chain is not None:
        if matched:
            advance(book, account, order, event, time_ns)
        return
    release(book, account, order, order.reserved - result.reserved_quantity)
    order.state = result.order_state
    if event.kind in END_STATE and not ended_before:
        order.awaited = result.reserved_quantity
    if not order.reserved and order.keep_until_ns <= time_ns:
        # Its entry may have come up while it was open.
        book.forget_queue.add(order, order.keep_until_ns, order.sequence)


def advance(book: Book, account: Account, order: Order, event: OrderEvent, time_ns: int) -> None:
    """Move an order's whole chain to where a report on one member leaves it (7.2)."""
    chain = order.chain
    if chain is None:
        return
    settle(book, account, chain, after(order, event))
    forget_if_closed(book, chain, time_ns)


def forget_if_closed(book: Book, chain: Chain, time_ns: int) -> None:
    """Let the ids of a chain that reserves nothing be forgotten, those that are kept no longer."""
    if holder_of(chain) is not None:
        return
    for member in chain.members:
        if member.keep_until_ns <= time_ns:
            book.forget_queue.add(member, member.keep_until_ns, member.sequence)


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
    entry.price_e4 = event.price_e4
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
    reach = position.reach()
    position.quantity += change
    instrument.short_use += position.short() - short
    tally(account, position, reach)
    account.forget_line(position)
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
