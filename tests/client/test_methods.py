"""Both clients: everything but checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from tests.client.support import an_order

from tidegate.v1 import account_service_pb2 as accounts_pb
from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_client import (
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    InternalError,
    NotFoundError,
    PermissionDeniedError,
    Rejection,
)
from tidegate_client._methods import REPEATED_PATHS, RETRIED_PATHS
from tidegate_client.testing import FakeGate

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_preview_shows_without_reserving(client: Any, fake: FakeGate) -> None:
    fake.reject("POSITION_LIMIT", measured=5, limit=4)
    preview = client.preview(an_order())
    assert not preview
    assert preview.rejections[0].reason == "POSITION_LIMIT"
    assert preview.before is None
    assert fake.orders == []


def test_what_only_warns_is_in_the_decision_and_in_the_preview(client: Any, fake: FakeGate) -> None:
    warning = order_pb2.Rejection(
        reason=order_pb2.REJECT_REASON_LEVERAGE, measured=21_000, limit=20_000
    )
    verdict = order_pb2.VERDICT_ALLOW
    fake.answer(risk_pb.CheckOrderResponse(verdict=verdict, warnings=[warning]))
    decision = client.check(an_order())
    assert decision.allowed
    assert decision.rejections == ()
    assert decision.warnings == (Rejection(reason="LEVERAGE", measured=21_000, limit=20_000),)
    assert client.check_many([an_order()])[0].warnings == decision.warnings
    preview = client.preview(an_order())
    assert preview.would_allow
    assert preview.warnings == decision.warnings


def test_a_preview_says_what_limits_the_order(client: Any, fake: FakeGate) -> None:
    assert client.preview(an_order()).limiting is None
    fake.reject("LEVERAGE", measured=5, limit=4)
    preview = client.preview(an_order())
    assert preview.limiting == Rejection(reason="LEVERAGE", measured=5, limit=4)
    assert preview.largest_quantity == 0


def test_a_preview_that_fails_raises(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.INTERNAL)
    with pytest.raises(InternalError):
        client.preview(an_order())


def test_reports_are_repeated_and_counted_once(client: Any, fake: FakeGate) -> None:
    fake.delay(0.5)
    event = risk_pb.OrderEvent(
        event_id="E1", account_id="A1", order_id="1", kind=risk_pb.ORDER_EVENT_KIND_ACKNOWLEDGED
    )
    (result,) = client.record_events([event])
    assert result.outcome == risk_pb.EVENT_OUTCOME_DUPLICATE


def test_a_replace_is_decided_like_an_order(client: Any, fake: FakeGate) -> None:
    fake.delay(0.5)  # its answer is lost once, and asked for again
    decision = client.replace(an_order(order_id="2"), "1")
    assert decision
    assert decision.replayed
    asked = fake.calls[0].request
    assert isinstance(asked, risk_pb.ReplaceOrderRequest)
    assert asked.replaced_order_id == "1"


def test_a_replace_without_an_answer_is_reported_unsent(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.INTERNAL)
    decision = client.replace(an_order(order_id="2"), "1")
    assert not decision
    assert decision.error is not None


def test_an_account_is_read_as_it_was_put(client: Any, fake: FakeGate) -> None:
    account = accounts_pb.Account(account_id="A1", tier_id="retail")
    client.upsert_accounts([account])
    deposit = accounts_pb.CASH_KIND_DEPOSIT
    client.adjust_cash("A1", "D1", deposit, 5_000, expected_sequence=1)
    assert client.adjust_cash("A1", "D1", deposit, 5_000, expected_sequence=1).replayed
    view = client.get_account("A1").account
    assert (view.account.tier_id, view.cash_e4) == ("retail", 5_000)
    assert [summary.account_id for summary in client.list_accounts().accounts] == ["A1"]


def test_a_missing_account_says_which(client: Any) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.get_account("A9")
    assert caught.value.reason == "NOT_FOUND"
    assert caught.value.metadata == {"kind": "account", "id": "A9"}


def test_a_read_is_retried_while_unavailable(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.UNAVAILABLE, times=2)
    assert client.status().state == "serving"


def test_a_write_without_an_id_is_sent_once(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.UNAVAILABLE)
    with pytest.raises(ConnectionFailedError):
        client.upsert_accounts([accounts_pb.Account(account_id="A1")])
    assert len(fake.calls) == 1


def test_only_calls_that_may_be_repeated_are() -> None:
    once = ("Upsert", "Update", "SetPositions", "SetRegime", "SetSession", "Release", "RollDay")
    for path in (*RETRIED_PATHS, *REPEATED_PATHS):
        assert not any(word in path for word in (*once, "Propose", "Revalue"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, AuthenticationError),
        (grpc.StatusCode.PERMISSION_DENIED, PermissionDeniedError),
        (grpc.StatusCode.FAILED_PRECONDITION, ConflictError),
        (grpc.StatusCode.DATA_LOSS, InternalError),
    ],
)
def test_each_status_has_its_error(
    client: Any, fake: FakeGate, code: grpc.StatusCode, kind: type[Exception]
) -> None:
    fake.fail_next(code)
    with pytest.raises(kind):
        client.status()


def test_the_token_travels_with_every_call(connect: Callable[..., Any], fake: FakeGate) -> None:
    client = connect(fake.target, token="secret")  # noqa: S106 - of a test
    client.status()
    assert fake.calls[0].metadata["authorization"] == "Bearer secret"
    assert "secret" not in repr(client)


def test_a_unix_socket_is_an_address(connect: Callable[..., Any], tmp_path: Any) -> None:
    with FakeGate(f"unix:{tmp_path}/gate.sock") as fake:
        assert connect(fake.target).check(an_order())


def test_an_unknown_setting_is_refused(connect: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="time_out"):
        connect("localhost:1", time_out=1)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_call_without_an_end_is_refused(connect: Callable[..., Any], timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        connect("localhost:1", timeout=timeout)
