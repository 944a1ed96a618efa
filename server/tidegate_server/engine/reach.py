"""What is summed over the firm and its groups: open orders, and how far positions reach (2.1).

A position reaches to max(P + OB, OS - P): what it is, long or short, once the open orders of one
side are filled. That is the quantity of its gross (3.5), and linear in nothing that moves with
marks, so the sums are kept as quantities and priced when they are read. Each account counts by
itself: what one is long does not hide what another is short.
"""

from __future__ import annotations

from .account import Account
from .position import Position
from .state import Book


def tally(account: Account, position: Position, reach_before: int) -> None:
    """Let the sums follow a position that has changed."""
    change = position.reach() - reach_before
    if change:
        add(account, position, change)


def add(account: Account, position: Position, change: int) -> None:
    """Add to the sums of the firm and of the account's groups."""
    instrument = position.instrument
    instrument.reach += change
    reach_of = instrument.reach_of
    for group_id in account.groups:
        reach_of[group_id] = reach_of.get(group_id, 0) + change


def count_open(book: Book, account: Account, change: int) -> None:
    """Count open orders of an account, and of the firm and its groups (4.16)."""
    account.open_order_count += change
    book.open_order_count += change
    if account.groups:
        count_in_groups(book, account, change)


def count_in_groups(book: Book, account: Account, change: int) -> None:
    """Count open orders of the account's groups."""
    counts = book.open_orders_of
    for group_id in account.groups:
        counts[group_id] = counts.get(group_id, 0) + change


def leave(book: Book, account: Account) -> None:
    """Take an account out of the sums."""
    count_in_groups(book, account, -account.open_order_count)
    for position in account.active:
        add(account, position, -position.reach())


def join(book: Book, account: Account) -> None:
    """Put an account into the sums of the groups that are its own now."""
    count_in_groups(book, account, account.open_order_count)
    for position in account.active:
        add(account, position, position.reach())
