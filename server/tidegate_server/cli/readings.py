"""Reads that take several calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import account_service_pb2 as accounts_pb2

if TYPE_CHECKING:
    from tidegate_server.cli.calls import Gate

PAGE = 100


def list_accounts(gate: Gate, limit: int | None = None) -> list[accounts_pb2.AccountSummary]:
    """Return the accounts in order of id, `limit` at most."""
    found: list[accounts_pb2.AccountSummary] = []
    token = ""
    while limit is None or len(found) < limit:
        size = PAGE if limit is None else min(PAGE, limit - len(found))
        request = accounts_pb2.ListAccountsRequest(page_size=size, page_token=token)
        page = gate.call(gate.accounts.ListAccounts, request)
        found.extend(page.accounts)
        token = page.next_page_token
        if not token:
            break
    return found


def list_groups(gate: Gate) -> list[accounts_pb2.GroupView]:
    """Return the groups in order of id."""
    found: list[accounts_pb2.GroupView] = []
    token = ""
    while True:
        request = accounts_pb2.ListGroupsRequest(page_size=PAGE, page_token=token)
        page = gate.call(gate.accounts.ListGroups, request)
        found.extend(page.groups)
        token = page.next_page_token
        if not token:
            return found


def read_accounts(gate: Gate) -> dict[str, accounts_pb2.AccountView]:
    """Return every account in full, by id."""
    views = {}
    for summary in list_accounts(gate):
        request = accounts_pb2.GetAccountRequest(account_id=summary.account_id)
        views[summary.account_id] = gate.call(gate.accounts.GetAccount, request).account
    return views
