"""What bookings of cash, and of what is owed, change in the book (8.7, 6.3)."""

from __future__ import annotations

from .account_commands import AdjustCash
from .account_outcomes import CashOutcome
from .amounts import AMOUNT_BOUND
from .cn.facts import CreditFact, apply_credit
from .commands import Command
from .margin_lines import Valued
from .own_stops import freeze
from .reasons import ScopeKind
from .settle import account_for_fact
from .state import Book, roll_if_due
from .valuing import apply_valued


def apply_booking(
    book: Book, command: Command, outcome: CashOutcome, sequence: int, time_ns: int
) -> None:
    """Book what moves an account's cash, or what it owes."""
    if isinstance(command, AdjustCash):
        apply_cash(book, command, outcome, sequence, time_ns)
    elif isinstance(command, CreditFact):
        apply_credit(book, command, outcome, sequence, time_ns)
        apply_all_valued(book, outcome.valued)
    else:
        raise TypeError("the outcome does not belong to the command")


def apply_cash(
    book: Book, command: AdjustCash, outcome: CashOutcome, sequence: int, time_ns: int
) -> None:
    """Book cash; where a bound kept it from moving, freeze the account."""
    if outcome.rejections:
        apply_all_valued(book, outcome.valued)
        return
    account = account_for_fact(book, command.account_id, time_ns)
    roll_if_due(book, account)
    account.sequence = sequence
    account.adjustments[command.adjustment_id] = book.trading_date, command.content()
    if abs(account.cash + command.amount_e4) > AMOUNT_BOUND:
        freeze(book, ScopeKind.ACCOUNT, account.account_id, "out of bounds", time_ns)
    account.cash = outcome.cash_e4
    apply_all_valued(book, outcome.valued)


def apply_all_valued(book: Book, valued: list[Valued]) -> None:
    """Keep what valuations changed (2.7); each names an account that is known by now."""
    for found in valued:
        account = book.accounts[found.account_id]
        roll_if_due(book, account)
        apply_valued(book, account, found)
