"""Which orders staff has to cancel at the venue (7.5). Naming them releases nothing."""

from __future__ import annotations

from .account import Account
from .commands import STOP_HALT
from .groups import ancestors
from .life_commands import CancelOrders
from .life_outcomes import CancelOutcome
from .outcomes import Refusal
from .reasons import ScopeKind
from .staff_commands import SetStop
from .state import Book
from .stopping import decide_stop

PAGE_LIMIT = 1_000


def decide_cancel(book: Book, command: CancelOrders, now_ns: int) -> CancelOutcome | Refusal:
    """Name the orders of a scope that have not ended, by account and id."""
    if command.stop_id:
        stop = decide_stop(book, stop_of(command), now_ns)
        if isinstance(stop, Refusal):
            return stop
    found: list[tuple[str, str]] = []
    after_account = command.after[0]
    for account in accounts_within(book, command):
        account_id = account.account_id
        if account_id < after_account:
            continue
        ids = [key for key in working_orders(account, command) if (account_id, key) > command.after]
        found += [(account_id, key) for key in sorted(ids)]
        if len(found) > PAGE_LIMIT:
            break
    page = found[:PAGE_LIMIT]
    return CancelOutcome(book.sequence + 1, now_ns, page, more=len(found) > PAGE_LIMIT)


def accounts_within(book: Book, command: CancelOrders) -> list[Account]:
    """Return the accounts of a scope that have anything open, by id."""
    found = [
        account
        for account in book.accounts.values()
        if account.open_order_count and is_within(book, account, command)
    ]
    found.sort(key=id_of)
    return found


def is_within(book: Book, account: Account, command: CancelOrders) -> bool:
    """Tell whether an account may have orders in the scope."""
    if command.scope_kind == ScopeKind.ACCOUNT:
        return account.account_id == command.scope_id
    if command.scope_kind == ScopeKind.GROUP:
        return command.scope_id in ancestors(book, account.group_id)
    position = account.positions.get(command.scope_id)
    return position is not None and not position.is_flat()


def working_orders(account: Account, command: CancelOrders) -> list[str]:
    """Return the ids of an account's orders in the scope that may be working at the venue."""
    of_instrument = command.scope_kind == ScopeKind.INSTRUMENT
    return [
        key
        for key, order in account.orders.items()
        if order.is_live()
        and order.command is not None
        and (not of_instrument or order.command.instrument_id == command.scope_id)
    ]


def id_of(account: Account) -> str:
    """Return an account's id, for sorting."""
    return account.account_id


def stop_of(command: CancelOrders) -> SetStop:
    """Return the halt that a cancel sets."""
    return SetStop(
        command.principal,
        command.stop_id,
        STOP_HALT,
        command.scope_kind,
        command.scope_id,
        command.reason,
    )
