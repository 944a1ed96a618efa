"""What an execution that comes a day late leads to (7.1)."""

from __future__ import annotations

from .account import Account
from .commands import STOP_REDUCE_ONLY
from .own_stops import set_own_stop
from .reasons import ScopeKind
from .state import Book


def stop_late(book: Book, account: Account, time_ns: int) -> None:
    """Put an account in reduce-only after an execution older than the trading date."""
    name = account.account_id
    reason = "execution older than the trading date"
    set_own_stop(book, f"late-{name}", STOP_REDUCE_ONLY, ScopeKind.ACCOUNT, name, reason, time_ns)
