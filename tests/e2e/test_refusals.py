"""What is no decision: refusals with a code, a reason and the fields."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from tests.e2e.support import TRANSPORTS, Server, dialled, order, request_of, serving

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_client import (
    AuthenticationError,
    Client,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECK = "/tidegate.v1.RiskService/CheckOrder"
CHECKS = "/tidegate.v1.RiskService/CheckOrders"
TOKENS = {"desk": "desk-token", "watcher": "watcher-token", "feed": "feed-token"}


def principals(**roles: str) -> str:
    """Write principals as the configuration file has them."""
    return "".join(
        f'\n[[principals]]\nname = "{name}"\nroles = ["{role}"]\n'
        f'token_sha256 = ["{hashlib.sha256(TOKENS[name].encode()).hexdigest()}"]\n'
        for name, role in roles.items()
    )


def refusal(
    address: str, path: str, payload: bytes
) -> tuple[grpc.StatusCode, ErrorInfo, BadRequest]:
    """Send bytes that no client library would send; return what is refused and why."""
    with dialled(address) as channel, pytest.raises(grpc.RpcError) as caught:  # noqa: PT012
        send: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
        send(payload, timeout=5)
    error = caught.value
    assert isinstance(error, grpc.Call)
    info, bad = ErrorInfo(), BadRequest()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            for detail in Status.FromString(value).details:
                assert detail.Unpack(info) or detail.Unpack(bad)
    return error.code(), info, bad


def test_every_malformed_field_is_named(server: Server) -> None:
    payload = risk_pb.CheckOrderRequest(account_id="A B", order_id="", quantity=-1)
    code, info, bad = refusal(server.address, CHECK, payload.SerializeToString())
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert info.reason.endswith("MALFORMED")
    named = {violation.field for violation in bad.field_violations}
    assert {"account_id", "order_id", "quantity"} <= named


def test_bytes_that_are_no_message_are_malformed(server: Server) -> None:
    code, info, _ = refusal(server.address, CHECK, b"\xff\xff\xff")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert info.domain == "tidegate.v1"


def test_an_unknown_field_is_refused(server: Server, account: str) -> None:
    payload = request_of(order(account)).SerializeToString() + b"\x98\x06\x01"
    code, info, _ = refusal(server.address, CHECK, payload)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert info.reason.endswith("UNKNOWN_FIELD")


def test_an_unknown_field_deep_inside_is_refused(server: Server, account: str) -> None:
    inner = request_of(order(account)).SerializeToString() + b"\x98\x06\x01"
    payload = b"\x0a" + bytes([len(inner) & 127 | 128, len(inner) >> 7]) + inner
    code, info, _ = refusal(server.address, CHECKS, payload)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert info.reason.endswith("UNKNOWN_FIELD")


def test_an_enum_number_of_the_future_is_refused(server: Server, account: str) -> None:
    asked = request_of(order(account))
    asked.side = order_pb2.Side.ValueType(9)
    code, _, bad = refusal(server.address, CHECK, asked.SerializeToString())
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in bad.field_violations] == ["side"]


def test_a_malformed_order_leaves_no_record(server: Server, client: Client) -> None:
    before = client.status().sequence
    refusal(server.address, CHECK, b"\xff\xff\xff")
    assert client.status().sequence == before


def test_a_request_over_its_bound_is_refused_with_both_sizes(server: Server) -> None:
    code, info, _ = refusal(server.address, CHECK, b"x" * 20_000)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert info.reason.endswith("REQUEST_TOO_LARGE")
    assert dict(info.metadata) == {"bytes": "20000", "limit": "16384"}


def test_a_batch_over_a_mebibyte_is_refused(server: Server) -> None:
    code, info, _ = refusal(server.address, CHECKS, b"x" * (1_048_576 + 1))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert info.metadata["limit"] == "1048576"


def test_an_unknown_method_is_unimplemented(server: Server) -> None:
    code, _, _ = refusal(server.address, "/tidegate.v1.RiskService/Guess", b"")
    assert code is grpc.StatusCode.UNIMPLEMENTED


def test_cash_at_a_stale_sequence_is_refused_with_both_sequences(
    client: Client, account: str
) -> None:
    client.check(order(account))
    now = client.get_account(account).account.sequence
    deposit = accounts_pb.CASH_KIND_DEPOSIT
    with pytest.raises(ConflictError) as caught:
        client.adjust_cash(account, "late", deposit, 1, expected_sequence=now - 1)
    error = caught.value
    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason == "STALE_SEQUENCE"
    assert error.metadata == {
        "account_id": account,
        "expected_sequence": str(now - 1),
        "sequence": str(now),
    }


def test_positions_at_a_stale_sequence_are_refused(client: Client, account: str) -> None:
    targets = [accounts_pb.PositionTarget(instrument_id="SPY", quantity=5)]
    with pytest.raises(ConflictError) as caught:
        client.set_positions(account, targets, expected_sequence=1)
    assert caught.value.reason == "STALE_SEQUENCE"


def test_positions_at_the_right_sequence_are_taken(client: Client, account: str) -> None:
    now = client.get_account(account).account.sequence
    targets = [accounts_pb.PositionTarget(instrument_id="SPY", quantity=5)]
    client.set_positions(account, targets, expected_sequence=now)
    assert client.get_account(account).account.positions[0].quantity == 5


def test_a_repeated_cash_booking_counts_once(client: Client, account: str) -> None:
    now = client.get_account(account).account.sequence
    deposit = accounts_pb.CASH_KIND_DEPOSIT
    first = client.adjust_cash(account, "fee", deposit, 7, expected_sequence=now)
    again = client.adjust_cash(account, "fee", deposit, 7, expected_sequence=now)
    assert again.replayed
    assert again.cash_e4 == first.cash_e4


def test_an_account_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError):
        client.get_account("NOBODY")


def test_a_stop_that_does_not_stand_is_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError):
        client.release("never-set", "over")


@pytest.fixture(scope="module", params=TRANSPORTS)
def guarded(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Serve callers with tokens only."""
    tail = principals(desk="router", watcher="viewer", feed="feed")
    with serving(request.param, {"local_roles": []}, tail=tail) as running:
        yield running


def test_without_a_token_nobody_calls(guarded: Server) -> None:
    with guarded.client() as client, pytest.raises(AuthenticationError):
        client.status()


def test_a_wrong_token_is_nobody(guarded: Server) -> None:
    with guarded.client(token="guess") as client, pytest.raises(AuthenticationError):  # noqa: S106
        client.status()


def test_a_token_is_its_principal(guarded: Server) -> None:
    with guarded.client(token=TOKENS["desk"]) as client:
        assert client.check(order("NOBODY")).reason == "ACCOUNT_UNKNOWN"


def test_a_check_without_the_role_is_denied(guarded: Server) -> None:
    with guarded.client(token=TOKENS["watcher"]) as client:
        decision = client.check(order("A1"))
    assert not decision
    assert isinstance(decision.error, PermissionDeniedError)
    assert client.undelivered_unsent == ()  # nothing was decided, so nothing is owed


def test_a_denial_names_the_roles_that_it_takes(guarded: Server) -> None:
    with (
        guarded.client(token=TOKENS["feed"]) as client,
        pytest.raises(PermissionDeniedError) as caught,
    ):
        client.get_account("A1")
    assert caught.value.metadata["principal"] == "feed"
    assert "viewer" in caught.value.metadata["roles"].split(",")


def test_a_viewer_may_read(guarded: Server) -> None:
    with guarded.client(token=TOKENS["watcher"]) as client:
        assert client.get_policy().policy.version == 1
