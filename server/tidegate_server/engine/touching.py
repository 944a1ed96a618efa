"""Which accounts a record changes: what watches and alerts look at after it."""

from __future__ import annotations

from .account_commands import RevalueAccounts, UpsertAccounts
from .commands import CheckOrder, CheckOrders, Command, RecordOrderEvents
from .market_commands import UpdateMarks
from .outcomes import Outcome
from .own_commands import StartEpoch, Tick
from .own_outcomes import TickOutcome


def touched_accounts(command: Command, outcome: Outcome) -> list[str] | None:
    """Return the accounts that a record changes, maybe twice; None: it may change any.

    A mark changes no account (3): its holders change when they are valued.
    """
    if isinstance(command, CheckOrders):
        return [order.account_id for order in command.orders]
    if isinstance(command, RecordOrderEvents):
        return [event.account_id for event in command.events]
    if isinstance(command, RevalueAccounts):
        return command.account_ids
    if isinstance(command, UpsertAccounts):
        return [terms.account_id for terms in command.accounts]
    if isinstance(command, Tick) and isinstance(outcome, TickOutcome):
        return [account_id for account_id, _ in outcome.unconfirmed]
    if isinstance(command, (UpdateMarks, StartEpoch)):
        return []
    order = order_of(command)
    account_id: object = getattr(command if order is None else order, "account_id", None)
    return [account_id] if isinstance(account_id, str) else None


def order_of(command: Command) -> CheckOrder | None:
    """Return the one order that a command asks about, itself or in another's place; else None."""
    order: object = command if isinstance(command, CheckOrder) else getattr(command, "order", None)
    return order if isinstance(order, CheckOrder) else None
