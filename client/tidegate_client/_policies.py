"""What the gate can be asked about its policy; see _methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import policy_service_pb2 as policies_pb
from tidegate_client._methods import call_of

if TYPE_CHECKING:
    from tidegate.v1.policy_pb2 import Policy
    from tidegate_client._methods import Call


def get_policy(version: int = 0) -> Call[policies_pb.GetPolicyResponse]:
    """Read the policy in force, or another version that is kept."""
    decode = policies_pb.GetPolicyResponse.FromString
    return call_of("PolicyService/GetPolicy", policies_pb.GetPolicyRequest(version=version), decode)


def propose_policy(policy: Policy, *, base_version: int) -> Call[policies_pb.ProposePolicyResponse]:
    """Propose a policy in place of `base_version`; a provable tightening is in force at once.

    Anything else is `pending` until another person approves it. Raise ConflictError if another
    version is in force.
    """
    request = policies_pb.ProposePolicyRequest(policy=policy, base_version=base_version)
    decode = policies_pb.ProposePolicyResponse.FromString
    return call_of("PolicyService/ProposePolicy", request, decode)


def approve_policy(version: int) -> Call[policies_pb.ApprovePolicyResponse]:
    """Put a pending version in force.

    Raise PermissionDeniedError for its proposer and for a caller without a name of its own,
    ConflictError if it is not pending any more.
    """
    request = policies_pb.ApprovePolicyRequest(version=version)
    decode = policies_pb.ApprovePolicyResponse.FromString
    return call_of("PolicyService/ApprovePolicy", request, decode)


def withdraw_policy(version: int) -> Call[policies_pb.WithdrawPolicyResponse]:
    """Take a pending version back; raise ConflictError if it is not pending."""
    request = policies_pb.WithdrawPolicyRequest(version=version)
    decode = policies_pb.WithdrawPolicyResponse.FromString
    return call_of("PolicyService/WithdrawPolicy", request, decode)


def list_policies(
    page_size: int = 0, page_token: str = ""
) -> Call[policies_pb.ListPoliciesResponse]:
    """Read a page of the versions that are kept, the newest first."""
    request = policies_pb.ListPoliciesRequest(page_size=page_size, page_token=page_token)
    decode = policies_pb.ListPoliciesResponse.FromString
    return call_of("PolicyService/ListPolicies", request, decode)
