"""What accounts were last valued at, added up over the firm and each group (2.7, 4.26).

An account's share is state: time of the valuation in ns, projected gross, financing drawn, and
shortfall under stress in e4. The sums, and how old their oldest share is, are memos: they follow
from the shares, and are kept only while the policy in force limits such a sum (`book.share_sums`).
"""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from typing import TYPE_CHECKING, Final

from .amounts import ONE, scale_up

if TYPE_CHECKING:
    from .account import Account
    from .state import Book

# Time, gross, drawn, shortfall; a shortfall of UNSTRESSED was not asked for.
Share = tuple[int, int, int, int]

UNSTRESSED: Final = -1
# What holds something and could never be valued: older than any age, of unknown shortfall.
NEVER_VALUED: Share = (0, 0, 0, UNSTRESSED)


class ShareSum:
    """The shares of the firm, or of a group and what is nested in it, added up.

    `unstressed` counts those without a shortfall. `by_age` is a heap of time and account, `noted`
    the time of each account's entry in it. An entry is no later than its account's share, which
    may have come since: so the first says at a glance that no share is older, and an order need not
    move its account's entry (4 of 56 us an order, in process).
    """

    __slots__ = ("by_age", "drawn", "gross", "noted", "shortfall", "unstressed")

    def __init__(self) -> None:
        self.gross = 0
        self.drawn = 0
        self.shortfall = 0
        self.unstressed = 0
        self.by_age: list[tuple[int, str]] = []
        self.noted: dict[str, int] = {}

    def count(self, share: Share, sign: int) -> None:
        """Put a share in, or take it out."""
        self.gross += sign * share[1]
        self.drawn += sign * share[2]
        if share[3] == UNSTRESSED:
            self.unstressed += sign
        else:
            self.shortfall += sign * share[3]

    def note(self, time_ns: int, account_id: str) -> None:
        """See to it that an account's entry is no later than its share."""
        noted = self.noted.get(account_id)
        if noted is None or time_ns < noted:
            heappush(self.by_age, (time_ns, account_id))
        elif noted < time_ns and self.by_age[0][1] == account_id:  # the first: keep it true
            heapreplace(self.by_age, (time_ns, account_id))
        else:
            return
        self.noted[account_id] = time_ns

    def is_young(self, since_ns: int) -> bool:
        """Tell at a glance that no share is older; false where that takes a closer look."""
        return not self.by_age or self.by_age[0][0] >= since_ns


def stress_rate(stress_bps: int, factor: int) -> int:
    """Return what a position loses under stress in bps: by its factor, all of it at most."""
    return min(ONE, scale_up(stress_bps, factor))


def ages(share: Share) -> bool:
    """Tell whether marks may change a share; what is nothing stays nothing until it is touched."""
    return share[0] == 0 or share[1] != 0 or share[2] != 0 or share[3] != 0


def make_sums(book: Book) -> None:
    """Build the sums anew where the policy limits any, else drop them."""
    policy = book.policy
    keeps = policy is not None and policy.keeps_shares
    book.share_sums = {"": ShareSum()} if keeps else None
    for account in book.accounts.values():
        account.counted = None
        if keeps:
            enter(book, account)


def enter(book: Book, account: Account) -> None:
    """Put an account's share into the sums of the firm and of its groups."""
    sums = book.share_sums
    if sums is None:
        return
    share = account.share
    if share is None:
        if not (account.active or account.cash < 0 or account.interest_and_fees):
            return
        share = NEVER_VALUED
    account.counted = share
    account.counted_in = [place(sums, account, "", share)]
    for group_id in account.groups:
        account.counted_in.append(place(sums, account, group_id, share))


def place(sums: dict[str, ShareSum], account: Account, group_id: str, share: Share) -> ShareSum:
    """Put a share into one sum, and return that."""
    total = sums.get(group_id)
    if total is None:
        total = sums[group_id] = ShareSum()
    total.count(share, 1)
    if ages(share):
        total.note(share[0], account.account_id)
    return total


def withdraw(account: Account) -> None:
    """Take an account's share out of the sums that it is in."""
    share = account.counted
    if share is None:
        return
    account.counted = None
    for total in account.counted_in:
        total.count(share, -1)


def set_share(book: Book, account: Account, share: Share | None) -> None:
    """Keep what an account was valued at."""
    before = account.counted
    if (
        before is None
        or share is None
        or not before[1]  # perhaps no sum has an entry of it
        or share[0] < before[0]
        or (before[3] < 0) != (share[3] < 0)
    ):
        withdraw(account)
        account.share = share
        enter(book, account)
        return
    account.share = account.counted = share
    name = account.account_id
    gross = share[1] - before[1]
    drawn = share[2] - before[2]
    shortfall = share[3] - before[3]  # 0 where neither was asked for
    for total in account.counted_in:
        total.gross += gross
        total.drawn += drawn
        total.shortfall += shortfall
        if total.by_age[0][1] == name:
            total.note(share[0], name)


def share_in(book: Book, group_id: str, account_id: str) -> Share | None:
    """Return an account's share in a sum if it is one that ages."""
    account = book.accounts.get(account_id)
    if account is None or account.counted is None or not ages(account.counted):
        return None
    return account.counted if not group_id or group_id in account.groups else None


def oldest(book: Book, group_id: str, without: str) -> tuple[int, str] | None:
    """Return time and account of a sum's oldest share, one account left out; None for none.

    Entries that are older than their shares are put right until the first is true.
    """
    sums = book.share_sums
    total = sums.get(group_id) if sums is not None else None
    if total is None:
        return None
    by_age = total.by_age
    own: tuple[int, str] | None = None
    while by_age:
        noted_ns, account_id = by_age[0]
        share = share_in(book, group_id, account_id)
        if total.noted.get(account_id) != noted_ns:
            heappop(by_age)  # an earlier entry counts
        elif share is None:
            heappop(by_age)
            del total.noted[account_id]
        elif share[0] != noted_ns:
            heapreplace(by_age, (share[0], account_id))
            total.noted[account_id] = share[0]
        elif account_id == without:
            own = heappop(by_age)
        else:
            break
    found = by_age[0] if by_age else None
    if own is not None:
        heappush(by_age, own)
    return found
