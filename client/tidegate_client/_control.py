"""What staff can ask of the gate beside stops; see _methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import control_service_pb2 as control_pb
from tidegate_client._methods import call_of

if TYPE_CHECKING:
    from tidegate_client._methods import Call


def plan_liquidation(account_id: str) -> Call[control_pb.PlanLiquidationResponse]:
    """Say how an account in liquidation could get back: cancels, then trades in stages.

    An answer, no order. Raise ConflictError for an account that is not in liquidation.
    """
    request = control_pb.PlanLiquidationRequest(account_id=account_id)
    decode = control_pb.PlanLiquidationResponse.FromString
    return call_of("ControlService/PlanLiquidation", request, decode)
