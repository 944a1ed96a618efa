"""How groups are nested, and what moves with them and with an account that changes its group."""

from __future__ import annotations

from .account import Account
from .commands import Command
from .group import Group
from .groups import NESTING_LIMIT, ancestors
from .order import Order
from .outcomes import Outcome, Refusal
from .reach import join, leave
from .resting import put_back, take_from_rest
from .room import forget_rooms
from .shares import enter, withdraw
from .state import Book


class UpsertGroups(Command):
    """Groups to create or nest anew: pairs of a group and the one it is nested in, or ""."""

    __slots__ = ("groups",)

    def __init__(self, principal: str, groups: list[tuple[str, str]]) -> None:
        self.principal = principal
        self.groups = groups


def decide_groups(book: Book, command: UpsertGroups, now_ns: int) -> Outcome | Refusal:
    """Take groups as a whole, unless the tree would be none or too deep (2.1)."""
    parents = {known.group_id: known.parent_id for known in book.groups.values()}
    parents.update(command.groups)
    named = [group_id for group_id, _ in command.groups]
    for group_id in (*named, *sorted(parents)):
        depth = depth_of(group_id, parents)
        if 0 < depth <= NESTING_LIMIT:
            continue
        problem = f"{depth} deep" if depth else "nested in itself"
        limit = f"; at most {NESTING_LIMIT} is allowed" if depth else ""
        return Refusal(
            "GROUP_NESTING",
            f"group {group_id} would be {problem}{limit}",
            {"group_id": group_id, "problem": problem, "limit": str(NESTING_LIMIT)},
        )
    return Outcome(book.sequence + 1, now_ns)


def depth_of(group_id: str, parents: dict[str, str]) -> int:
    """Return how many groups there are from the top down to one; 0 in a circle."""
    seen: list[str] = []
    while group_id:
        if group_id in seen:
            return 0
        seen.append(group_id)
        group_id = parents.get(group_id, "")
    return len(seen)


def apply_groups(book: Book, command: UpsertGroups, sequence: int) -> None:
    """Create groups or nest them anew, and move the accounts that are in them."""
    changed = {
        group_id
        for group_id, parent_id in command.groups
        if parent_id != (book.groups[group_id].parent_id if group_id in book.groups else "")
    }
    moving: list[Account] = []
    if changed:
        moving = [
            account for account in book.accounts.values() if not changed.isdisjoint(account.groups)
        ]
    resting = leave_all(book, moving)
    for group_id, parent_id in command.groups:
        book.groups[group_id] = Group(group_id, parent_id, sequence)
    forget_rooms(book)
    join_all(book, moving, resting)


def change_group(book: Book, account: Account, group_id: str) -> None:
    """Let an account change its group, and what is kept for groups follow."""
    if group_id == account.group_id:
        return
    resting = leave_all(book, [account])
    account.group_id = group_id
    join_all(book, [account], resting)


def leave_all(book: Book, accounts: list[Account]) -> list[Order]:
    """Take accounts out of what is kept for their groups; return what `join_all` needs."""
    for account in accounts:
        leave(book, account)
        withdraw(account)
    return take_from_rest(book, accounts)


def join_all(book: Book, accounts: list[Account], resting: list[Order]) -> None:
    """Put accounts into what is kept for the groups that they are in now."""
    for account in accounts:
        account.groups = ancestors(book, account.group_id)
        join(book, account)
        enter(book, account)
    put_back(book, resting)
