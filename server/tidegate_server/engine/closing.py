"""What an account has at the end of a trading day: parts of its roll (7.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .amounts import INT64_MAX

if TYPE_CHECKING:
    from .account import Account
    from .state import Book


def count_bought(book: Book, account: Account) -> None:
    """Count what was bought today anew, from the fills that are kept (4.19, 7.7)."""
    for position in account.positions.values():
        position.bought_today = 0
    for entry in account.events.values():
        if entry.fill_quantity > 0 and not entry.busted:
            position = account.position_in(book.instruments[entry.instrument_id])
            long = entry.fill_quantity if entry.change is None else entry.change.long
            position.bought_today += long


def equity_at_close(account: Account) -> int | None:
    """Return equity at the closing marks, fills only; None without a mark or beyond 64 bits."""
    equity = account.cash - account.interest_and_fees
    if account.credit is not None:
        equity -= account.credit.owed_cash()
    for position in account.active:
        owed = position.holding.owed if position.holding is not None else 0
        if not (position.quantity or owed):
            continue
        closing = position.instrument.closing_mark
        if not closing:
            return None
        unit = position.instrument.terms.unit
        raw = position.quantity * closing
        # Floor rounds a long's value down and a short's debt up.
        equity += raw if unit == 1 else raw // unit
        if owed:
            equity -= -(-owed * closing // unit)
    return equity if abs(equity) <= INT64_MAX else None
