"""Fills that several sources report: counted once, and compared (7.6).

The router is the source without a name, an independent drop copy any other. Whoever reports an
execution first is booked. If another source tells it otherwise, both accounts that are named become
reduce-only: somebody is wrong about what they hold.

Within an account its executions are known by id. Which accounts know an id is a memo of the book,
made when a drop copy is first heard of: without one there is nothing to compare.
"""

from __future__ import annotations

from .account import Account
from .commands import BUY, EVENT_FILLED, STOP_REDUCE_ONLY, OrderEvent
from .order import EventEntry
from .own_stops import set_own_stop
from .reasons import ScopeKind
from .state import Book, roll_if_due

SOURCES_DISAGREE = 42


def disagrees(event: OrderEvent, entry: EventEntry) -> bool:
    """Tell whether another source reported the same execution of the account otherwise."""
    if event.kind != EVENT_FILLED or event.source == entry.source:
        return False
    if not entry.fill_quantity:
        return not entry.instrument_id and not entry.busted  # it was no fill
    signed = event.quantity if event.side == BUY else -event.quantity
    return (
        signed != entry.fill_quantity
        or event.instrument_id != entry.instrument_id
        or event.price_e4 != (entry.price_e4 or event.price_e4)
    )


def elsewhere(book: Book, event: OrderEvent) -> list[Account]:
    """Return the other accounts for which another source reported the same execution, by id."""
    if event.kind != EVENT_FILLED or not (event.source or book.has_sources):
        return []
    found: list[Account] = []
    for account_id in sorted(known_by(book, event.event_id)):
        account = book.accounts.get(account_id)
        if account is None or account_id == event.account_id:
            continue
        roll_if_due(book, account)
        entry = account.events.get(event.event_id)
        if entry is not None and entry.fill_quantity and entry.source != event.source:
            found.append(account)
    return found


def known_by(book: Book, event_id: str) -> list[str]:
    """Return the accounts that may have booked an execution."""
    if book.executions is None:
        book.executions = {}
        for account in book.accounts.values():
            for key, entry in account.events.items():
                if entry.fill_quantity:
                    book.executions.setdefault(key, []).append(account.account_id)
    return book.executions.get(event_id, [])


def note_execution(book: Book, account: Account, event_id: str) -> None:
    """Let the memo know of an execution that was booked."""
    if book.executions is not None:
        accounts = book.executions.setdefault(event_id, [])
        if account.account_id not in accounts:
            accounts.append(account.account_id)


def stop_disagreeing(book: Book, event: OrderEvent, time_ns: int) -> None:
    """Put every account that a disputed execution names in reduce-only."""
    names = [event.account_id, *[account.account_id for account in elsewhere(book, event)]]
    for account_id in names:
        set_own_stop(
            book,
            f"disagree-{account_id}",
            STOP_REDUCE_ONLY,
            ScopeKind.ACCOUNT,
            account_id,
            "sources disagree on an execution",
            time_ns,
        )
