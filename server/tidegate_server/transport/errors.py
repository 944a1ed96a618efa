"""CallError as gRPC says it: `google.rpc.Status` in the trailing metadata of the call.

One ErrorInfo of domain "tidegate.v1" an error, and one BadRequest when fields are malformed. The
encoding is remembered: under overload the same refusal leaves thousands of times a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

if TYPE_CHECKING:
    from tidegate_server.wire.errors import CallError

DOMAIN: Final = "tidegate.v1"
DETAILS_KEY: Final = "grpc-status-details-bin"
#: Reason, violations and metadata come from bounded requests, yet a status travels in a header.
MESSAGE_LENGTH: Final = 1024
VIOLATIONS: Final = 16

_REMEMBERED: Final = 1024

Trailers = tuple[tuple[str, bytes], ...]

_trailers: dict[tuple[object, ...], Trailers] = {}


def trailers(error: CallError) -> Trailers:
    """Return the trailing metadata of an error, remembered by value."""
    key = (error.code, error.reason, error.message, *error.metadata.items(), error.violations)
    known = _trailers.get(key)
    if known is None:
        if len(_trailers) >= _REMEMBERED:
            _trailers.clear()
        known = _trailers[key] = ((DETAILS_KEY, encode_status(error)),)
    return known


def encode_status(error: CallError) -> bytes:
    """Encode an error as `google.rpc.Status`, within what a header may carry."""
    status = Status(code=error.code, message=error.message[:MESSAGE_LENGTH])
    status.details.append(_info(error))
    if error.violations:
        status.details.append(_bad_request(error.violations))
    encoded: bytes = status.SerializeToString()
    return encoded


def _info(error: CallError) -> Any:
    packed = Any()
    reason = f"ERROR_REASON_{error.reason}"
    packed.Pack(ErrorInfo(reason=reason, domain=DOMAIN, metadata=error.metadata))
    return packed


def _bad_request(violations: tuple[tuple[str, str], ...]) -> Any:
    packed = Any()
    request = BadRequest()
    for field, problem in violations[:VIOLATIONS]:
        request.field_violations.add(field=field, description=problem)
    packed.Pack(request)
    return packed
