"""4.26 over groups and the firm: what accounts were last valued at, added up (2.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.oracle.book import INT64_MAX, ONE, SECOND, Account, Book, Message, lines_of, scale_up
from tests.oracle.case import entry, once
from tests.oracle.figures import Figures, projected, valuable
from tests.oracle.groups import above, members
from tests.oracle.limits import in_mode
from tests.oracle.overrides import scopes_in_force

if TYPE_CHECKING:
    from tests.oracle.case import Case

LIMITS = ("group_exposure_e4", "financing_e4")


class Share(NamedTuple):
    """What sums count of an account; without a shortfall where the policy asked for none."""

    time: int
    gross: int
    drawn: int
    shortfall: int | None

    def ages(self) -> bool:
        """Whether marks may change it."""
        return self.time == 0 or self.gross > 0 or self.drawn > 0 or self.shortfall != 0


NEVER = Share(0, 0, 0, None)


def kept(book: Book) -> bool:
    """Whether the policy limits any such sum, or an override that is not forgotten may."""
    scopes = book.policy.get("scopes", [])
    if "reserve" in book.policy or any(name in scope for scope in scopes for name in LIMITS):
        return True
    return any(one.name in LIMITS and one.may_count for one in book.overrides.values())


def share_of(book: Book, figures: Figures, now: int) -> Share:
    """What an account with such figures counts for."""
    shortfall: int | None = 0 if not figures.gross and figures.equity >= 0 else None
    if "reserve" in book.policy:
        stress = book.policy["reserve"].get("stress_bps", 0)
        lost = 0
        for name, gross in figures.gross_of.items():
            factor = book.factor(book.instruments[name], now)
            lost += scale_up(gross, min(ONE, scale_up(stress, factor)))
        shortfall = min(INT64_MAX, max(0, lost - figures.equity))
    drawn = max(0, -figures.cash) + (figures.drawn if figures.model == "CN_MARGIN" else 0)
    return Share(now, min(figures.gross, INT64_MAX), min(drawn, INT64_MAX), shortfall)


def keep(book: Book, account: Account, now: int) -> None:
    """Value an account for the sums above it."""
    if not kept(book):
        return
    lines = lines_of(account)
    if valuable(book, lines):
        account.share = share_of(book, projected(book, account, lines, now), now)
    elif account.share is None or not account.share.ages():
        account.share = NEVER


def keep_again(book: Book, account: Account | None, now: int) -> None:
    """Value an account once more after the effect of what has valued it before."""
    if account is not None and account.share is not None and account.share.time == now:
        keep(book, account, now)


def counted(account: Account) -> Share | None:
    """The share of an account; one that was never valued has nothing, or is too old for any."""
    share: Share | None = account.share
    if share is not None:
        return share
    return NEVER if account.cash < 0 or lines_of(account) else None


class Total(NamedTuple):
    """The others' shares, and who of them was valued too long ago."""

    gross: int
    drawn: int
    shortfall: int | None
    late: str


@once
def others(case: Case, group_id: str = "") -> Total:
    """Add up all but the account that orders, of a group or of the firm."""
    firm = list(case.book.accounts.values())
    accounts = members(case.book, group_id) if group_id else firm
    found = [
        (share, account.account_id)
        for account in accounts
        if account is not case.account and (share := counted(account)) is not None
    ]
    age = case.book.number("max_valuation_age_ns") or 120 * SECOND
    late = sorted(
        (share.time, name) for share, name in found if share.ages() and case.now - share.time > age
    )
    known = [share.shortfall for share, _ in found if share.shortfall is not None]
    return Total(
        sum(share.gross for share, _ in found),
        sum(share.drawn for share, _ in found),
        sum(known) if len(known) == len(found) else None,
        late[0][1] if late else "",
    )


@once
def limit_of(case: Case, kind: str, name: str, limit: str) -> int | None:
    """A limit of a scope, of the mode that is judged."""
    for scope in scopes_in_force(case.book, case.now):
        if (scope["scope_kind"], scope.get("scope_id", "")) == (kind, name) and limit in scope:
            return int(scope[limit].get("value", 0)) if in_mode(case, scope[limit]) else None
    return None


def group_exposure(case: Case, after: Figures) -> list[Message]:
    """The group with the greatest excess."""
    worst, found = 0, []
    for name in above(case.book, case.account):
        limit = limit_of(case, "GROUP", name, "group_exposure_e4")
        if limit is None:
            continue
        total = others(case, name)
        measured = INT64_MAX if total.late else min(INT64_MAX, total.gross + after.gross)
        if measured - limit > worst:
            worst = measured - limit
            figures = (measured, limit)
            found = [entry("GROUP_EXPOSURE", ("GROUP", name), figures, subject=total.late)]
    return found


def firm_sums(case: Case, after: Figures) -> list[Message]:
    """Financing and the reserve."""
    found = []
    total = others(case)
    own = share_of(case.book, after, case.now)
    limit = limit_of(case, "FIRM", "", "financing_e4")
    drawn = INT64_MAX if total.late else min(INT64_MAX, total.drawn + own.drawn)
    if limit is not None and drawn > limit:
        found.append(entry("FIRM_FINANCING", ("FIRM", ""), (drawn, limit), subject=total.late))
    reserve = case.book.policy.get("reserve")
    if reserve is None or (reserve.get("mode", "ON") == "WARN") != case.warning:
        return found
    pool, coverage = reserve.get("pool_e4", 0), reserve["coverage_bps"]
    covered = 0
    if not total.late and total.shortfall is not None:
        whole = total.shortfall + (own.shortfall or 0)
        if not whole or pool >= scale_up(whole, coverage):
            return found
        covered = min(INT64_MAX, pool * ONE // whole)
    figures = (covered, coverage)
    return [*found, entry("RESERVE_COVERAGE", ("FIRM", ""), figures, subject=total.late)]


def usage_rows(case: Case, figures: Figures | None, limit: str) -> list[Message]:
    """8.5 of the sums over groups, or of the firm's financing."""
    rows = []
    reason = "GROUP_EXPOSURE" if limit == "group_exposure_e4" else "FIRM_FINANCING"
    scopes = scopes_in_force(case.book, case.now)
    for scope in sorted(scopes, key=lambda one: one.get("scope_id", "")):
        kind, name = scope["scope_kind"], scope.get("scope_id", "")
        inside = kind == "FIRM" or (kind == "GROUP" and name in above(case.book, case.account))
        if limit not in scope or not inside:
            continue
        row: Message = {"name": limit, "reason": reason, "setting": "SET"}
        row |= {"scope_kind": kind, "scope_id": name, "value": scope[limit].get("value", 0)}
        row["mode"] = scope[limit].get("mode", "ON")
        if figures is not None:
            own = share_of(case.book, figures, case.now)
            total = others(case) if kind == "FIRM" else others(case, name)
            row["used"] = total.gross + own.gross if kind == "GROUP" else total.drawn + own.drawn
        rows.append(row)
    return rows


def reserve_row(case: Case, figures: Figures | None) -> list[Message]:
    """8.5 of the reserve: what it should be, against what it is."""
    reserve = case.book.policy.get("reserve")
    if reserve is None:
        return []
    row: Message = {"name": "reserve_pool_e4", "reason": "RESERVE_COVERAGE", "setting": "SET"}
    row |= {"scope_kind": "FIRM", "scope_id": "", "value": reserve.get("pool_e4", 0)}
    row["mode"] = reserve.get("mode", "ON")
    total = others(case)
    if figures is not None and total.shortfall is not None:
        own = share_of(case.book, figures, case.now).shortfall or 0
        row["used"] = scale_up(total.shortfall + own, reserve["coverage_bps"])
    return [row]


def tighter(old: Message | None, new: Message | None) -> bool:
    """Say whether the reserve lets nothing more through (8.2)."""
    if old is None:
        return True
    if new is None or (new.get("mode") == "WARN" and old.get("mode") != "WARN"):
        return False
    return bool(
        new.get("pool_e4", 0) <= old.get("pool_e4", 0)
        and new["coverage_bps"] >= old["coverage_bps"]
        and new.get("stress_bps", 0) >= old.get("stress_bps", 0)
    )
