"""How reports about orders are classified (7.1): applied, duplicate, or recorded only.

Reports are facts: nothing refuses them. Each one of a batch sees those before it: as with batches
of orders, every result is applied before the next report is looked at, and all are retracted at the
end unless the gate asks for them to stay.
"""

from __future__ import annotations

from .account import Account
from .amounts import AMOUNT_BOUND, QUANTITY_BOUND, product_in_bounds
from .bookings import value_all
from .chains import after, is_late, is_too_much, open_of, open_under
from .cn.fills import change_in_bounds, opening_at, opening_of_fill
from .cn.fills import fill_in_bounds as credit_in_bounds
from .commands import (
    BUY,
    EVENT_ACKNOWLEDGED,
    EVENT_BUSTED,
    EVENT_FILLED,
    MODEL_CN_MARGIN,
    OrderEvent,
    RecordOrderEvents,
)
from .order import ACKNOWLEDGED, FILLED, PARTLY_FILLED, RESERVED, UNKNOWN_TO_GATE, EventEntry, Order
from .outcomes import EventResult, EventsOutcome
from .retracting import SavedEvent, retract_event
from .settle import (
    APPLIED,
    DUPLICATE,
    END_STATE,
    NOT_APPLIED,
    ORDER_MISMATCH,
    OUT_OF_BOUNDS,
    TOO_OLD,
    UNKNOWN_EXECUTION,
    apply_event,
    fill_cash,
    is_ended,
)
from .sources import SOURCES_DISAGREE, disagrees, elsewhere
from .state import Book, roll_if_due
from .valuing import apply_valued

UNKNOWN_ORDER = 1
UNKNOWN_ACCOUNT = 2
UNKNOWN_INSTRUMENT = 3
OVERFILL = 4
AFTER_END = 5
BUSTED_BEFORE = 9


def decide_events(
    book: Book, command: RecordOrderEvents, now_ns: int, *, keep: bool = False
) -> EventsOutcome:
    """Classify a batch of reports; `keep` leaves them applied."""
    results: list[EventResult] = []
    saved: list[SavedEvent] = []
    sequence = book.sequence + 1
    touched: list[str] = []
    for event in command.events:
        result = decide_event(book, event, now_ns)
        if not keep:
            saved.append(SavedEvent(book, event))
        apply_event(book, event, result, sequence, now_ns)
        results.append(result)
        if result.outcome != DUPLICATE:
            touched.append(event.account_id)
    outcome = EventsOutcome(sequence, now_ns, results)
    outcome.valued = value_all(book, touched, now_ns)
    for index in range(len(saved) - 1, -1, -1):
        retract_event(book, command.events[index], saved[index])
    if keep:
        for found in outcome.valued:
            apply_valued(book, book.accounts[found.account_id], found)
    return outcome


def decide_event(book: Book, event: OrderEvent, now_ns: int) -> EventResult:
    """Classify one report against the book as it stands."""
    account = book.accounts.get(event.account_id)
    order = None
    entry = None
    disputed = False
    if account is not None:
        roll_if_due(book, account)
        order = account.orders.get(event.order_id)
        entry = account.events.get(event.event_id)
        if entry is not None and not bust_came_first(event, entry):
            disputed = disagrees(event, entry)
            if not disputed:
                return unchanged(order, DUPLICATE, [])
    disputed = disputed or bool(elsewhere(book, event))
    flags: list[int] = []
    if order is None or order.command is None:
        flags.append(UNKNOWN_ORDER)
    if account is None:
        flags.append(UNKNOWN_ACCOUNT)
    if event.kind == EVENT_FILLED:
        if event.instrument_id not in book.instruments:
            flags.append(UNKNOWN_INSTRUMENT)
        if disputed:
            result = unchanged(order, NOT_APPLIED, [*flags, SOURCES_DISAGREE])
        elif entry is not None:
            result = unchanged(order, NOT_APPLIED, [*flags, BUSTED_BEFORE])
        elif 0 < event.trade_date < book.trading_date:
            result = unchanged(order, NOT_APPLIED, [*flags, TOO_OLD])
        else:
            result = decide_fill(book, event, account, order, flags)
    elif event.kind == EVENT_BUSTED:
        result = decide_bust(event, account, order, flags)
    else:
        result = decide_progress(event, order, flags)
    result.keep_until_ns = tombstone_time(book, order, now_ns)
    if account is not None and account.margin_model == MODEL_CN_MARGIN:
        open_contract(book, account, order, event, result, now_ns)
    return result


def open_contract(
    book: Book,
    account: Account,
    order: Order | None,
    event: OrderEvent,
    result: EventResult,
    now_ns: int,
) -> None:
    """Fix when and at what ratio a report opens a contract, if it may open one (6.3)."""
    if result.outcome != APPLIED:
        return
    if event.kind == EVENT_FILLED:
        result.opening = opening_of_fill(book.policy, account, order, event, now_ns)
    elif event.kind == EVENT_BUSTED:
        result.opening = opening_at(book.policy, account, now_ns, short=True)


def bust_came_first(event: OrderEvent, entry: EventEntry) -> bool:
    """Tell whether the id is known only as one that a bust named, and this is its fill."""
    return event.kind == EVENT_FILLED and entry.busted and not entry.instrument_id


def tombstone_time(book: Book, order: Order | None, now_ns: int) -> int:
    """Return until when the tombstone of an unknown order is kept; 0 if the order is known."""
    policy = book.policy
    if order is not None or policy is None:
        return 0
    return now_ns + policy.max_order_age_ns + policy.max_clock_skew_ns


def unchanged(order: Order | None, outcome: int, flags: list[int]) -> EventResult:
    """Answer with the order as it is."""
    if order is None:
        return EventResult(outcome, flags, UNKNOWN_TO_GATE, 0, 0)
    return EventResult(outcome, flags, order.state, open_under(order), 0)


def decide_fill(
    book: Book,
    event: OrderEvent,
    account: Account | None,
    order: Order | None,
    flags: list[int],
) -> EventResult:
    """Classify a fill, and say where it leaves its order."""
    if not fill_in_bounds(book, event, account, order):
        return unchanged(order, NOT_APPLIED, [*flags, OUT_OF_BOUNDS])
    if order is None or order.command is None:
        return unchanged(order, APPLIED, flags)
    command = order.command
    if command.instrument_id != event.instrument_id or command.side != event.side:
        return unchanged(order, APPLIED, [*flags, ORDER_MISMATCH])
    filled = order.filled + event.quantity
    if order.chain is not None:
        return decide_chain_fill(order, event, flags)
    if filled > command.quantity:
        flags.append(OVERFILL)
    if is_ended(order):
        if event.quantity > order.awaited:
            flags.append(AFTER_END)
        left = order.reserved - min(event.quantity, order.awaited)
        return EventResult(APPLIED, flags, order.state, left, 0)
    if filled >= command.quantity:
        return EventResult(APPLIED, flags, FILLED, 0, 0)
    left = order.reserved - min(event.quantity, order.reserved)
    return EventResult(APPLIED, flags, PARTLY_FILLED, left, 0)


def decide_chain_fill(order: Order, event: OrderEvent, flags: list[int]) -> EventResult:
    """Classify a fill of an order that was replaced or is to replace another (7.2)."""
    if is_too_much(order, event.quantity):
        flags.append(OVERFILL)
    if is_late(order, event.quantity):
        flags.append(AFTER_END)
    return result_in_chain(order, event, flags)


def result_in_chain(order: Order, event: OrderEvent, flags: list[int]) -> EventResult:
    """Say where a report leaves an order of a chain, and what the chain then reserves."""
    stands = after(order, event)
    state = next(stand.state for stand in stands if stand.member is order)
    return EventResult(APPLIED, flags, state, open_of(stands), 0)


def fill_in_bounds(
    book: Book, event: OrderEvent, account: Account | None, order: Order | None
) -> bool:
    """Tell whether position and cash stay within the bounds of the arithmetic (1.4)."""
    instrument = book.instruments.get(event.instrument_id)
    unit = instrument.terms.unit if instrument is not None else 1
    if not product_in_bounds(event.quantity, event.price_e4, unit):
        return False
    held = cash = 0
    if account is not None and instrument is not None and account.margin_model == MODEL_CN_MARGIN:
        return credit_in_bounds(account, instrument, order, event)
    if account is not None:
        cash = account.cash
        position = account.positions.get(event.instrument_id)
        if position is not None:
            held = position.quantity
    held += event.quantity if event.side == BUY else -event.quantity
    cash += fill_cash(event, unit)
    return abs(held) <= QUANTITY_BOUND and abs(cash) <= AMOUNT_BOUND


def decide_bust(
    event: OrderEvent,
    account: Account | None,
    order: Order | None,
    flags: list[int],
) -> EventResult:
    """Classify a bust: it undoes a fill that is known, once."""
    entry = account.events.get(event.busted_event_id) if account is not None else None
    if entry is None or (not entry.fill_quantity and not entry.busted):
        return unchanged(order, NOT_APPLIED, [*flags, UNKNOWN_EXECUTION])
    if entry.busted:
        return unchanged(order, NOT_APPLIED, [*flags, BUSTED_BEFORE])
    if account is not None and not bust_in_bounds(account, entry):
        return unchanged(order, NOT_APPLIED, [*flags, OUT_OF_BOUNDS])
    return unchanged(order, APPLIED, flags)


def bust_in_bounds(account: Account, entry: EventEntry) -> bool:
    """Tell whether undoing a fill keeps the bounds of the arithmetic (1.4)."""
    if entry.change is not None:
        return change_in_bounds(account, entry.instrument_id, entry.change, -1)
    position = account.positions.get(entry.instrument_id)
    held = position.quantity if position is not None else 0
    cash = account.cash - entry.cash_change
    return abs(held - entry.fill_quantity) <= QUANTITY_BOUND and abs(cash) <= AMOUNT_BOUND


def decide_progress(event: OrderEvent, order: Order | None, flags: list[int]) -> EventResult:
    """Classify an acknowledgement or an end."""
    if order is None or order.command is None:
        return unchanged(order, APPLIED, flags)
    if order.chain is not None:
        if event.kind != EVENT_ACKNOWLEDGED and is_ended(order):
            flags.append(AFTER_END)
        return result_in_chain(order, event, flags)
    if event.kind == EVENT_ACKNOWLEDGED:
        state = ACKNOWLEDGED if order.state == RESERVED else order.state
        return EventResult(APPLIED, flags, state, order.reserved, 0)
    if is_ended(order):
        return unchanged(order, APPLIED, [*flags, AFTER_END])
    awaited = max(0, event.cumulative_quantity - order.filled)
    return EventResult(APPLIED, flags, END_STATE[event.kind], min(awaited, order.reserved), 0)
