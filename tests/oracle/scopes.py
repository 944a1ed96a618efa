"""Limits across scopes (2.1), and what they measure above the account (4.18, 4.26)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.oracle import credit
from tests.oracle.book import ONE, Account, Line, Message, lines_of, scale_down, up, upper_ratio
from tests.oracle.case import entry, once
from tests.oracle.groups import above, members
from tests.oracle.limits import in_mode, setting
from tests.oracle.overrides import scopes_in_force

if TYPE_CHECKING:
    from tests.oracle.book import Book
    from tests.oracle.case import Case

ORDER = ("FIRM", "GROUP", "ACCOUNT", "SECTOR", "BOARD", "INSTRUMENT")


class Bound(NamedTuple):
    """One limit that applies, what it measures, and its place among ties."""

    scope: tuple[str, str]
    measured: int
    limit: int


@once
def chain(case: Case) -> list[tuple[str, str]]:
    """The scopes of an order, in the order of ties."""
    facts = case.instrument.facts
    return [
        ("FIRM", ""),
        *[("GROUP", group_id) for group_id in above(case.book, case.account)],
        ("ACCOUNT", case.account.account_id),
        ("SECTOR", facts.get("sector", "")),
        ("BOARD", facts.get("board", "")),
        ("INSTRUMENT", case.instrument_id),
    ]


@once
def limits_of(case: Case, name: str, own: int | None) -> list[tuple[tuple[str, str], int]]:
    """Every limit of a figure that applies in the mode being judged, `own` the account's."""
    written = {
        (one["scope_kind"], one.get("scope_id", "")): one
        for one in scopes_in_force(case.book, case.now)
    }
    found = []
    for scope in chain(case):
        if scope[0] == "ACCOUNT":
            found += [(scope, own)] if own is not None else []
        limit = written.get(scope, {}).get(name)
        if limit is not None and in_mode(case, limit):
            found.append((scope, limit.get("value", 0)))
    return found


def limited_anywhere(case: Case, name: str) -> bool:
    """Say whether any scope but the account limits a figure, whatever the mode."""
    scopes = scopes_in_force(case.book, case.now)
    here = chain(case)
    return any(
        name in one and (one["scope_kind"], one.get("scope_id", "")) in here for one in scopes
    )


def worst(bounds: list[Bound]) -> Bound | None:
    """Of those that fail the greatest excess, of equal ones the first."""
    failing = [bound for bound in bounds if bound.measured > bound.limit]
    if not failing:
        return None
    return max(failing, key=lambda bound: bound.measured - bound.limit)


@once
def smallest(case: Case, name: str, factor: int = ONE) -> tuple[tuple[str, str], int] | None:
    """The smallest effective limit on one figure, of equal ones the first."""
    own = None
    if name != "instrument_exposure_e4":
        own = setting(case, name).value
    found = [(scope, limit * ONE // factor) for scope, limit in limits_of(case, name, own)]
    return min(found, key=lambda one: one[1]) if found else None


def reach_of(line: Line) -> int:
    """How far a position goes with all open orders of one side filled."""
    return line.reach()


def with_order(case: Case, quantity: int) -> Line:
    """The line of the order's instrument with so much of the order; what only closes is no part."""
    if not credit.is_credit(case.account):
        return case.line.plus(case.side, quantity, 0)
    held, owed = case.line.apart or (0, 0)
    if not credit.is_opening(case.request):
        quantity = 0
    if case.request.get("margin_kind") == "SHORT_SELL":
        return case.line._replace(apart=(held, owed + quantity))
    return case.line._replace(apart=(held + quantity, owed))


def total(case: Case, accounts: list[Account], quantity: int) -> int:
    """How far the positions of accounts in the ordered instrument go, with the order."""
    found = 0
    for account in accounts:
        line = line_of(case, account.account_id)
        if account is case.account:
            line = with_order(case, quantity) if quantity else case.line
        found += reach_of(line)
    return found


@once
def line_of(case: Case, account_id: str) -> Line:
    """What an account has in the ordered instrument."""
    return lines_of(case.book.accounts[account_id]).get(case.instrument_id, Line())


def everybody(book: Book) -> list[Account]:
    """All accounts of the firm."""
    return list(book.accounts.values())


def position_bounds(case: Case, quantity: int) -> list[Bound]:
    """4.18: the position as each scope measures it."""
    alone = total(case, [case.account], quantity)
    found = []
    for scope, limit in limits_of(case, "position", setting(case, "position").value):
        measured = alone
        if scope[0] == "FIRM":
            measured = total(case, everybody(case.book), quantity)
        elif scope[0] == "GROUP":
            measured = total(case, members(case.book, scope[1]), quantity)
        found.append(Bound(scope, measured, limit))
    own = case.instrument.facts.get("position_limit")
    if own is not None and not case.warning:
        found.append(Bound(("INSTRUMENT", case.instrument_id), alone, own))
    return found


def open_count_bounds(case: Case) -> list[Bound]:
    """4.16: open orders as each scope counts them; exits face them too."""
    found = []
    own = setting(case, "open_order_count").value
    for scope, limit in limits_of(case, "open_order_count", own):
        accounts = [case.account]
        if scope[0] == "FIRM":
            accounts = everybody(case.book)
        elif scope[0] == "GROUP":
            accounts = members(case.book, scope[1])
        count = 1 + sum(len(account.open_orders()) for account in accounts)
        found.append(Bound(scope, count, limit))
    return found


def ownership(case: Case, quantity: int) -> Bound | None:
    """4.18: what the topmost group has of the shares outstanding, in bps."""
    found = smallest(case, "ownership_bps")
    shares = case.instrument.facts.get("shares_outstanding")
    if found is None or shares is None:
        return None
    groups = above(case.book, case.account)
    accounts = members(case.book, groups[0]) if groups else [case.account]
    owned = total(case, accounts, quantity)
    scope, limit = found
    if owned <= scale_down(shares, limit):
        return None
    return Bound(scope, upper_ratio(owned, shares), limit)


def firm_exposure(case: Case, quantity: int) -> Bound | None:
    """4.26: what the firm has of the instrument, priced now."""
    found = smallest(case, "instrument_exposure_e4")
    if found is None:
        return None
    quantity = total(case, everybody(case.book), quantity)
    exposure = up(quantity * case.instrument.high, case.instrument.unit)
    return worst([Bound(found[0], exposure, found[1])])


def shares_unset(case: Case) -> bool:
    """Say whether a share of the shares outstanding is limited and nobody knows them."""
    own = setting(case, "ownership_bps", any_mode=True).value
    limited = own is not None or limited_anywhere(case, "ownership_bps")
    return limited and "shares_outstanding" not in case.instrument.facts


@once
def scope_gaps(case: Case) -> list[Message]:
    """What limits across scopes need to know of the instrument and do not."""
    names = []
    volume = "order_volume_share_bps"
    unlimited = setting(case, volume, any_mode=True).value is None
    if limited_anywhere(case, volume) and unlimited:
        names.append("average_volume")
    if shares_unset(case):
        names.append("shares_outstanding")
    here = ("INSTRUMENT", case.instrument_id)
    return [
        entry("LIMIT_NOT_SET", here, subject=name)
        for name in names
        if name not in case.instrument.facts
    ]


def tighter(old: list[Message], new: list[Message]) -> bool:
    """Say whether no limit of a scope is gone, higher, or only warns now (8.2)."""
    after = {(one["scope_kind"], one.get("scope_id", "")): one for one in new}
    for scope in old:
        other = after.get((scope["scope_kind"], scope.get("scope_id", "")), {})
        for name in scope.keys() - {"scope_kind", "scope_id"}:
            if name not in other or other[name].get("value", 0) > scope[name].get("value", 0):
                return False
            if other[name].get("mode") == "WARN" and scope[name].get("mode") != "WARN":
                return False
    return True
