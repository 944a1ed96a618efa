"""What can go wrong between a caller and the gate.

TidegateError
├── ConnectionFailedError    UNAVAILABLE, CANCELLED: no gate, one that drains, a lost connection
├── DeadlineError            DEADLINE_EXCEEDED: no answer in time
├── OverloadedError          RESOURCE_EXHAUSTED: too much is waiting, there or here
├── RequestError             INVALID_ARGUMENT, OUT_OF_RANGE: malformed; see `violations`
├── AuthenticationError      UNAUTHENTICATED: the gate does not know who calls
├── PermissionDeniedError    PERMISSION_DENIED: the caller lacks the role
├── NotFoundError            NOT_FOUND: no such thing
├── ConflictError            FAILED_PRECONDITION, ABORTED, ALREADY_EXISTS: read again, then retry
│   └── WithdrawnError       the order id was reported unsent; use a new one
└── InternalError            anything else: a fault of the gate
    └── AnswerError          an answer that this version does not understand

A rejected order is no error: it is a `Decision`. Every error leaves the order not allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ERROR_DOMAIN = "tidegate.v1"
DETAILS_KEY = "grpc-status-details-bin"
ERROR_INFO_URL = "type.googleapis.com/google.rpc.ErrorInfo"
BAD_REQUEST_URL = "type.googleapis.com/google.rpc.BadRequest"
_REASON_PREFIX = "ERROR_REASON_"
# Refused by the gate's own word before any judgement. The same status without the reason may come
# from anything on the way, after the gate has decided.
_UNDECIDED = frozenset(
    {
        "MALFORMED",
        "ORDER_TABLE_FULL",
        "OVERLOADED",
        "PERMISSION_DENIED",
        "REQUEST_TOO_LARGE",
        "UNAUTHENTICATED",
        "UNKNOWN_FIELD",
    }
)


class Violation(NamedTuple):
    """One malformed field and what is wrong with it."""

    field: str
    problem: str


class TidegateError(Exception):
    """The gate could not be asked, or could not decide.

    `code` is the gRPC status, `reason` the name of an `ErrorReason` without its prefix ("" if the
    gate did not say one), `metadata` the variables that belong to it, `details` the status text,
    `violations` the malformed fields. `nothing_decided` is true only where it is proven that the
    gate decided nothing and reserved nothing.
    """

    code: grpc.StatusCode
    reason: str
    metadata: Mapping[str, str]
    details: str
    violations: tuple[Violation, ...]
    nothing_decided: bool = False

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        details: str = "",
        violations: Iterable[Violation] = (),
    ) -> None:
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.details = details
        self.violations = tuple(violations)
        super().__init__(code, reason, self.metadata, details, self.violations)

    def __str__(self) -> str:
        """Derive the text from the fields."""
        head = f"{self.code.name}/{self.reason}" if self.reason else self.code.name
        variables = ", ".join(f"{name} {value}" for name, value in self.metadata.items())
        faults = ", ".join(f"{fault.field}: {fault.problem}" for fault in self.violations)
        return "; ".join(part for part in (head, variables, faults, self.details) if part)


class ConnectionFailedError(TidegateError):
    """No gate answered, it drains, or the connection was lost on the way."""


class DeadlineError(TidegateError):
    """No answer came in time."""


class OverloadedError(TidegateError):
    """Too much is waiting; slow down."""


class RequestError(TidegateError):
    """The request is malformed; `violations` names the fields."""


class AuthenticationError(TidegateError):
    """The gate does not know who calls: no token, or a wrong one."""


class PermissionDeniedError(TidegateError):
    """The caller lacks the role for this method."""


class NotFoundError(TidegateError):
    """What was asked for does not exist."""


class ConflictError(TidegateError):
    """The state is not what the request expects: read again, then decide again."""


class WithdrawnError(ConflictError):
    """The order was given up after an unknown outcome and reported unsent; its id is spent."""


class InternalError(TidegateError):
    """A fault of the gate, or of something between it and the caller."""


class AnswerError(InternalError):
    """An answer that this version does not understand; it counts as a reject."""


_CLASSES: Mapping[grpc.StatusCode, type[TidegateError]] = {
    grpc.StatusCode.UNAVAILABLE: ConnectionFailedError,
    grpc.StatusCode.CANCELLED: ConnectionFailedError,  # by the far side; ours never gets here
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    grpc.StatusCode.INVALID_ARGUMENT: RequestError,
    grpc.StatusCode.OUT_OF_RANGE: RequestError,
    grpc.StatusCode.UNAUTHENTICATED: AuthenticationError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.FAILED_PRECONDITION: ConflictError,
    grpc.StatusCode.ABORTED: ConflictError,
    grpc.StatusCode.ALREADY_EXISTS: ConflictError,
}


def from_rpc(error: grpc.RpcError) -> TidegateError:
    """Translate what either gRPC front raises."""
    code: grpc.StatusCode | None = error.code()
    reason = ""
    metadata: dict[str, str] = {}
    violations: list[Violation] = []
    for url, value in _details(error.trailing_metadata() or ()):
        if url == ERROR_INFO_URL:
            reason, metadata = _error_info(value)
        elif url == BAD_REQUEST_URL:
            violations = _bad_request(value)
    translated = error_of(
        code or grpc.StatusCode.UNKNOWN, reason, metadata, error.details() or "", violations
    )
    translated.nothing_decided = reason in _UNDECIDED
    translated.__cause__ = error
    return translated


def error_of(
    code: grpc.StatusCode,
    reason: str = "",
    metadata: Mapping[str, str] | None = None,
    details: str = "",
    violations: Iterable[Violation] = (),
) -> TidegateError:
    """Make the error whose class belongs to the code."""
    return _CLASSES.get(code, InternalError)(code, reason, metadata, details, violations)


# `google.rpc` is three messages in a package of its own. They are read here field by field with
# protobuf's own parser, so the base installation needs nothing but grpcio and protobuf.


def _details(trailing: Iterable[Any]) -> Iterator[tuple[str, bytes]]:
    for key, packed in trailing:
        if key == DETAILS_KEY and isinstance(packed, bytes):
            for detail in _fields(packed, 3):
                url = b"".join(_fields(detail, 1)).decode(errors="replace")
                yield url, b"".join(_fields(detail, 2))


def _error_info(packed: bytes) -> tuple[str, dict[str, str]]:
    if _text(packed, 2) != ERROR_DOMAIN:
        return "", {}  # a proxy's reason is none of the gate's
    entries = _fields(packed, 3)
    metadata = {_text(entry, 1): _text(entry, 2) for entry in entries}
    return _text(packed, 1).removeprefix(_REASON_PREFIX), metadata


def _bad_request(packed: bytes) -> list[Violation]:
    return [Violation(_text(fault, 1), _text(fault, 2)) for fault in _fields(packed, 1)]


def _text(packed: bytes, number: int) -> str:
    return b"".join(_fields(packed, number)).decode(errors="replace")


def _fields(packed: bytes, number: int) -> list[bytes]:
    try:
        unknown: Iterable[Any] = UnknownFieldSet(Empty.FromString(packed))  # type: ignore[assignment]
    except DecodeError:
        return []  # details are help, never needed for the verdict
    return [
        field.data
        for field in unknown
        if field.field_number == number and isinstance(field.data, bytes)
    ]
