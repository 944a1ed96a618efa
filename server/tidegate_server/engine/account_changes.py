"""What one person may change of an account that is known, and what takes two (2.1, 5.5, 5.6).

A new account begins as the back office says. From then on one person may tighten: move it to a
lower tier or to none, and set limits of its own up to those of its tier, which two persons agreed
to. What would let more through has a way of its own, with a second person: `SetTier` for the tier,
an override or the policy for a limit.
"""

from __future__ import annotations

from .account import Account
from .account_commands import UpsertAccounts
from .account_terms import AccountTerms
from .cn.facts import model_refusal
from .effective import NO_LIMITS, levels_of
from .limit import LIMIT_NAMES
from .outcomes import Outcome, Refusal
from .own_stops import is_frozen
from .policy import Policy
from .state import Book
from .tiers import is_no_upgrade
from .tightening import is_looser


def decide_accounts(book: Book, command: UpsertAccounts, now_ns: int) -> Outcome | Refusal:
    """Take accounts as a whole, unless one may not become what is asked."""
    refusal = model_refusal(book, command.accounts)
    if refusal is None:
        refusal = loosening(book, command.accounts)
    return refusal if refusal is not None else Outcome(book.sequence + 1, now_ns)


def loosening(book: Book, accounts: list[AccountTerms]) -> Refusal | None:
    """Refuse the first account of which one person would allow more than two have agreed to."""
    policy = book.policy
    if policy is None:
        return None  # nothing passes before the first policy, whatever an account says
    for terms in accounts:
        account = book.accounts.get(terms.account_id)
        if account is None or is_unnamed(book, account):
            continue
        if not is_no_upgrade(account, policy, terms.tier_id):
            return two_persons(terms.account_id, "tier_id", "SetTier")
        for name in LIMIT_NAMES:
            if raises(policy, account, terms, name):
                return two_persons(terms.account_id, f"limits.{name}", "ProposeOverride")
    return None


def is_unnamed(book: Book, account: Account) -> bool:
    """Tell whether only facts have named an account: no tier, and the freeze of 2.5 stands.

    Nothing passes until two persons release that.
    """
    return not account.tier_id and is_frozen(book, account.account_id)


def raises(policy: Policy, account: Account, terms: AccountTerms, name: str) -> bool:
    """Tell whether a limit becomes looser than it is and than its tier's, as both resolve."""
    own = terms.limits.get(name)
    if own is None and name not in account.limits:
        return False
    below = levels_of(policy, terms.tier_id, NO_LIMITS)
    after = [terms.limits, *below]
    return is_looser(name, [account.limits, *below], after) and is_looser(
        name, [NO_LIMITS, *below], after
    )


def two_persons(account_id: str, field: str, instead: str) -> Refusal:
    """Say what takes two persons, and how they do it."""
    return Refusal(
        "LOOSENING",
        f"{field} of {account_id} would allow more: that takes two persons, by {instead}",
        {"account_id": account_id, "field": field, "instead": instead},
    )
