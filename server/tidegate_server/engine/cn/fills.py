"""Fills and busts of accounts under `cn_margin`.

A fill counts as of its order's kind only if it is of that order, within its quantity and not after
its end. Whatever else the venue reports has no kind that the gate knows: a buy is paid in cash, a
sale takes collateral, then financed shares, and is short for the rest.
"""

from __future__ import annotations

from ..account import Account  # noqa: TID252 - the same
from ..amounts import AMOUNT_BOUND, QUANTITY_BOUND  # noqa: TID252 - one level up is this room
from ..chains import is_late, is_too_much  # noqa: TID252 - the same
from ..commands import BUY, SELL, OrderEvent  # noqa: TID252 - the same
from ..instrument import Instrument  # noqa: TID252 - the same
from ..order import (  # noqa: TID252 - the same
    ACKNOWLEDGED,
    PARTLY_FILLED,
    RESERVED,
    EventEntry,
    Order,
)
from ..outcomes import EventResult  # noqa: TID252 - the same
from ..policy import Policy  # noqa: TID252 - the same
from ..state import Book  # noqa: TID252 - the same
from .booking import apply_change, contract_name, credit_of, undo_change
from .changes import Change, Fill, change_of_fill
from .contracts import FINANCED, NOT_OPENED, SHORT, Opening
from .kinds import MARGIN_BUY, SHORT_SELL
from .rules import NO_CREDIT, ratio_of_fill


def kind_of(order: Order | None, event: OrderEvent) -> int:
    """Return the kind that a fill counts as, before it is booked; 0 for an unknown one."""
    if order is None or order.command is None:
        return 0
    command = order.command
    if command.instrument_id != event.instrument_id or command.side != event.side:
        return 0
    if order.chain is not None:
        beyond = is_too_much(order, event.quantity) or is_late(order, event.quantity)
        return 0 if beyond else command.margin_kind
    if order.filled + event.quantity > command.quantity:
        return 0
    ended = order.state not in (RESERVED, ACKNOWLEDGED, PARTLY_FILLED)
    if ended and event.quantity > order.awaited:
        return 0
    return command.margin_kind


def opening_of_fill(
    policy: Policy | None, account: Account, order: Order | None, event: OrderEvent, now_ns: int
) -> Opening:
    """Return when and at what ratio a fill may open a contract; NOT_OPENED if it opens none.

    The later fills of an order that opened keep its first one's.
    """
    kind = kind_of(order, event)
    if kind in (MARGIN_BUY, SHORT_SELL):
        if order is not None and order.opening != NOT_OPENED:
            return NOT_OPENED
    else:
        position = account.positions.get(event.instrument_id)
        held = position.quantity if position is not None else 0
        if event.side != SELL or event.quantity <= held:
            return NOT_OPENED
    stamped_ns = event.transaction_time_ns
    time_ns = stamped_ns if 0 < stamped_ns < now_ns else now_ns
    return opening_at(policy, account, time_ns, short=kind != MARGIN_BUY)


def opening_at(policy: Policy | None, account: Account, time_ns: int, *, short: bool) -> Opening:
    """Return a contract's opening at a time."""
    rules = policy.credit if policy is not None else NO_CREDIT
    fund = account.permissions.private_fund
    return time_ns, ratio_of_fill(rules, time_ns, short=short, fund=fund)


def worked_out(
    account: Account, instrument: Instrument, order: Order | None, event: OrderEvent, new: Opening
) -> Change:
    """Return what a fill changes; `new` is the opening that was decided with it."""
    kind = kind_of(order, event)
    position = account.positions.get(instrument.instrument_id)
    contract_kind = FINANCED if kind == MARGIN_BUY else SHORT
    name = instrument.instrument_id
    root = event.order_id
    if order is not None and order.chain is not None:
        root = order.chain.root[1]  # orders that replace each other open one contract
    fill = Fill(
        kind,
        event.side,
        name,
        event.quantity,
        event.price_e4,
        contract_name(account, root, event.event_id, contract_kind, name),
        order.opening if new == NOT_OPENED and order is not None else new,
    )
    return change_of_fill(
        credit_of(account),
        position.holding if position is not None else None,
        position.quantity if position is not None else 0,
        fill,
        instrument.terms.unit,
    )


def change_in_bounds(account: Account, instrument_id: str, change: Change, sign: int = 1) -> bool:
    """Tell whether cash, shares and contracts stay within the bounds of the arithmetic (1.4)."""
    credit = credit_of(account)
    position = account.positions.get(instrument_id)
    held = position.quantity if position is not None else 0
    owed = position.holding.owed if position is not None and position.holding is not None else 0
    principal = credit.principal
    proceeds = credit.proceeds
    for move in change.moves:
        if move.kind == FINANCED:
            principal += sign * move.amount
        else:
            proceeds += sign * move.amount
            if move.instrument_id == instrument_id:
                owed += sign * move.quantity
    return (
        abs(account.cash + sign * change.cash) <= AMOUNT_BOUND
        and abs(held + sign * change.long) <= QUANTITY_BOUND
        and owed <= QUANTITY_BOUND
        and principal <= AMOUNT_BOUND
        and proceeds <= AMOUNT_BOUND
    )


def fill_in_bounds(
    account: Account, instrument: Instrument, order: Order | None, event: OrderEvent
) -> bool:
    """Tell whether a fill whose notional is in bounds may be booked."""
    change = worked_out(account, instrument, order, event, NOT_OPENED)
    return change_in_bounds(account, instrument.instrument_id, change)


def book_credit_fill(
    book: Book,
    account: Account,
    event: OrderEvent,
    instrument: Instrument,
    order: Order,
    result: EventResult,
) -> None:
    """Book a fill's shares, cash, contracts and turnover."""
    instrument.touched = True
    change = worked_out(account, instrument, order, event, result.opening)
    if kind_of(order, event) in (MARGIN_BUY, SHORT_SELL) and result.opening != NOT_OPENED:
        for member in [order] if order.chain is None else order.chain.members:
            member.opening = result.opening
    entry = account.events[event.event_id]
    entry.fill_quantity = event.quantity if event.side == BUY else -event.quantity
    entry.cash_change = change.cash
    entry.change = change
    entry.price_e4 = event.price_e4
    position = account.position_in(instrument)
    before = position.turnover()
    position.day_traded += event.quantity * event.price_e4
    account.turnover_e4 += position.turnover() - before
    if change.long > 0:
        position.bought_today += change.long
    apply_change(book, account, instrument, change)


def book_credit_bust(
    book: Book, account: Account, entry: EventEntry, event: OrderEvent, result: EventResult
) -> None:
    """Undo what a fill changed; turnover stays."""
    instrument = book.instruments[entry.instrument_id]
    change = entry.change
    if change is None:
        return
    if change.long > 0:
        account.position_in(instrument).bought_today -= change.long
    undo_change(book, account, instrument, change, event, result.opening)
