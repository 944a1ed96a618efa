"""Overrides and moves of tiers between the contract and the engine, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import journal_pb2, policy_service_pb2
from tidegate_server.engine import staff_commands
from tidegate_server.engine.limit import Limit
from tidegate_server.engine.override import Override
from tidegate_server.engine.reasons import ScopeKind
from tidegate_server.engine.staff_outcomes import OverrideOutcome, TierOutcome

from .decoding import parse
from .policies import read_limits, write_limits
from .scopes import need_scope, read_scope, write_limit
from .validation import TIME_BOUND, Problems, page_size

if TYPE_CHECKING:
    from tidegate.v1 import account_service_pb2
    from tidegate_server.engine.account import Account
    from tidegate_server.engine.commands import Command
    from tidegate_server.engine.scope_limits import ScopeLimits
    from tidegate_server.engine.state import Book


def read_override_proposal(data: bytes, principal: str) -> staff_commands.ProposeOverride:
    """Read a ProposeOverrideRequest."""
    request = parse(policy_service_pb2.ProposeOverrideRequest, data)
    problems = Problems()
    problems.need_id("override_id", request.override_id)
    problems.need_reason("reason", request.reason)
    problems.need_range("expiry_time_ns", request.expiry_time_ns, 1, TIME_BOUND)
    kind = int(request.scope_kind)
    if kind == ScopeKind.ACCOUNT:
        problems.need_id("scope_id", request.scope_id)
        limits = read_account_limit(request, problems)
    else:
        need_scope(problems, "", kind, request.scope_id)
        limits = read_scope_limit(request, kind, problems)
    problems.refuse()
    name, limit = next(iter(limits.items()))
    return staff_commands.ProposeOverride(
        principal,
        request.override_id,
        ScopeKind(kind),
        request.scope_id,
        name,
        limit,
        request.reason,
        request.expiry_time_ns,
    )


def read_account_limit(
    request: policy_service_pb2.ProposeOverrideRequest, problems: Problems
) -> dict[str, Limit]:
    """Read the one limit of an account."""
    if request.HasField("scope_limits"):
        problems.add("scope_limits", "must be left out: the limits of an account are in limits")
    limits = read_limits(request.limits, problems, "limits.")
    if len(limits) != 1:
        problems.add("limits", "must set exactly one limit")
    for name, limit in limits.items():
        if limit.value is None or limit.unlimited or limit.required:
            problems.add(f"limits.{name}", "must be a value, neither unlimited nor required")
    return limits


def read_scope_limit(
    request: policy_service_pb2.ProposeOverrideRequest, kind: int, problems: Problems
) -> dict[str, Limit]:
    """Read the one limit of any other scope."""
    if request.HasField("limits"):
        problems.add("limits", "must be left out: those of other scopes are in scope_limits")
    said = request.scope_limits
    if said.scope_kind or said.scope_id:
        problems.add("scope_limits.scope_kind", "must be left out: the scope is the request's")
    limits = limits_of_scope(read_scope(said, kind, problems, "scope_limits."))
    if len(limits) != 1:
        problems.add("scope_limits", "must set exactly one limit")
    return limits


def limits_of_scope(scope: ScopeLimits) -> dict[str, Limit]:
    """Return a scope's limits as those of accounts are."""
    return {name: Limit(value, warns=name in scope.warned) for name, value in scope.caps.items()}


def encode_override(outcome: OverrideOutcome, _command: Command) -> bytes:
    """Write a ProposeOverrideResponse."""
    return policy_service_pb2.ProposeOverrideResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        pending=outcome.pending,
    ).SerializeToString()


def decode_override(response: bytes, _effects: bytes, _command: Command) -> OverrideOutcome:
    """Read a proposal's outcome back."""
    message = policy_service_pb2.ProposeOverrideResponse.FromString(response)
    return OverrideOutcome(message.sequence, message.decided_time_ns, pending=message.pending)


def read_override_approval(data: bytes, principal: str) -> staff_commands.ApproveOverride:
    """Read an ApproveOverrideRequest."""
    request = parse(policy_service_pb2.ApproveOverrideRequest, data)
    problems = Problems()
    problems.need_id("override_id", request.override_id)
    problems.refuse()
    return staff_commands.ApproveOverride(principal, request.override_id)


def override_message(override: Override) -> policy_service_pb2.Override:
    """Return an override as the contract has it."""
    message = policy_service_pb2.Override(
        override_id=override.override_id,
        scope_kind=int(override.scope_kind),  # type: ignore[arg-type] # numbers are the contract's
        scope_id=override.scope_id,
        reason=override.reason,
        expiry_time_ns=override.expiry_time_ns,
        proposer=override.proposer,
        proposed_time_ns=override.proposed_time_ns,
        proposed_sequence=override.proposed_sequence,
        approver=override.approver,
        approved_time_ns=override.approved_time_ns,
        approved_sequence=override.approved_sequence,
        tightening=override.tightening,
    )
    name, limit = override.name, override.limit
    if override.scope_kind == ScopeKind.ACCOUNT:
        message.limits.CopyFrom(write_limits({name: limit}))
    else:
        write_limit(message.scope_limits, name, limit.value or 0, warns=limit.warns)
    return message


def read_override(message: policy_service_pb2.Override) -> Override:
    """Read an override back."""
    kind = ScopeKind(message.scope_kind)
    limits = read_limits(message.limits, Problems(), "")
    if kind != ScopeKind.ACCOUNT:
        limits = limits_of_scope(read_scope(message.scope_limits, kind, Problems(), ""))
    name, limit = next(iter(limits.items()))
    override = Override(
        message.override_id,
        kind,
        message.scope_id,
        name,
        limit,
        message.reason,
        message.expiry_time_ns,
        message.proposer,
        message.proposed_time_ns,
        message.proposed_sequence,
        tightening=message.tightening,
    )
    override.approver = message.approver
    override.approved_time_ns = message.approved_time_ns
    override.approved_sequence = message.approved_sequence
    return override


def list_overrides(book: Book, data: bytes, now_ns: int) -> bytes:
    """Answer a ListOverridesRequest: those that have not ended, in order of id."""
    asked = parse(policy_service_pb2.ListOverridesRequest, data)
    size = page_size(asked.page_size)
    found = [
        override
        for name, override in sorted(book.overrides.items())
        if name > asked.page_token
        and now_ns < override.expiry_time_ns
        and asked.override_id in ("", name)
        and asked.scope_id in ("", override.scope_id)
    ]
    page = found[:size]
    return policy_service_pb2.ListOverridesResponse(
        overrides=[override_message(override) for override in page],
        next_page_token=page[-1].override_id if len(found) > size else "",
        as_of_sequence=book.sequence,
    ).SerializeToString()


def read_tier_move(data: bytes, principal: str) -> staff_commands.SetTier:
    """Read a SetTierRequest."""
    request = parse(policy_service_pb2.SetTierRequest, data)
    problems = Problems()
    problems.need_id("account_id", request.account_id)
    problems.may_id("tier_id", request.tier_id)
    problems.need_id("scorecard_version", request.scorecard_version)
    problems.need_range("scorecard_time_ns", request.scorecard_time_ns, 1, TIME_BOUND)
    problems.refuse()
    return staff_commands.SetTier(
        principal,
        request.account_id,
        request.tier_id,
        request.scorecard_version,
        request.scorecard_time_ns,
    )


def encode_tier_move(outcome: TierOutcome, _command: Command) -> bytes:
    """Write a SetTierResponse."""
    return policy_service_pb2.SetTierResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        pending=outcome.pending,
    ).SerializeToString()


def tier_effects(outcome: TierOutcome, _command: Command) -> bytes:
    """Write what a move leaves behind."""
    return journal_pb2.TierEffects(raised=outcome.raised).SerializeToString()


def decode_tier_move(response: bytes, effects: bytes, _command: Command) -> TierOutcome:
    """Read a move's outcome back."""
    message = policy_service_pb2.SetTierResponse.FromString(response)
    outcome = TierOutcome(message.sequence, message.decided_time_ns)
    outcome.pending = message.pending
    outcome.raised = journal_pb2.TierEffects.FromString(effects).raised
    return outcome


def write_standing(account: Account, view: account_service_pb2.AccountView) -> None:
    """Show what scorecards made of an account's tier."""
    standing = account.standing
    if standing is None:
        return
    view.scorecard_version = standing.scorecard_version
    view.scorecard_time_ns = standing.scorecard_time_ns
    if standing.asked_by and standing.asked_from == account.tier_id:
        view.pending_tier_id = standing.asked_tier
