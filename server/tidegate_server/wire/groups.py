"""Groups, to and from the contract: what is asked, a page of them, a snapshot's record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tidegate.v1 import account_service_pb2, journal_pb2
from tidegate_server.engine.group import Group
from tidegate_server.engine.groups import ancestors, outermost_first
from tidegate_server.engine.regrouping import UpsertGroups

from .decoding import parse, refuse_repeats
from .records import encode_record
from .validation import Problems, page_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate_server.engine.state import Book


def decode_groups(data: bytes, principal: str) -> UpsertGroups:
    """Read an UpsertGroupsRequest."""
    request = parse(account_service_pb2.UpsertGroupsRequest, data)
    problems = Problems()
    problems.need_count("groups", len(request.groups))
    problems.refuse()
    for index, group in enumerate(request.groups):
        problems.prefix = f"groups[{index}]."
        problems.need_id("group_id", group.group_id)
        problems.may_id("parent_id", group.parent_id)
    problems.prefix = ""
    refuse_repeats("groups", [group.group_id for group in request.groups], problems)
    problems.refuse()
    return UpsertGroups(principal, [(group.group_id, group.parent_id) for group in request.groups])


def list_groups(book: Book, data: bytes) -> bytes:
    """Answer a ListGroupsRequest."""
    asked = parse(account_service_pb2.ListGroupsRequest, data)
    page = group_page(book, asked.page_token, page_size(asked.page_size))
    return page.SerializeToString()


def group_page(book: Book, token: str, size: int) -> account_service_pb2.ListGroupsResponse:
    """Return a page of groups after `token`, in order of id; looks at every account once."""
    counts: Counter[str] = Counter()
    members = Counter(account.group_id for account in book.accounts.values())
    for group_id, number in members.items():
        for outer_id in ancestors(book, group_id):
            counts[outer_id] += number
    nested: dict[str, list[str]] = {}
    for group_id, group in sorted(book.groups.items()):
        nested.setdefault(group.parent_id, []).append(group_id)
    known = {*book.groups, *nested, *counts} - {""}
    ids = sorted(group_id for group_id in known if group_id > token)
    page = account_service_pb2.ListGroupsResponse(
        next_page_token=ids[size - 1] if len(ids) > size else "",
        as_of_sequence=book.sequence,
    )
    for group_id in ids[:size]:
        view = page.groups.add(
            group=group_message(book.groups.get(group_id) or Group(group_id, "", 0)),
            above=outermost_first(book, group_id)[:-1],
            nested=nested.get(group_id, []),
            account_count=counts[group_id],
        )
        if group_id in book.groups:
            view.sequence = book.groups[group_id].sequence
    return page


def group_message(group: Group) -> account_service_pb2.Group:
    """Return what a group is."""
    return account_service_pb2.Group(group_id=group.group_id, parent_id=group.parent_id)


def group_records(book: Book) -> Iterator[bytes]:
    """Yield the groups for a snapshot."""
    for group in book.groups.values():
        message = journal_pb2.RestoreGroup(group=group_message(group), sequence=group.sequence)
        number = journal_pb2.METHOD_RESTORE_GROUP
        yield encode_record(number, "", message.SerializeToString(), b"", b"")


def load_group(book: Book, data: bytes) -> None:
    """Keep a snapshot's group again."""
    message = journal_pb2.RestoreGroup.FromString(data)
    group = Group(message.group.group_id, message.group.parent_id, message.sequence)
    book.groups[group.group_id] = group
