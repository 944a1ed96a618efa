"""What the gate can be asked about overrides, tiers and withdrawals; see _methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import policy_service_pb2 as policies_pb
from tidegate.v1.order_pb2 import SCOPE_KIND_ACCOUNT
from tidegate_client._methods import call_of

if TYPE_CHECKING:
    from tidegate.v1.policy_pb2 import Limits
    from tidegate_client._methods import Call


def propose_override(
    override_id: str, account_id: str, limits: Limits, *, reason: str, expiry_time_ns: int
) -> Call[policies_pb.ProposeOverrideResponse]:
    """Propose that the one limit in `limits` is another for an account until a time.

    A tightening counts at once; anything else is `pending` until another person approves it. The
    same proposal again changes nothing. Raise ConflictError if it ends too late or by now.
    """
    request = policies_pb.ProposeOverrideRequest(
        override_id=override_id,
        scope_kind=SCOPE_KIND_ACCOUNT,
        scope_id=account_id,
        limits=limits,
        reason=reason,
        expiry_time_ns=expiry_time_ns,
    )
    decode = policies_pb.ProposeOverrideResponse.FromString
    return call_of("PolicyService/ProposeOverride", request, decode)


def approve_override(override_id: str) -> Call[policies_pb.ApproveOverrideResponse]:
    """Let an override replace the value that it is for.

    Raise PermissionDeniedError for its proposer and for a caller without a name of its own,
    ConflictError if it is not pending any more.
    """
    request = policies_pb.ApproveOverrideRequest(override_id=override_id)
    decode = policies_pb.ApproveOverrideResponse.FromString
    return call_of("PolicyService/ApproveOverride", request, decode)


def list_overrides(
    page_size: int = 0, page_token: str = "", *, override_id: str = "", scope_id: str = ""
) -> Call[policies_pb.ListOverridesResponse]:
    """Read a page of the overrides that have not ended: all, one, or those of an account."""
    request = policies_pb.ListOverridesRequest(
        page_size=page_size, page_token=page_token, override_id=override_id, scope_id=scope_id
    )
    decode = policies_pb.ListOverridesResponse.FromString
    return call_of("PolicyService/ListOverrides", request, decode)


def set_tier(
    account_id: str, tier_id: str, *, scorecard_version: str, scorecard_time_ns: int
) -> Call[policies_pb.SetTierResponse]:
    """Move an account to the tier that a scorecard gave it.

    A move down is in force at once; one up may be `pending` until another person asks for the same.
    Raise ConflictError if a later scorecard has set its tier.
    """
    request = policies_pb.SetTierRequest(
        account_id=account_id,
        tier_id=tier_id,
        scorecard_version=scorecard_version,
        scorecard_time_ns=scorecard_time_ns,
    )
    return call_of("PolicyService/SetTier", request, policies_pb.SetTierResponse.FromString)


def withdraw_cash(
    account_id: str, adjustment_id: str, amount_e4: int, *, expected_sequence: int
) -> Call[accounts_pb.AdjustCashResponse]:
    """Ask for cash, in 1/10 000 of the currency unit, positive: it is booked or refused.

    It is booked only if the answer's `verdict` is VERDICT_ALLOW; else `rejections` say why, and
    `max_withdrawal_e4` how much would pass. Raise ConflictError if the account has moved on from
    `expected_sequence`.
    """
    request = accounts_pb.AdjustCashRequest(
        account_id=account_id,
        adjustment_id=adjustment_id,
        kind=accounts_pb.CASH_KIND_WITHDRAWAL,
        amount_e4=-amount_e4,
        expected_sequence=expected_sequence,
    )
    decode = accounts_pb.AdjustCashResponse.FromString
    return call_of("AccountService/AdjustCash", request, decode)
