"""What an execution that comes a day late leads to (7.1)."""

from __future__ import annotations

from .commands import STOP_REDUCE_ONLY
from .reasons import ScopeKind
from .state import Account, Book
from .stop import GATE, Stop


def stop_late(book: Book, account: Account, time_ns: int) -> None:
    """Put an account in reduce-only after an execution older than the trading date."""
    stop_id = f"late-{account.account_id}"
    if stop_id not in book.stops:
        reason = "execution older than the trading date"
        book.add_stop(
            Stop(
                stop_id,
                STOP_REDUCE_ONLY,
                ScopeKind.ACCOUNT,
                account.account_id,
                GATE,
                reason,
                time_ns,
                book.sequence + 1,
            )
        )
