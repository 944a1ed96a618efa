"""Applying what was decided of orders that are open: replaces, lists, cancels (chapter 7)."""

from __future__ import annotations

from .commands import Command
from .life_commands import CancelOrders, ReconcileOrders, ReplaceOrder
from .life_outcomes import ReconcileOutcome
from .outcomes import CheckOutcome, Outcome
from .reconcile import apply_reconcile
from .replacing import apply_replace
from .state import Book
from .stopping import apply_stop
from .to_cancel import stop_of


def apply_life(book: Book, command: Command, outcome: Outcome, sequence: int, time_ns: int) -> None:
    """Apply an outcome; naming orders to cancel changes nothing but the halt that it sets."""
    if isinstance(command, ReplaceOrder) and isinstance(outcome, CheckOutcome):
        apply_replace(book, command, outcome, sequence)
    elif isinstance(command, ReconcileOrders) and isinstance(outcome, ReconcileOutcome):
        apply_reconcile(book, command, outcome, sequence, time_ns)
    elif isinstance(command, CancelOrders):
        if command.stop_id:
            apply_stop(book, stop_of(command), time_ns)
    else:
        raise TypeError("the outcome does not belong to the command")
