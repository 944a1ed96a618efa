"""Reads of what staff did: the versions of the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_service_pb2
from tidegate_server.engine.versions import state_of

from .policies import write_policy
from .validation import MalformedError

if TYPE_CHECKING:
    from tidegate_server.engine.policy_version import PolicyVersion
    from tidegate_server.engine.state import Book

PAGE_LIMIT = 100


def policy_view(book: Book, version: int) -> policy_service_pb2.GetPolicyResponse | None:
    """Return a version with its document, 0 the one in force; None if it is not kept."""
    active = book.policy
    if not version and active is not None:
        version = active.version
    known = book.versions.get(version)
    if known is not None:
        return policy_service_pb2.GetPolicyResponse(
            policy=write_policy(known.policy),
            as_of_sequence=book.sequence,
            summary=summary_of(book, known),
        )
    if active is None or version != active.version:
        return None
    return policy_service_pb2.GetPolicyResponse(
        policy=write_policy(active), as_of_sequence=book.sequence
    )


def page_of(asked: policy_service_pb2.ListPoliciesRequest) -> tuple[int, int]:
    """Return how many versions are asked for, below which one; 0 for the newest."""
    if not 0 <= asked.page_size <= PAGE_LIMIT:
        raise MalformedError([("page_size", f"must be 0 to {PAGE_LIMIT}")])
    token = asked.page_token
    if token and not (token.isascii() and token.isdigit()):
        raise MalformedError([("page_token", "must be a next_page_token")])
    return asked.page_size or PAGE_LIMIT, int(token or "0")


def policy_page(book: Book, below: int, size: int) -> policy_service_pb2.ListPoliciesResponse:
    """Return a page of versions, the newest first."""
    versions = sorted(book.versions, reverse=True)
    if below:
        versions = [number for number in versions if number < below]
    page = versions[:size]
    return policy_service_pb2.ListPoliciesResponse(
        policies=[summary_of(book, book.versions[number]) for number in page],
        next_page_token=str(page[-1]) if len(versions) > size else "",
        as_of_sequence=book.sequence,
    )


def summary_of(book: Book, known: PolicyVersion) -> policy_service_pb2.PolicySummary:
    """Return a version without its document."""
    return policy_service_pb2.PolicySummary(
        version=known.policy.version,
        state=state_of(book, known),  # type: ignore[arg-type] # numbers are the contract's
        base_version=known.base_version,
        comment=known.policy.comment,
        proposer=known.proposer,
        proposed_time_ns=known.proposed_time_ns,
        loosened_fields=known.loosened,
        approver=known.approver,
        activated_time_ns=known.activated_time_ns,
        withdrawer=known.withdrawer,
        withdrawn_time_ns=known.withdrawn_time_ns,
    )
