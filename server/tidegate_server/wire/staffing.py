"""What staff is answered, to and from the contract: releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import control_service_pb2
from tidegate_server.engine.outcomes import ReleaseOutcome

if TYPE_CHECKING:
    from tidegate_server.engine.commands import Command


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
