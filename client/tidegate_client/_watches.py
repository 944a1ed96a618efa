"""What a follower can be asked to stream; see _methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import watch_service_pb2 as watch_pb
from tidegate_client._methods import call_of

if TYPE_CHECKING:
    from tidegate.v1.policy_pb2 import Policy
    from tidegate_client._methods import Call


def compare_decisions(
    candidate: Policy, *, from_sequence: int = 0, to_sequence: int = 0
) -> Call[watch_pb.CompareDecisionsResponse]:
    """Decide recorded orders again under a candidate policy. Asks a follower, not the gate.

    Yield how that gets on, with each verdict that differs; the last message has `totals`. From the
    newest snapshot to the last durable record, unless said otherwise. It has no deadline.
    """
    request = watch_pb.CompareDecisionsRequest(
        candidate=candidate, from_sequence=from_sequence, to_sequence=to_sequence
    )
    decode = watch_pb.CompareDecisionsResponse.FromString
    return call_of("WatchService/CompareDecisions", request, decode)
