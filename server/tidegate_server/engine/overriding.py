"""Overrides: one limit is another for a while (8.3), and what an account's limits come to then.

A tightening counts from its proposal on, but never loosens: where the value without it becomes the
stricter one, that one counts (5.5). Approved by a second person, an override replaces the value
whatever it is. Of several the newest decides, and each ends by itself: limits that were worked out
say until when they hold, so that the order path compares one time.
"""

from __future__ import annotations

from typing import Final

from .account import Account
from .amounts import INT64_MAX
from .commands import MARKET_ORDER
from .effective import Effective, levels_of
from .limit import Limit
from .outcomes import Outcome, Refusal
from .override import Override
from .policy import Policy
from .reasons import ScopeKind
from .scope_overrides import (
    counts,
    follow_overrides,
    is_known_scope,
    loosens_scope,
    scopes_until,
)
from .staff_commands import ApproveOverride, ProposeOverride
from .staff_outcomes import OverrideOutcome
from .state import Book
from .stopping import LOCAL, second_person
from .tightening import is_looser

OVERRIDE_LIMIT: Final = 10_000


def effective_limits(account: Account, policy: Policy, now_ns: int) -> Effective:
    """Return the account's limits under the policy (a memo)."""
    if (
        account.effective is None
        or account.effective_version != policy.revision
        or now_ns >= account.effective_until_ns
    ):
        overriding, until_ns = overriding_limits(account, policy, now_ns)
        account.effective_until_ns = min(until_ns, scopes_until(policy, now_ns))
        account.effective = limits_of(account, policy, overriding)
        account.effective_version = policy.revision
    return account.effective


def limits_of(account: Account, policy: Policy, overriding: dict[str, Limit]) -> Effective:
    """Return an account's limits; most accounts have none of their own, and share them."""
    products = account.permissions.plain_products(policy.disclosure_version)
    takes_market = MARKET_ORDER in account.permissions.order_types
    key = account.tier_id, products, takes_market
    own = account.limits or overriding or account.customer_limits
    limits = None if own else policy.shared.get(key)
    if limits is None:
        limits = Effective(
            policy, account.tier_id, account.limits, overriding, account.customer_limits
        )
        for one in (limits, limits.strict):
            if one is not None:
                one.plain_products = products
                one.takes_market = takes_market
        if not own:
            policy.shared[key] = limits
    return limits


def overriding_limits(
    account: Account, policy: Policy, now_ns: int
) -> tuple[dict[str, Limit], int]:
    """Return the limits that overrides replace, and until when that is so."""
    found: dict[str, Limit] = {}
    until_ns = INT64_MAX
    if not account.overrides:
        return found, until_ns
    below = levels_of(policy, account.tier_id, account.limits)
    for override in account.overrides:
        if now_ns >= override.expiry_time_ns or not counts(override):
            continue
        until_ns = min(until_ns, override.expiry_time_ns)
        limit = {override.name: override.limit}
        if override.approver or not is_looser(override.name, [found, *below], [limit, *below]):
            found[override.name] = override.limit
    return found, until_ns


def decide_override(book: Book, command: ProposeOverride, now_ns: int) -> OverrideOutcome | Refusal:
    """Keep an override; a tightening counts at once."""
    known = book.overrides.get(command.override_id)
    if known is not None:
        return repeated(known, command)
    policy = book.policy
    if command.scope_kind == ScopeKind.ACCOUNT and command.scope_id not in book.accounts:
        return unknown("account", command.scope_id)
    if policy is None:
        return unknown("policy", "")
    kind = command.scope_kind
    if kind != ScopeKind.ACCOUNT and not is_known_scope(book, policy, kind, command.scope_id):
        return unknown(kind.name.lower(), command.scope_id)
    length = wrong_length(policy, command.expiry_time_ns, now_ns)
    if length is not None:
        return length
    if len(book.overrides) >= OVERRIDE_LIMIT:
        figures = {"waiting": str(len(book.overrides)), "limit": str(OVERRIDE_LIMIT)}
        return Refusal("OVERLOADED", "too many overrides are kept", figures)
    looser = loosens(book, policy, command, now_ns)
    return OverrideOutcome(book.sequence + 1, now_ns, pending=looser)


def loosens(book: Book, policy: Policy, command: ProposeOverride, now_ns: int) -> bool:
    """Tell whether a proposal is not provably a tightening of what counts now (5.5)."""
    if command.scope_kind != ScopeKind.ACCOUNT:
        made = override_of(command, now_ns, book.sequence + 1, tightening=False)
        return loosens_scope(policy, made, now_ns)
    account = book.accounts[command.scope_id]
    below = levels_of(policy, account.tier_id, account.limits)
    found, _ = overriding_limits(account, policy, now_ns)
    return is_looser(command.name, [found, *below], [{command.name: command.limit}, *below])


def repeated(known: Override, command: ProposeOverride) -> OverrideOutcome | Refusal:
    """Answer a proposal whose id is known: the same again, or a refusal."""
    if known.content() != override_of(command, 0, 0, tightening=False).content():
        return Refusal(
            "IMMUTABLE",
            f"override {command.override_id} was proposed otherwise: choose another id",
            {"field": "override_id", "override_id": command.override_id},
        )
    repeat = OverrideOutcome(
        known.proposed_sequence, known.proposed_time_ns, pending=not known.tightening
    )
    repeat.replayed = True
    return repeat


def decide_override_approval(
    book: Book, command: ApproveOverride, now_ns: int
) -> Outcome | Refusal:
    """Let an override replace the value at its scope, as somebody else than its proposer."""
    known = book.overrides.get(command.override_id)
    if known is None or book.policy is None:
        return unknown("override", command.override_id)
    if known.approver == command.principal:
        repeat = Outcome(known.approved_sequence, known.approved_time_ns)
        repeat.replayed = True
        return repeat
    if known.approver or now_ns >= known.expiry_time_ns:
        state = "APPROVED" if known.approver else "ENDED"
        return Refusal(
            "NOT_PENDING",
            f"override {command.override_id} is {state.lower()}, not pending",
            {"kind": "override", "id": command.override_id, "state": state},
        )
    if command.principal in (LOCAL, known.proposer):
        return second_person(command.principal, known.proposer)
    length = wrong_length(book.policy, known.expiry_time_ns, now_ns)
    return length if length is not None else Outcome(book.sequence + 1, now_ns)


def wrong_length(policy: Policy, expiry_time_ns: int, now_ns: int) -> Refusal | None:
    """Refuse what ends by now, or later than the policy allows."""
    if now_ns < expiry_time_ns <= now_ns + policy.max_override_ns:
        return None
    return Refusal(
        "OVERRIDE_LENGTH",
        f"an override must end later than now, by at most {policy.max_override_ns} ns",
        {
            "expiry_time_ns": str(expiry_time_ns),
            "now_ns": str(now_ns),
            "limit_ns": str(policy.max_override_ns),
        },
    )


def unknown(kind: str, name: str) -> Refusal:
    """Say that there is no such thing."""
    return Refusal("NOT_FOUND", f"no {kind} {name}", {"kind": kind, "id": name})


def override_of(
    command: ProposeOverride, time_ns: int, sequence: int, *, tightening: bool
) -> Override:
    """Return what a proposal makes."""
    return Override(
        command.override_id,
        command.scope_kind,
        command.scope_id,
        command.name,
        command.limit,
        command.reason,
        command.expiry_time_ns,
        command.principal,
        time_ns,
        sequence,
        tightening=tightening,
    )


def apply_override(
    book: Book, command: ProposeOverride, outcome: OverrideOutcome, time_ns: int
) -> None:
    """Keep an override."""
    made = override_of(command, time_ns, book.sequence + 1, tightening=not outcome.pending)
    keep_override(book, made)


def keep_override(book: Book, override: Override) -> None:
    """Keep an override that is the newest at its scope."""
    book.overrides[override.override_id] = override
    book.override_queue.add(override, override.expiry_time_ns, override.proposed_sequence)
    overrides_beside(book, override).append(override)
    look_again(book, override)


def apply_override_approval(book: Book, command: ApproveOverride, time_ns: int) -> None:
    """Note who approved an override: from now on it is the newest."""
    override = book.overrides[command.override_id]
    override.approver = command.principal
    override.approved_time_ns = time_ns
    override.approved_sequence = book.sequence + 1
    beside = overrides_beside(book, override)
    beside.remove(override)
    beside.append(override)
    look_again(book, override)


def end_override(book: Book, override_id: str) -> None:
    """Forget an override that has ended."""
    override = book.overrides.pop(override_id)
    overrides_beside(book, override).remove(override)
    look_again(book, override)


def overrides_beside(book: Book, override: Override) -> list[Override]:
    """Return the list that an override is kept in: its account's, or that of all other scopes."""
    if override.scope_kind == ScopeKind.ACCOUNT:
        return book.accounts[override.scope_id].overrides
    return book.scope_overrides


def look_again(book: Book, override: Override) -> None:
    """Let limits be worked out anew where an override came, was approved or went."""
    if override.scope_kind == ScopeKind.ACCOUNT:
        book.accounts[override.scope_id].effective = None
    else:
        follow_overrides(book)
