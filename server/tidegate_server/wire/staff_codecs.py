"""How the records of staff's methods are read and written."""

from __future__ import annotations

from typing import Final

from tidegate.v1 import account_service_pb2, journal_pb2, policy_service_pb2

from . import groups, overrides, staff_decoding, staffing
from .codec import Codec, plain

UPSERT_GROUPS: Final = plain(
    journal_pb2.METHOD_UPSERT_GROUPS,
    groups.decode_groups,
    account_service_pb2.UpsertGroupsResponse,
)
PROPOSE_POLICY: Final = Codec(
    journal_pb2.METHOD_PROPOSE_POLICY,
    staffing.read_proposal,
    staffing.encode_proposal,
    staffing.decode_proposal,
    staffing.policy_effects,
)
APPROVE_POLICY: Final = Codec(
    journal_pb2.METHOD_APPROVE_POLICY,
    staffing.read_approval,
    staffing.encode_approval,
    staffing.decode_approval,
    staffing.policy_effects,
)
WITHDRAW_POLICY: Final = plain(
    journal_pb2.METHOD_WITHDRAW_POLICY,
    staffing.read_withdrawal,
    policy_service_pb2.WithdrawPolicyResponse,
)
RELEASE: Final = Codec(
    journal_pb2.METHOD_RELEASE,
    staff_decoding.decode_release,
    staffing.encode_release,
    staffing.decode_release,
)
PROPOSE_OVERRIDE: Final = Codec(
    journal_pb2.METHOD_PROPOSE_OVERRIDE,
    overrides.read_override_proposal,
    overrides.encode_override,
    overrides.decode_override,
)
APPROVE_OVERRIDE: Final = plain(
    journal_pb2.METHOD_APPROVE_OVERRIDE,
    overrides.read_override_approval,
    policy_service_pb2.ApproveOverrideResponse,
)
SET_TIER: Final = Codec(
    journal_pb2.METHOD_SET_TIER,
    overrides.read_tier_move,
    overrides.encode_tier_move,
    overrides.decode_tier_move,
    overrides.tier_effects,
)
