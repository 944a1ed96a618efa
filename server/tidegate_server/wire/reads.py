"""The calls that only look: each takes the book and a request, and returns the response's bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate.v1 import account_service_pb2, policy_service_pb2
from tidegate_server.engine.outcomes import Refusal
from tidegate_server.engine.preview import decide_preview

from . import decoding, groups, liquidation, overrides, staff_views, views
from .errors import CallError, not_found, refused
from .preview import encode_preview
from .validation import page_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_server.engine.state import Book

    # Called with the book, the request, the principal and the time.
    Read = Callable[[Book, bytes, str, int], bytes | CallError]


def preview(book: Book, request: bytes, principal: str, now_ns: int) -> bytes | CallError:
    """Judge an order that nobody has sent."""
    outcome = decide_preview(book, decoding.decode_preview(request, principal), now_ns)
    if isinstance(outcome, Refusal):
        return refused(outcome)
    return encode_preview(outcome)


def get_account(book: Book, request: bytes, _principal: str, now_ns: int) -> bytes | CallError:
    """Show one account."""
    asked = decoding.parse(account_service_pb2.GetAccountRequest, request)
    account = book.accounts.get(asked.account_id)
    if account is None:
        return not_found("account", asked.account_id)
    return account_service_pb2.GetAccountResponse(
        account=views.account_view(book, account, now_ns),
        as_of_sequence=book.sequence,
        read_time_ns=now_ns,
    ).SerializeToString()


def list_accounts(book: Book, request: bytes, _principal: str, now_ns: int) -> bytes | CallError:
    """Show a page of accounts."""
    asked = decoding.parse(account_service_pb2.ListAccountsRequest, request)
    page = views.account_page(book, asked.page_token, page_size(asked.page_size), now_ns)
    return page.SerializeToString()


def list_groups(book: Book, request: bytes, _principal: str, _now_ns: int) -> bytes | CallError:
    """Show a page of groups."""
    return groups.list_groups(book, request)


def get_policy(book: Book, request: bytes, _principal: str, _now_ns: int) -> bytes | CallError:
    """Show one version of the policy."""
    asked = decoding.parse(policy_service_pb2.GetPolicyRequest, request)
    found = staff_views.policy_view(book, asked.version)
    if found is None:
        return not_found("policy", str(asked.version) if asked.version else "")
    return found.SerializeToString()


def list_policies(book: Book, request: bytes, _principal: str, _now_ns: int) -> bytes | CallError:
    """Show a page of the policy's versions."""
    asked = decoding.parse(policy_service_pb2.ListPoliciesRequest, request)
    size, after = staff_views.page_of(asked)
    return staff_views.policy_page(book, after, size).SerializeToString()


def list_overrides(book: Book, request: bytes, _principal: str, now_ns: int) -> bytes | CallError:
    """Show a page of overrides."""
    return overrides.list_overrides(book, request, now_ns)


READS: Final[dict[str, Read]] = {
    "PreviewOrder": preview,
    "GetAccount": get_account,
    "ListAccounts": list_accounts,
    "ListGroups": list_groups,
    "GetPolicy": get_policy,
    "ListPolicies": list_policies,
    "PlanLiquidation": liquidation.plan,
    "ListOverrides": list_overrides,
}
