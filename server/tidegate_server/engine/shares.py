"""What accounts were last valued at, added up over the firm and each group (2.7, 4.26).

An account's share is state: time of the valuation in ns, projected gross, financing drawn, and
shortfall under stress in e4. The sums, and how old their oldest share is, are memos: they follow
from the shares, and are kept only while the policy in force limits such a sum (`book.share_sums`).
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .account import Account
    from .state import Book

# Time, gross, drawn, shortfall; a shortfall of UNSTRESSED was not asked for.
Share = tuple[int, int, int, int]

UNSTRESSED: Final = -1
# What holds something and could never be valued: older than any age, of unknown shortfall.
NEVER_VALUED: Share = (0, 0, 0, UNSTRESSED)
COMPACT_AT: Final = 64


class ShareSum:
    """The shares of the firm, or of a group and what is nested in it, added up.

    `unstressed` counts those without a shortfall. `by_age` is a heap of time and account, where
    entries of earlier shares wait to be dropped; `aging` counts the accounts that have one.
    """

    __slots__ = ("aging", "by_age", "drawn", "gross", "shortfall", "unstressed")

    def __init__(self) -> None:
        self.gross = 0
        self.drawn = 0
        self.shortfall = 0
        self.unstressed = 0
        self.aging = 0
        self.by_age: list[tuple[int, str]] = []

    def count(self, share: Share, sign: int) -> None:
        """Put a share in, or take it out."""
        self.gross += sign * share[1]
        self.drawn += sign * share[2]
        if share[3] == UNSTRESSED:
            self.unstressed += sign
        else:
            self.shortfall += sign * share[3]
        if ages(share):
            self.aging += sign


def ages(share: Share) -> bool:
    """Tell whether marks may change a share; what is nothing stays nothing until it is touched."""
    return share[0] == 0 or any(share[1:])


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
    place(book, sums, account, "", share)
    for group_id in account.groups:
        place(book, sums, account, group_id, share)


def place(
    book: Book, sums: dict[str, ShareSum], account: Account, group_id: str, share: Share
) -> None:
    """Put a share into one sum."""
    total = sums.get(group_id)
    if total is None:
        total = sums[group_id] = ShareSum()
    total.count(share, 1)
    if ages(share):
        heappush(total.by_age, (share[0], account.account_id))
        if len(total.by_age) > 2 * total.aging + COMPACT_AT:
            kept = {entry for entry in total.by_age if is_current(book, group_id, entry)}
            total.by_age = list(kept)
            heapify(total.by_age)


def withdraw(book: Book, account: Account) -> None:
    """Take an account's share out of the sums that it is in."""
    sums = book.share_sums
    share = account.counted
    if sums is None or share is None:
        return
    account.counted = None
    sums[""].count(share, -1)
    for group_id in account.groups:
        sums[group_id].count(share, -1)


def set_share(book: Book, account: Account, share: Share | None) -> None:
    """Keep what an account was valued at."""
    withdraw(book, account)
    account.share = share
    enter(book, account)


def is_current(book: Book, group_id: str, entry: tuple[int, str]) -> bool:
    """Tell whether an entry of a heap is of the share that its account has now."""
    account = book.accounts.get(entry[1])
    if account is None or account.counted is None or account.counted[0] != entry[0]:
        return False
    return ages(account.counted) and (not group_id or group_id in account.groups)


def oldest(book: Book, group_id: str, without: str) -> tuple[int, str] | None:
    """Return time and account of a sum's oldest share, one account left out; None for none."""
    sums = book.share_sums
    total = sums.get(group_id) if sums is not None else None
    if total is None:
        return None
    by_age = total.by_age
    own: tuple[int, str] | None = None
    while by_age:
        first = by_age[0]
        if not is_current(book, group_id, first):
            heappop(by_age)
        elif first[1] == without:
            own = heappop(by_age)
        else:
            break
    found = by_age[0] if by_age else None
    if own is not None:
        heappush(by_age, own)
    return found
