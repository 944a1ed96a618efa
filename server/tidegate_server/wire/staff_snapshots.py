"""What staff did, in a snapshot: the versions of the policy, overrides, moves of tiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import journal_pb2, policy_service_pb2
from tidegate_server.engine.override import place_of
from tidegate_server.engine.overriding import keep_override
from tidegate_server.engine.policy_version import PolicyVersion
from tidegate_server.engine.tier_standing import TierStanding

from .overrides import override_message, read_override
from .policies import read_policy, write_policy
from .staff_views import summary_of
from .validation import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from tidegate_server.engine.account import Account
    from tidegate_server.engine.state import Book


def staff_messages(book: Book) -> Iterator[tuple[int, Message]]:
    """Yield what staff did, each with its record's number; it comes after the accounts."""
    for known in book.versions.values():
        yield journal_pb2.METHOD_RESTORE_POLICY_VERSION, version_message(book, known)
    for override in sorted(book.overrides.values(), key=place_of):
        yield journal_pb2.METHOD_RESTORE_OVERRIDE, override_message(override)
    for account in book.accounts.values():
        if account.standing is not None:
            message = standing_message(account, account.standing)
            yield journal_pb2.METHOD_RESTORE_STANDING, message


def load_staff(book: Book, record: journal_pb2.Record) -> bool:
    """Take one of those records back; False if it is none."""
    if record.method == journal_pb2.METHOD_RESTORE_POLICY_VERSION:
        load_version(book, journal_pb2.RestorePolicyVersion.FromString(record.request))
    elif record.method == journal_pb2.METHOD_RESTORE_OVERRIDE:
        message = policy_service_pb2.Override.FromString(record.request)
        keep_override(book, read_override(message))
    elif record.method == journal_pb2.METHOD_RESTORE_STANDING:
        load_standing(book, journal_pb2.RestoreStanding.FromString(record.request))
    else:
        return False
    return True


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


def standing_message(account: Account, standing: TierStanding) -> journal_pb2.RestoreStanding:
    """Return what scorecards made of an account's tier."""
    message = journal_pb2.RestoreStanding(
        account_id=account.account_id,
        scorecard_version=standing.scorecard_version,
        scorecard_time_ns=standing.scorecard_time_ns,
        sequence=standing.sequence,
        set_time_ns=standing.set_time_ns,
        raised_date=standing.raised_date,
    )
    if standing.asked_by:
        message.asked.tier_id = standing.asked_tier
        message.asked.scorecard_version = standing.asked_version
        message.asked.scorecard_time_ns = standing.asked_scorecard_ns
        message.asked_by = standing.asked_by
        message.asked_from = standing.asked_from
        message.asked_sequence = standing.asked_sequence
        message.asked_time_ns = standing.asked_time_ns
    return message


def load_standing(book: Book, message: journal_pb2.RestoreStanding) -> None:
    """Read it back."""
    standing = TierStanding()
    standing.scorecard_version = message.scorecard_version
    standing.scorecard_time_ns = message.scorecard_time_ns
    standing.sequence = message.sequence
    standing.set_time_ns = message.set_time_ns
    standing.raised_date = message.raised_date
    standing.asked_tier = message.asked.tier_id
    standing.asked_version = message.asked.scorecard_version
    standing.asked_scorecard_ns = message.asked.scorecard_time_ns
    standing.asked_by = message.asked_by
    standing.asked_from = message.asked_from
    standing.asked_sequence = message.asked_sequence
    standing.asked_time_ns = message.asked_time_ns
    book.accounts[message.account_id].standing = standing
