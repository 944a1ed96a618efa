"""How the policy changes: tightenings at once, everything else by two persons (8.2).

Versions only grow, pending ones included. A pending version can be approved as long as the version
that it changes is in force; that version never comes back, so a stale one stays stale and nothing
needs to be swept. The newest versions are kept with their documents, to be listed and proposed
again; beyond the limit the oldest one that is not in force is forgotten.
"""

from __future__ import annotations

from typing import Final

from .outcomes import Outcome, Refusal
from .policy import Policy
from .policy_version import PolicyVersion
from .rates import forget_rates
from .resting import make_ladders
from .scope_overrides import follow_overrides
from .shares import make_sums
from .staff_commands import ApprovePolicy, ProposePolicy, WithdrawPolicy
from .staff_outcomes import PolicyOutcome
from .state import Book
from .stopping import LOCAL, second_person
from .tightening import loosened_fields

PENDING: Final = 1
ACTIVE: Final = 2
REPLACED: Final = 3
WITHDRAWN: Final = 4
STALE: Final = 5

STATE_NAMES: Final = ("", "PENDING", "ACTIVE", "REPLACED", "WITHDRAWN", "STALE")
VERSION_LIMIT: Final = 256
NAMED_LIMIT: Final = 1_000


def decide_proposal(book: Book, command: ProposePolicy, now_ns: int) -> PolicyOutcome | Refusal:
    """Take the first policy or a tightening at once; anything else waits for another person."""
    active = book.policy
    active_version = active.version if active is not None else 0
    if command.base_version != active_version:
        return stale_base(command.base_version, active_version)
    version = max(max(book.versions, default=0), active_version) + 1
    outcome = PolicyOutcome(book.sequence + 1, now_ns, version)
    if len(book.versions) >= VERSION_LIMIT:
        outcome.forgotten_version = next(
            known for known in book.versions if known != active_version
        )
    if active is not None:
        outcome.loosened = loosened_fields(active, command.policy)[:NAMED_LIMIT]
        if not outcome.loosened:
            keep_former_age(book, active, command.policy, outcome)
    return outcome


def decide_approval(book: Book, command: ApprovePolicy, now_ns: int) -> PolicyOutcome | Refusal:
    """Put a pending version in force, as somebody else than its proposer."""
    known = book.versions.get(command.version)
    if known is not None and known.approver == command.principal:
        repeat = PolicyOutcome(known.activated_sequence, known.activated_time_ns, command.version)
        repeat.replayed = True
        return repeat
    if known is None or book.policy is None or state_of(book, known) != PENDING:
        return not_pending(book, command.version)
    if command.principal in (LOCAL, known.proposer):
        return second_person(command.principal, known.proposer)
    outcome = PolicyOutcome(book.sequence + 1, now_ns, command.version)
    keep_former_age(book, book.policy, known.policy, outcome)
    return outcome


def decide_withdrawal(book: Book, command: WithdrawPolicy, now_ns: int) -> Outcome | Refusal:
    """Take a pending version back."""
    known = book.versions.get(command.version)
    if known is None or state_of(book, known) != PENDING:
        return not_pending(book, command.version)
    return Outcome(book.sequence + 1, now_ns)


def state_of(book: Book, known: PolicyVersion) -> int:
    """Return where a version stands."""
    active_version = book.policy.version if book.policy is not None else 0
    if known.policy.version == active_version:
        return ACTIVE
    if known.activated_sequence:
        return REPLACED
    if known.withdrawer:
        return WITHDRAWN
    return PENDING if known.base_version == active_version else STALE


def not_pending(book: Book, version: int) -> Refusal:
    """Say why a version can be neither approved nor withdrawn."""
    known = book.versions.get(version)
    if known is None:
        figures = {"kind": "policy", "id": str(version)}
        return Refusal("NOT_FOUND", f"no version {version} of the policy is kept", figures)
    state = STATE_NAMES[state_of(book, known)]
    if state == "STALE" and book.policy is not None:
        return stale_base(known.base_version, book.policy.version)
    return Refusal(
        "NOT_PENDING",
        f"version {version} of the policy is {state.lower()}, not pending",
        {"kind": "policy", "id": str(version), "state": state},
    )


def stale_base(base_version: int, active_version: int) -> Refusal:
    """Say that another policy came into force meanwhile."""
    return Refusal(
        "STALE_POLICY",
        f"the policy in force is version {active_version}, not {base_version}",
        {"base_version": str(base_version), "active_version": str(active_version)},
    )


def keep_former_age(book: Book, old: Policy, new: Policy, outcome: PolicyOutcome) -> None:
    """Note how old orders created so far may be, where the new policy allows more.

    Their ids are kept for the age that was in force when they were decided (4.3). Judged by a
    greater one, an id that is forgotten already could be decided a second time.
    """
    if new.max_order_age_ns <= old.max_order_age_ns:
        return
    now_ns = outcome.decided_time_ns
    age_ns = old.max_order_age_ns
    if book.former_age_ns and now_ns - book.former_until_ns <= age_ns:
        age_ns = min(age_ns, book.former_age_ns)
    outcome.former_age_ns = age_ns
    outcome.former_until_ns = now_ns + old.max_clock_skew_ns


def apply_proposal(
    book: Book, command: ProposePolicy, outcome: PolicyOutcome, time_ns: int
) -> None:
    """Keep a version; a tightening is in force."""
    policy = command.policy
    policy.version = outcome.version
    sequence = book.sequence + 1
    known = PolicyVersion(
        policy, command.base_version, command.principal, time_ns, sequence, outcome.loosened
    )
    if outcome.forgotten_version:
        del book.versions[outcome.forgotten_version]
    book.versions[outcome.version] = known
    if not outcome.loosened:
        activate(book, known, outcome, time_ns)


def apply_approval(
    book: Book, command: ApprovePolicy, outcome: PolicyOutcome, time_ns: int
) -> None:
    """Put a version in force."""
    known = book.versions[command.version]
    known.approver = command.principal
    activate(book, known, outcome, time_ns)


def apply_withdrawal(book: Book, command: WithdrawPolicy, time_ns: int) -> None:
    """Note who withdrew a version."""
    known = book.versions[command.version]
    known.withdrawer = command.principal
    known.withdrawn_time_ns = time_ns


def activate(book: Book, known: PolicyVersion, outcome: PolicyOutcome, time_ns: int) -> None:
    """Make a version the policy in force."""
    known.activated_time_ns = time_ns
    known.activated_sequence = book.sequence + 1
    book.policy = known.policy
    follow_overrides(book)
    if outcome.former_until_ns:
        book.former_age_ns = outcome.former_age_ns
        book.former_until_ns = outcome.former_until_ns
    forget_rates(book)
    make_ladders(book)
    make_sums(book)
