"""Groups nested in each other (2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.oracle.book import Account, Book, Message
    from tests.oracle.commands import Command, Commands

DEEPEST = 4
NAMES = ("G1", "G2", "G3", "G4", "G5", "G6")


def line_up(parents: dict[str, str], group_id: str) -> list[str] | None:
    """A group and all above it, the innermost first; none: it goes round."""
    found: list[str] = []
    while group_id:
        if group_id in found:
            return None
        found.append(group_id)
        group_id = parents.get(group_id, "")
    return found


def above(book: Book, account: Account) -> list[str]:
    """The groups of an account, the outermost first."""
    found = line_up(book.parents, account.facts.get("group_id", ""))
    assert found is not None
    return found[::-1]


def members(book: Book, group_id: str) -> list[Account]:
    """The accounts in a group and in what is nested in it."""
    return [account for account in book.accounts.values() if group_id in above(book, account)]


def upsert_groups(book: Book, request: Message, now: int) -> Message:
    """Nest groups, as a whole or not at all."""
    parents = dict(book.parents)
    for group in request["groups"]:
        parents[group["group_id"]] = group.get("parent_id", "")
    for name in parents:
        line = line_up(parents, name)
        if line is None or len(line) > DEEPEST:
            return {"error": "GROUP_NESTING"}
    book.next()
    book.parents = parents
    return book.stamp(now)


def draw(source: Commands) -> Command:
    """Nest a group or two, now and then too deep or in themselves."""
    rng = source.rng
    names = rng.sample(NAMES, rng.choice((1, 1, 2)))
    groups = [{"group_id": name, "parent_id": rng.choice(("", "", *NAMES))} for name in names]
    return source.command("UpsertGroups", {"groups": groups}, "staff")
