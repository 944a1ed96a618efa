"""Cash and positions as the back office books them (8.7, 2.5), and valuations of accounts (2.7).

A booking is neither gain nor loss: both references of 4.25 move with it.
"""

from __future__ import annotations

from .account import Account
from .account_commands import AdjustCash, SetPositions
from .account_outcomes import CashOutcome, PositionsOutcome
from .adjustments import known_booking
from .amounts import AMOUNT_BOUND
from .cn.facts import negative_refusal
from .margin_lines import Valued
from .outcomes import Refusal
from .overriding import effective_limits
from .policy import Policy
from .position import Position
from .rates import regime_multiplier
from .shares import Share
from .shares_to_be import copied
from .sharing import share_now, unvalued, with_share
from .state import Book, roll_if_due
from .valuing import Held, held_at, held_by, held_in, value_of, valued, with_moved
from .withdrawals import WITHDRAWAL, may_withdraw


def decide_cash(book: Book, command: AdjustCash, now_ns: int) -> CashOutcome | Refusal:
    """Book cash once an id; what would pass a bound leaves cash and freezes the account (1.4)."""
    account = book.accounts.get(command.account_id)
    cash = 0
    if account is not None:
        roll_if_due(book, account)
        cash = account.cash
        known = known_booking(account, command.adjustment_id, command.content(), now_ns)
        if known is not None:
            return known
    stale = stale_sequence(book, command.account_id, command.expected_sequence)
    if stale is not None:
        return stale
    after = cash + command.amount_e4
    if abs(after) > AMOUNT_BOUND:
        after = cash
    outcome = CashOutcome(book.sequence + 1, now_ns, after)
    if command.kind == WITHDRAWAL and not may_withdraw(book, account, command, outcome):
        outcome.cash_e4 = cash
        keep_share(book, account, outcome, now_ns)
        return outcome
    policy = book.policy
    if policy is not None:
        outcome.valued = value_cash(book, policy, command.account_id, after, after - cash, now_ns)
    return outcome


def keep_share(book: Book, account: Account | None, outcome: CashOutcome, now_ns: int) -> None:
    """Value an account that stays as it is for the sums above it (4.26)."""
    policy = book.policy
    if policy is None or account is None or not policy.keeps_shares:
        return
    share = share_now(account, policy, regime_multiplier(book, policy), now_ns)
    found = with_share(outcome.valued[0] if outcome.valued else None, share)
    outcome.valued = named(found, account.account_id)


def value_cash(
    book: Book, policy: Policy, account_id: str, cash: int, moved: int, now_ns: int
) -> list[Valued]:
    """Value an account with other cash; what cannot be valued has its references moved only."""
    account = account_or_new(book, account_id)
    regime_bps = regime_multiplier(book, policy)
    held = held_by(account, policy, regime_bps, now_ns)
    if held is None:
        found = with_moved(account, moved)
    else:
        limits = effective_limits(account, policy, now_ns)
        owed = held[1] + account.interest_and_fees
        found = valued(account, limits, cash, held[0], owed, moved)
    if policy.keeps_shares:
        found = with_share(found, share_now(account, policy, regime_bps, now_ns, cash))
    return named(found, account_id)


def decide_positions(book: Book, command: SetPositions, now_ns: int) -> PositionsOutcome | Refusal:
    """Set positions, whatever they were."""
    stale = stale_sequence(book, command.account_id, command.expected_sequence)
    if stale is not None:
        return stale
    below = negative_refusal(book.accounts.get(command.account_id), command.targets)
    if below is not None:
        return below
    outcome = PositionsOutcome(book.sequence + 1, now_ns)
    policy = book.policy
    if policy is None:
        return outcome
    account = account_or_new(book, command.account_id)
    if command.account_id in book.accounts:
        roll_if_due(book, account)
    before = held_by(account, policy, regime_multiplier(book, policy), now_ns)
    after = held_with(book, account, dict(command.targets))
    found: Valued | None = None
    if after is not None:
        moved = 0
        if before is not None:
            moved = value_of(after) - value_of(before)
        limits = effective_limits(account, policy, now_ns)
        owed = after[1] + account.interest_and_fees
        found = valued(account, limits, account.cash, after[0], owed, moved)
    if policy.keeps_shares:
        found = with_share(found, share_holding(book, policy, account, command, now_ns))
    outcome.valued = named(found, command.account_id)
    return outcome


def share_holding(
    book: Book, policy: Policy, account: Account, command: SetPositions, now_ns: int
) -> Share | None:
    """Return an account's share with the quantities that a command sets (4.26)."""
    others: list[Position] = []
    for instrument_id, target in dict(command.targets).items():
        quantity = target
        instrument = book.instruments.get(instrument_id)
        if instrument is None:
            if quantity:
                return unvalued(account)
            continue
        known = account.positions.get(instrument_id)
        position = copied(instrument, known)
        if position.holding is not None:  # what is set is collateral (6.3)
            quantity += position.holding.financed
        position.quantity = quantity
        others.append(position)
    regime_bps = regime_multiplier(book, policy)
    return share_now(account, policy, regime_bps, now_ns, account.cash, others)


def held_with(book: Book, account: Account, targets: dict[str, int]) -> Held | None:
    """Return what an account would hold and owe with other quantities; None without a mark."""
    worth = owed = 0
    for position in account.active:
        if position.instrument.instrument_id in targets:
            continue
        kept = held_at(position, position.quantity, account.margin_model)
        if kept is None:
            return None
        worth += kept[0]
        owed += kept[1]
    for instrument_id, quantity in targets.items():
        known = account.positions.get(instrument_id)
        if known is not None and known.holding is not None:  # what is set is collateral (6.3)
            new = held_at(known, quantity + known.holding.financed, account.margin_model)
        elif not quantity:
            continue
        else:
            instrument = book.instruments.get(instrument_id)
            new = (
                held_in(instrument, quantity, account.margin_model)
                if instrument is not None
                else None
            )
        if new is None:
            return None
        worth += new[0]
        owed += new[1]
    return worth, owed


def named(found: Valued | None, account_id: str) -> list[Valued]:
    """Say whose valuation it is; nothing where it changed nothing."""
    if found is None:
        return []
    found.account_id = account_id
    return [found]


def account_or_new(book: Book, account_id: str) -> Account:
    """Return an account, or one as a fact would create it (2.5)."""
    account = book.accounts.get(account_id)
    return Account(account_id) if account is None else account


def value_all(book: Book, account_ids: list[str], now_ns: int) -> list[Valued]:
    """Value accounts as they stand, each once; those that change nothing are left out (2.7)."""
    policy = book.policy
    found: list[Valued] = []
    if policy is None:
        return found
    regime_bps = regime_multiplier(book, policy)
    for account_id in dict.fromkeys(account_ids):
        account = book.accounts.get(account_id)
        if account is None:
            continue
        roll_if_due(book, account)
        held = held_by(account, policy, regime_bps, now_ns)
        one: Valued | None = None
        if held is not None:
            owed = held[1] + account.interest_and_fees
            one = valued(
                account, effective_limits(account, policy, now_ns), account.cash, held[0], owed
            )
        if policy.keeps_shares:
            one = with_share(one, share_now(account, policy, regime_bps, now_ns))
        found += named(one, account_id)
    return found


def stale_sequence(book: Book, account_id: str, expected: int) -> Refusal | None:
    """Refuse what was meant for an earlier state of the account (2.5)."""
    account = book.accounts.get(account_id)
    sequence = account.sequence if account is not None else 0
    if sequence == expected:
        return None
    return Refusal(
        "STALE_SEQUENCE",
        f"account {account_id} is at sequence {sequence}, not {expected}: read it again",
        {
            "account_id": account_id,
            "expected_sequence": str(expected),
            "sequence": str(sequence),
        },
    )
