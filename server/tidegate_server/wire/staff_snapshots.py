"""What staff did, in a snapshot: the versions of the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import journal_pb2
from tidegate_server.engine.policy_version import PolicyVersion

from .policies import read_policy, write_policy
from .staff_views import summary_of
from .validation import Problems

if TYPE_CHECKING:
    from tidegate_server.engine.state import Book


def version_message(book: Book, known: PolicyVersion) -> journal_pb2.RestorePolicyVersion:
    """Return one version of the policy."""
    return journal_pb2.RestorePolicyVersion(
        policy=write_policy(known.policy),
        summary=summary_of(book, known),
        proposed_sequence=known.proposed_sequence,
        activated_sequence=known.activated_sequence,
    )


def load_version(book: Book, message: journal_pb2.RestorePolicyVersion) -> None:
    """Keep one version again; that of the policy in force shares its document."""
    summary = message.summary
    policy = book.policy
    if policy is None or policy.version != summary.version:
        policy = read_policy(message.policy, Problems())
    known = PolicyVersion(
        policy,
        summary.base_version,
        summary.proposer,
        summary.proposed_time_ns,
        message.proposed_sequence,
        list(summary.loosened_fields),
    )
    known.approver = summary.approver
    known.activated_time_ns = summary.activated_time_ns
    known.activated_sequence = message.activated_sequence
    known.withdrawer = summary.withdrawer
    known.withdrawn_time_ns = summary.withdrawn_time_ns
    book.versions[policy.version] = known
