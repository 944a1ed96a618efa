"""How an account's tier follows its scorecard (5.6).

A scorecard is worked out elsewhere; the gate takes its tier. A move to a tier of a lower rank, or
to none, is a tightening and in force at once. Any other one is a loosening: it waits for a second
person to ask for the same, unless the policy lets scorecards raise tiers by themselves; then it is
in force if it leads to the next rank and is the account's first of the trading day.
"""

from __future__ import annotations

from .account import Account
from .outcomes import Refusal
from .overriding import unknown
from .policy import Policy
from .staff_commands import SetTier
from .staff_outcomes import TierOutcome
from .state import Book, roll_if_due
from .stopping import LOCAL, second_person
from .tier_standing import TierStanding


def decide_tier(book: Book, command: SetTier, now_ns: int) -> TierOutcome | Refusal:
    """Move an account to a tier at once, or note that somebody asked for it."""
    account = book.accounts.get(command.account_id)
    policy = book.policy
    if account is None:
        return unknown("account", command.account_id)
    if policy is None:
        return unknown("policy", "")
    if command.tier_id and command.tier_id not in policy.tiers:
        return unknown("tier", command.tier_id)
    standing = account.standing if account.standing is not None else TierStanding()
    if is_in_force(account, standing, command):
        repeat = TierOutcome(standing.sequence, standing.set_time_ns)
        repeat.replayed = True
        return repeat
    latest_ns = now_ns + policy.max_clock_skew_ns
    if not standing.scorecard_time_ns <= command.scorecard_time_ns <= latest_ns:
        return stale_scorecard(standing, command, latest_ns)
    outcome = TierOutcome(book.sequence + 1, now_ns)
    if is_no_upgrade(account, policy, command.tier_id):
        return outcome
    outcome.raised = (
        policy.automatic_upgrade
        and standing.raised_date != book.trading_date
        and is_next_rank(account, policy, command.tier_id)
    )
    if outcome.raised:
        return outcome
    if is_asked_for(account, standing, command):
        if standing.asked_by == command.principal:
            repeat = TierOutcome(standing.asked_sequence, standing.asked_time_ns)
            repeat.pending = True
            repeat.replayed = True
            return repeat
        if command.principal == LOCAL:
            return second_person(command.principal, standing.asked_by)
        return outcome
    outcome.pending = True
    return outcome


def is_in_force(account: Account, standing: TierStanding, command: SetTier) -> bool:
    """Tell whether this very scorecard set the tier that the account is in."""
    return (
        bool(standing.sequence)
        and account.tier_id == command.tier_id
        and standing.scorecard_version == command.scorecard_version
        and standing.scorecard_time_ns == command.scorecard_time_ns
    )


def is_asked_for(account: Account, standing: TierStanding, command: SetTier) -> bool:
    """Tell whether a first person asked for the same, and the account is where it was."""
    return (
        bool(standing.asked_by)
        and standing.asked_from == account.tier_id
        and standing.asked_tier == command.tier_id
        and standing.asked_version == command.scorecard_version
        and standing.asked_scorecard_ns == command.scorecard_time_ns
    )


def is_no_upgrade(account: Account, policy: Policy, tier_id: str) -> bool:
    """Tell whether a move is provably no loosening: to a lower rank, to none, or nowhere."""
    if not tier_id or tier_id == account.tier_id:
        return True
    before = policy.tiers.get(account.tier_id)
    after = policy.tiers.get(tier_id)
    return before is not None and after is not None and after.rank < before.rank


def is_next_rank(account: Account, policy: Policy, tier_id: str) -> bool:
    """Tell whether a tier is above the account's with no rank of the policy between them."""
    before = policy.tiers.get(account.tier_id)
    rank = policy.tiers[tier_id].rank
    if before is None or rank <= before.rank:
        return False
    return not any(before.rank < tier.rank < rank for tier in policy.tiers.values())


def stale_scorecard(standing: TierStanding, command: SetTier, latest_ns: int) -> Refusal:
    """Refuse a scorecard that is older than the last one, or not made yet."""
    older = command.scorecard_time_ns < standing.scorecard_time_ns
    bound_ns = standing.scorecard_time_ns if older else latest_ns
    return Refusal(
        "STALE_SCORECARD",
        f"the scorecard of {command.account_id} is "
        + ("older than the one that set its tier" if older else "ahead of the gate's clock"),
        {
            "account_id": command.account_id,
            "scorecard_time_ns": str(command.scorecard_time_ns),
            "latest_time_ns": str(bound_ns),
        },
    )


def apply_tier(book: Book, command: SetTier, outcome: TierOutcome, time_ns: int) -> None:
    """Move an account to a tier, or note who asked for it."""
    account = book.accounts[command.account_id]
    roll_if_due(book, account)
    if account.standing is None:
        account.standing = TierStanding()
    standing = account.standing
    sequence = book.sequence + 1
    if outcome.pending:
        standing.asked_tier = command.tier_id
        standing.asked_version = command.scorecard_version
        standing.asked_scorecard_ns = command.scorecard_time_ns
        standing.asked_by = command.principal
        standing.asked_from = account.tier_id
        standing.asked_sequence = sequence
        standing.asked_time_ns = time_ns
        return
    account.tier_id = command.tier_id
    account.sequence = sequence
    account.effective = None
    standing.scorecard_version = command.scorecard_version
    standing.scorecard_time_ns = command.scorecard_time_ns
    standing.sequence = sequence
    standing.set_time_ns = time_ns
    standing.forget_request()
    if outcome.raised:
        standing.raised_date = book.trading_date
