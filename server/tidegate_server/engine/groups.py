"""Who is above whom among the groups (2.1).

The tree is at most four deep, so walking up it is a fixed amount of work. An account keeps the way
up from its own group (`Account.groups`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .state import Book

NESTING_LIMIT: Final = 4


def ancestors(book: Book, group_id: str) -> list[str]:
    """Return a group and those that it is nested in, the innermost first; none for no group."""
    found: list[str] = []
    while group_id:
        found.append(group_id)
        group = book.groups.get(group_id)
        group_id = group.parent_id if group is not None else ""
    return found


def outermost_first(book: Book, group_id: str) -> list[str]:
    """Return the same from the top down: the order in which ties go (2.1)."""
    found = ancestors(book, group_id)
    found.reverse()
    return found


def topmost(book: Book, group_id: str) -> str:
    """Return the outermost group that a group is nested in; itself if in none."""
    groups = book.groups
    group = groups.get(group_id)
    while group is not None and group.parent_id:
        group_id = group.parent_id
        group = groups.get(group_id)
    return group_id
