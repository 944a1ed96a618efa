"""Limits across scopes: firm, groups from the top, account, sector, board, instrument (2.1).

All that apply are checked. On the same figure the smallest decides; of different sums, among those
that fail, the one with the greatest excess. Both are the greatest excess, ties in the order above.
"""

from __future__ import annotations

from .account import Account
from .amounts import ONE, raw_up, unscale_down
from .instrument import Instrument
from .limit import NO_CHECK
from .policy import Policy
from .reasons import ScopeKind
from .scope_limits import ScopeLimits
from .state import Book

# A limit with the scope that it is of.
Deciding = tuple[int, ScopeKind, str]


def scopes_over(policy: Policy, account: Account, instrument: Instrument) -> list[ScopeLimits]:
    """Return the scopes with limits that an order meets, in the order of ties, account left out."""
    scopes = policy.scopes
    found: list[ScopeLimits] = []
    firm = scopes.get((1, ""))
    if firm is not None:
        found.append(firm)
    for group_id in reversed(account.groups):
        group = scopes.get((2, group_id))
        if group is not None:
            found.append(group)
    terms = instrument.terms
    sector = scopes.get((4, terms.sector))
    if sector is not None:
        found.append(sector)
    board = scopes.get((5, terms.board))
    if board is not None:
        found.append(board)
    own = scopes.get((6, terms.instrument_id))
    if own is not None:
        found.append(own)
    return found


def smallest(
    scopes: list[ScopeLimits],
    name: str,
    account_id: str,
    own: int,
    *,
    warning: bool,
    factor: int = ONE,
) -> Deciding:
    """Return the smallest limit on one figure, `own` being the account's; divided by the factor."""
    best = NO_CHECK
    kind = ScopeKind.ACCOUNT
    scope_id = account_id
    if own != NO_CHECK and factor != ONE:
        own = unscale_down(own, factor)
    for scope in scopes:
        cap = scope.caps.get(name, NO_CHECK)
        if cap == NO_CHECK or (name in scope.warned) != warning:
            continue
        if factor != ONE:
            cap = unscale_down(cap, factor)
        # On a tie the account comes before what is beside it, and after what is above.
        if cap < best and (cap < own or (cap == own and scope.kind < ScopeKind.ACCOUNT)):
            best = cap
            kind = ScopeKind(scope.kind)
            scope_id = scope.scope_id
    if own < best:
        return own, ScopeKind.ACCOUNT, account_id
    return best, kind, scope_id


def has_limit(scopes: list[ScopeLimits], name: str) -> bool:
    """Tell whether any of the scopes limits a figure, in whatever mode."""
    return any(name in scope.caps for scope in scopes)


def owned_after(account: Account, instrument: Instrument, before: int, after: int) -> int:
    """Return what an account's topmost group has of an instrument, its own reach changed (4.18)."""
    if not account.groups:
        return after
    return instrument.reach_of.get(account.groups[-1], 0) - before + after


def firm_exposure(instrument: Instrument, change: int) -> int:
    """Return what all accounts have of an instrument, its total changed, in e4 (4.26)."""
    return raw_up((instrument.reach + change) * instrument.high, instrument.terms.unit)


def open_orders(book: Book, scope: ScopeLimits) -> int:
    """Return how many orders are open within the firm or a group (4.16)."""
    if scope.kind == ScopeKind.FIRM:
        return book.open_order_count
    return book.open_orders_of.get(scope.scope_id, 0)
