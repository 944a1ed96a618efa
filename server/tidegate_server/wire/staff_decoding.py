"""Requests of staff to commands: halts, reduce-only, and their release."""

from __future__ import annotations

from tidegate.v1 import (
    control_service_pb2,
)
from tidegate_server.engine import commands
from tidegate_server.engine.staff_commands import Release, SetStop

from .decoding import parse
from .validation import Problems

FIRM = 1
SCOPES = (FIRM, 2, 3, 6, 7)


def decode_halt(data: bytes, principal: str) -> SetStop:
    """Read a HaltRequest."""
    request = parse(control_service_pb2.HaltRequest, data)
    return read_stop(request, principal, commands.STOP_HALT)


def decode_reduce_only(data: bytes, principal: str) -> SetStop:
    """Read a SetReduceOnlyRequest."""
    request = parse(control_service_pb2.SetReduceOnlyRequest, data)
    return read_stop(request, principal, commands.STOP_REDUCE_ONLY)


def read_stop(
    request: control_service_pb2.HaltRequest | control_service_pb2.SetReduceOnlyRequest,
    principal: str,
    kind: int,
) -> SetStop:
    """Read a stop to set."""
    problems = Problems()
    problems.need_id("stop_id", request.stop_id)
    problems.need_one_of("scope_kind", request.scope_kind, SCOPES)
    if request.scope_kind == FIRM:
        if request.scope_id:
            problems.add("scope_id", "must be empty for the firm")
    else:
        problems.need_id("scope_id", request.scope_id)
    problems.need_reason("reason", request.reason)
    problems.refuse()
    return SetStop(
        principal, request.stop_id, kind, request.scope_kind, request.scope_id, request.reason
    )


def decode_release(data: bytes, principal: str) -> Release:
    """Read a ReleaseRequest."""
    request = parse(control_service_pb2.ReleaseRequest, data)
    problems = Problems()
    problems.need_stop_id("stop_id", request.stop_id)
    problems.need_reason("reason", request.reason)
    problems.refuse()
    return Release(principal, request.stop_id, request.reason)
