"""4.26 GROUP_EXPOSURE, FIRM_FINANCING, RESERVE_COVERAGE: sums of what accounts were valued at."""

from __future__ import annotations

from typing import Final

from tidegate_server.engine.account import Account
from tidegate_server.engine.amounts import INT64_MAX, lower_ratio_bps, scale_up
from tidegate_server.engine.policy import Policy
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind
from tidegate_server.engine.scope_limits import FIRM, GROUP
from tidegate_server.engine.shares import UNSTRESSED, Share, ShareSum, oldest
from tidegate_server.engine.state import Book

GROUP_EXPOSURE: Final = "group_exposure_e4"
FINANCING: Final = "financing_e4"
GROSS: Final = 1
DRAWN: Final = 2
SHORTFALL: Final = 3
NOTHING: Share = (0, 0, 0, 0)


def valued_sums(
    book: Book, policy: Policy, account: Account, share: Share, now_ns: int, *, warning: bool
) -> list[Rejection]:
    """Refuse too much over a group or the firm, `share` being the account's with the order.

    A sum with a share that is older than the policy allows counts as over its limit.
    """
    found = [
        group_exposure(book, policy, account, share, now_ns, warning=warning),
        firm_financing(book, policy, account, share, now_ns, warning=warning),
        reserve_coverage(book, policy, account, share, now_ns, warning=warning),
    ]
    return [rejection for rejection in found if rejection is not None]


def sum_with(book: Book, group_id: str, account: Account, share: Share, figure: int) -> int:
    """Return one figure's sum over a group, or the firm, one account's share exchanged."""
    sums = book.share_sums
    total = sums.get(group_id) if sums is not None else None
    own = account.counted if account.counted is not None else NOTHING
    return of_sum(total, figure) - max(own[figure], 0) + max(share[figure], 0)


def of_sum(total: ShareSum | None, figure: int) -> int:
    """Return one figure of a sum, 0 where nobody has a share in it."""
    if total is None:
        return 0
    if figure == GROSS:
        return total.gross
    return total.drawn if figure == DRAWN else total.shortfall


def too_old(book: Book, policy: Policy, group_id: str, account: Account, now_ns: int) -> str:
    """Name the account with the oldest share of a sum, "" where that is not too old."""
    first = oldest(book, group_id, account.account_id)
    if first is None or now_ns - first[0] <= policy.max_valuation_age_ns:
        return ""
    return first[1]


def group_exposure(
    book: Book, policy: Policy, account: Account, share: Share, now_ns: int, *, warning: bool
) -> Rejection | None:
    """Compare the gross of each group with its limit; the greatest excess is named (2.1)."""
    worst = 0
    found: Rejection | None = None
    for group_id in reversed(account.groups):
        scope = policy.scopes.get((GROUP, group_id))
        if scope is None:
            continue
        limit = scope.cap(GROUP_EXPOSURE, warning=warning)
        if limit == INT64_MAX:
            continue
        measured = min(sum_with(book, group_id, account, share, GROSS), INT64_MAX)
        late = too_old(book, policy, group_id, account, now_ns)
        if late:
            measured = INT64_MAX
        if measured - limit > worst:
            worst = measured - limit
            reason = RejectReason.GROUP_EXPOSURE
            found = Rejection(reason, measured, limit, ScopeKind.GROUP, group_id, late)
    return found


def firm_financing(
    book: Book, policy: Policy, account: Account, share: Share, now_ns: int, *, warning: bool
) -> Rejection | None:
    """Compare what all accounts draw with the firm's limit."""
    scope = policy.scopes.get((FIRM, ""))
    limit = INT64_MAX if scope is None else scope.cap(FINANCING, warning=warning)
    if limit == INT64_MAX:
        return None
    measured = min(sum_with(book, "", account, share, DRAWN), INT64_MAX)
    late = too_old(book, policy, "", account, now_ns)
    if late:
        measured = INT64_MAX
    if measured <= limit:
        return None
    return Rejection(RejectReason.FIRM_FINANCING, measured, limit, ScopeKind.FIRM, "", late)


def reserve_coverage(
    book: Book, policy: Policy, account: Account, share: Share, now_ns: int, *, warning: bool
) -> Rejection | None:
    """Compare the reserve with a ratio of all accounts' shortfalls; none of them pass."""
    reserve = policy.reserve
    if reserve is None or reserve.warns != warning:
        return None
    late = too_old(book, policy, "", account, now_ns)
    if late or unstressed(book, account):
        measured = 0
    else:
        total = sum_with(book, "", account, share, SHORTFALL)
        if not total or reserve.pool_e4 >= scale_up(total, reserve.coverage_bps):
            return None
        measured = lower_ratio_bps(reserve.pool_e4, total)
    limit = reserve.coverage_bps
    return Rejection(RejectReason.RESERVE_COVERAGE, measured, limit, ScopeKind.FIRM, "", late)


def unstressed(book: Book, account: Account) -> bool:
    """Tell whether some other account's shortfall is not known."""
    sums = book.share_sums
    if sums is None:
        return False
    own = account.counted is not None and account.counted[3] == UNSTRESSED
    return sums[""].unstressed > own
