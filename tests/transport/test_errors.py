"""CallError as `google.rpc.Status`."""

from __future__ import annotations

from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from tidegate_server.transport import encode_status
from tidegate_server.transport.errors import MESSAGE_LENGTH, VIOLATIONS, trailers
from tidegate_server.wire.errors import CallError


def test_equal_errors_share_one_encoding() -> None:
    first = CallError(8, "OVERLOADED", "m", {"waiting": "1"})
    second = CallError(8, "OVERLOADED", "m", {"waiting": "1"})
    assert trailers(first) is trailers(second)


def test_errors_that_differ_anywhere_do_not() -> None:
    errors = [
        CallError(8, "OVERLOADED", "m", {"waiting": "1"}),
        CallError(14, "OVERLOADED", "m", {"waiting": "1"}),
        CallError(8, "DRAINING", "m", {"waiting": "1"}),
        CallError(8, "OVERLOADED", "n", {"waiting": "1"}),
        CallError(8, "OVERLOADED", "m", {"waiting": "2"}),
        CallError(8, "OVERLOADED", "m", {}, (("waiting", "1"),)),
    ]
    assert len({trailers(error)[0][1] for error in errors}) == len(errors)


def test_a_changed_error_is_encoded_anew() -> None:
    error = CallError(8, "OVERLOADED", "m", {"waiting": "1"})
    before = trailers(error)
    error.metadata["waiting"] = "2"
    assert trailers(error) != before


def test_what_is_remembered_is_bounded() -> None:
    for number in range(3000):
        trailers(CallError(5, "NOT_FOUND", "m", {"id": str(number)}))
    assert trailers(CallError(5, "NOT_FOUND", "m", {"id": "0"}))


def test_a_status_fits_a_header_however_long_the_error() -> None:
    violations = tuple((f"orders[{n}].price_e4", "must be positive") for n in range(500))
    status = Status.FromString(encode_status(CallError(3, "MALFORMED", "m" * 5000, {}, violations)))
    bad = BadRequest()
    assert status.details[1].Unpack(bad)
    assert len(status.message) == MESSAGE_LENGTH
    assert len(bad.field_violations) == VIOLATIONS
    assert len(status.SerializeToString()) < 4096
