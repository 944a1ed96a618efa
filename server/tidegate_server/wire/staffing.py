"""What staff asks and is answered, to and from the contract: releases and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import control_service_pb2, journal_pb2, policy_service_pb2
from tidegate_server.engine import staff_commands
from tidegate_server.engine.staff_commands import ProposePolicy
from tidegate_server.engine.staff_outcomes import PolicyOutcome, ReleaseOutcome

from .decoding import parse
from .policies import read_policy
from .validation import Problems

if TYPE_CHECKING:
    from tidegate_server.engine.commands import Command

VERSION_BOUND = 2**62


def encode_release(outcome: ReleaseOutcome, _command: Command) -> bytes:
    """Write a ReleaseResponse."""
    return control_service_pb2.ReleaseResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        pending_until_time_ns=outcome.pending_until_ns,
    ).SerializeToString()


def decode_release(response: bytes, _effects: bytes, _command: Command) -> ReleaseOutcome:
    """Read a release back."""
    message = control_service_pb2.ReleaseResponse.FromString(response)
    return ReleaseOutcome(message.sequence, message.decided_time_ns, message.pending_until_time_ns)


def read_proposal(data: bytes, principal: str) -> ProposePolicy:
    """Read a ProposePolicyRequest."""
    request = parse(policy_service_pb2.ProposePolicyRequest, data)
    problems = Problems()
    problems.prefix = "policy."
    if request.policy.version:
        problems.add("version", "must be 0: the gate gives it")
    policy = read_policy(request.policy, problems)
    problems.refuse()
    return ProposePolicy(principal, policy, request.base_version)


def encode_proposal(outcome: PolicyOutcome, _command: Command) -> bytes:
    """Write a ProposePolicyResponse."""
    return policy_service_pb2.ProposePolicyResponse(
        version=outcome.version,
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        pending=bool(outcome.loosened),
        loosened_fields=outcome.loosened,
    ).SerializeToString()


def decode_proposal(response: bytes, effects: bytes, _command: Command) -> PolicyOutcome:
    """Read a proposal's version back."""
    message = policy_service_pb2.ProposePolicyResponse.FromString(response)
    outcome = PolicyOutcome(message.sequence, message.decided_time_ns, message.version)
    outcome.loosened = list(message.loosened_fields)
    return with_effects(outcome, effects)


def read_approval(data: bytes, principal: str) -> staff_commands.ApprovePolicy:
    """Read an ApprovePolicyRequest."""
    request = parse(policy_service_pb2.ApprovePolicyRequest, data)
    return staff_commands.ApprovePolicy(principal, need_version(request.version))


def encode_approval(outcome: PolicyOutcome, _command: Command) -> bytes:
    """Write an ApprovePolicyResponse."""
    return policy_service_pb2.ApprovePolicyResponse(
        sequence=outcome.sequence, decided_time_ns=outcome.decided_time_ns
    ).SerializeToString()


def decode_approval(response: bytes, effects: bytes, command: Command) -> PolicyOutcome:
    """Read an approval back."""
    message = policy_service_pb2.ApprovePolicyResponse.FromString(response)
    version: int = getattr(command, "version", 0)
    return with_effects(PolicyOutcome(message.sequence, message.decided_time_ns, version), effects)


def read_withdrawal(data: bytes, principal: str) -> staff_commands.WithdrawPolicy:
    """Read a WithdrawPolicyRequest."""
    request = parse(policy_service_pb2.WithdrawPolicyRequest, data)
    return staff_commands.WithdrawPolicy(principal, need_version(request.version))


def need_version(version: int) -> int:
    """Return the number of a version; refuse what cannot be one."""
    problems = Problems()
    problems.need_range("version", version, 1, VERSION_BOUND)
    problems.refuse()
    return version


def policy_effects(outcome: PolicyOutcome, _command: Command) -> bytes:
    """Write what a version that is proposed or comes into force leaves behind."""
    return journal_pb2.PolicyEffects(
        forgotten_version=outcome.forgotten_version,
        former_order_age_ns=outcome.former_age_ns,
        former_created_until_time_ns=outcome.former_until_ns,
    ).SerializeToString()


def with_effects(outcome: PolicyOutcome, effects: bytes) -> PolicyOutcome:
    """Read those effects back."""
    message = journal_pb2.PolicyEffects.FromString(effects)
    outcome.forgotten_version = message.forgotten_version
    outcome.former_age_ns = message.former_order_age_ns
    outcome.former_until_ns = message.former_created_until_time_ns
    return outcome
