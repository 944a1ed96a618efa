"""Repayments, returns, interest and fees of contracts (6.3), valued as all bookings are (2.7).

As bookings they are neither gain nor loss: what they change of equity moves both references of
4.25.
"""

from __future__ import annotations

from .account import Account
from .account_outcomes import CashOutcome
from .bookings import named, stale_sequence
from .cn.booking import apply_change
from .cn.changes import Change
from .cn.contracts import FINANCED
from .cn.facts import CreditFact, decide_credit
from .instrument import Instrument
from .margin_lines import Valued
from .outcomes import Refusal
from .overriding import effective_limits
from .policy import Policy
from .rates import regime_multiplier
from .sharing import share_now, with_share
from .state import Book
from .valuing import held_by, value_of, valued, with_moved


def decide_fact(book: Book, command: CreditFact, now_ns: int) -> CashOutcome | Refusal:
    """Book a fact once an id, and value the account with what it changes."""
    stale = stale_sequence(book, command.account_id, command.expected_sequence)
    found = decide_credit(book, command, stale, now_ns)
    if isinstance(found, Refusal):
        return found
    outcome, change = found
    policy = book.policy
    if policy is None or change is None:
        return outcome
    account = book.accounts[command.account_id]
    instrument = book.instruments.get(command.instrument_id)
    outcome.valued = named(
        value_change(book, policy, account, instrument, change, now_ns), account.account_id
    )
    return outcome


def value_change(
    book: Book,
    policy: Policy,
    account: Account,
    instrument: Instrument | None,
    change: Change,
    now_ns: int,
) -> Valued | None:
    """Value an account as a change leaves it: booked, looked at, and taken back."""
    regime_bps = regime_multiplier(book, policy)
    before = held_by(account, policy, regime_bps, now_ns)
    moved = change.cash - change.fees
    for move in change.moves:
        moved -= move.interest
        if move.kind == FINANCED:
            moved -= move.amount
    if before is not None:
        moved = value_of(before) + account.cash - account.interest_and_fees
    apply_change(book, account, instrument, change)
    try:
        after = held_by(account, policy, regime_bps, now_ns)
        if before is None or after is None:
            found = with_moved(account, moved)
        else:
            owed = after[1] + account.interest_and_fees
            moved = after[0] - owed + account.cash - moved
            limits = effective_limits(account, policy, now_ns)
            found = valued(account, limits, account.cash, after[0], owed, moved)
        if policy.keeps_shares:
            found = with_share(found, share_now(account, policy, regime_bps, now_ns))
    finally:
        apply_change(book, account, instrument, change, -1)
    return found
