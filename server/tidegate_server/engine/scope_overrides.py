"""Overrides of limits above and beside accounts: firm, group, sector, board, instrument (8.3).

What the policy in force says of scopes is kept twice: as it was written, and as it stands with the
overrides that count now. Orders read the second only, so one that nobody configured costs nothing.
When an override ends, limits of accounts that were worked out end with it (`effective_limits`), and
whoever looks next has the scopes stated anew.
"""

from __future__ import annotations

from .amounts import INT64_MAX
from .limit import Limit
from .override import Override
from .policy import Policy
from .reasons import ScopeKind
from .scope_limits import VALUED_SUMS, ScopeLimits, Scopes
from .shares import make_sums
from .state import Book


def scopes_until(policy: Policy, now_ns: int) -> int:
    """Return until when the limits of scopes stand as they are now."""
    if now_ns >= policy.scopes_until_ns:
        state_scopes(policy, now_ns)
    return policy.scopes_until_ns


def state_scopes(policy: Policy, now_ns: int) -> None:
    """Work out the limits of scopes from what was written and from what overrides it."""
    scopes: Scopes = policy.written_scopes
    until_ns = INT64_MAX
    for override in policy.overriding:
        if now_ns >= override.expiry_time_ns or not counts(override):
            continue
        until_ns = min(until_ns, override.expiry_time_ns)
        key = int(override.scope_kind), override.scope_id
        before = limit_at(scopes, key, override.name)
        if override.approver or not is_looser_at(before, override.limit):
            scopes = {**scopes, key: with_limit(scopes.get(key), key, override)}
    policy.put_scopes(scopes, until_ns)


def counts(override: Override) -> bool:
    """Tell whether an override that has not ended may count."""
    return bool(override.approver) or override.tightening


def limit_at(scopes: Scopes, key: tuple[int, str], name: str) -> Limit | None:
    """Return a limit of a scope, None where it has none."""
    scope = scopes.get(key)
    if scope is None or name not in scope.caps:
        return None
    return Limit(scope.caps[name], warns=name in scope.warned)


def is_looser_at(before: Limit | None, after: Limit) -> bool:
    """Tell whether a scope's limit would let more through: any value tightens what has none."""
    if before is None or before.value is None or after.value is None:
        return False
    return after.value > before.value or (after.warns and not before.warns)


def with_limit(scope: ScopeLimits | None, key: tuple[int, str], override: Override) -> ScopeLimits:
    """Return a scope's limits with one of them replaced."""
    name, limit = override.name, override.limit
    caps: dict[str, int] = {}
    warned: list[str] = []
    if scope is not None:
        caps = dict(scope.caps)
        warned = [other for other in scope.warned if other != name]
    if limit.value is not None:
        caps[name] = limit.value
    return ScopeLimits(key[0], key[1], caps, [*warned, *[name] * limit.warns])


def is_known_scope(book: Book, policy: Policy, kind: ScopeKind, scope_id: str) -> bool:
    """Tell whether a scope is one that the gate knows: a wrong name must not look like a limit."""
    if kind == ScopeKind.FIRM or (int(kind), scope_id) in policy.written_scopes:
        return True
    if kind == ScopeKind.INSTRUMENT:
        return scope_id in book.instruments
    if kind == ScopeKind.GROUP:
        return scope_id in book.groups or any(
            account.group_id == scope_id for account in book.accounts.values()
        )
    if kind == ScopeKind.SECTOR:
        return any(scope_id == one.terms.sector for one in book.instruments.values())
    return any(scope_id == one.terms.board for one in book.instruments.values())


def loosens_scope(policy: Policy, override: Override, now_ns: int) -> bool:
    """Tell whether a proposed override is no tightening of its scope's limit."""
    scopes_until(policy, now_ns)
    key = int(override.scope_kind), override.scope_id
    return is_looser_at(limit_at(policy.scopes, key, override.name), override.limit)


def follow_overrides(book: Book) -> None:
    """Let the policy in force take notice of overrides, after either has changed.

    Shares are kept from the record on in which an override of such a sum may count, to the one that
    forgets it: what evolves must not depend on the clock (4.26).
    """
    policy = book.policy
    if policy is None:
        return
    policy.overriding = book.scope_overrides
    policy.revision = max(policy.revision, policy.version << 32) + 1
    policy.scopes_until_ns = 0
    keeps = policy.limits_shares() or any(
        override.name in VALUED_SUMS and counts(override) for override in book.scope_overrides
    )
    if keeps != policy.keeps_shares:
        policy.keeps_shares = keeps
        make_sums(book)
