"""Both clients against the fake gate: what a check answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from tests.client.support import an_order, eventually

from tidegate.v1 import order_pb2
from tidegate_client import (
    ConnectionFailedError,
    DeadlineError,
    OverloadedError,
    RequestError,
    WithdrawnError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_client.testing import FakeGate


def test_an_explicit_allow_is_allowed(client: Any) -> None:
    decision = client.check(an_order())
    assert decision
    assert decision.allowed
    assert decision.outcome_known
    assert decision.error is None
    assert decision.reserved_price_e4 == 1_688_000


def test_a_reject_is_an_answer_with_its_figures(client: Any, fake: FakeGate) -> None:
    fake.reject("LEVERAGE", measured=21_000, limit=20_000)
    decision = client.check(an_order())
    assert not decision
    assert decision.outcome_known
    assert decision.reason == "LEVERAGE"
    assert (decision.rejections[0].measured, decision.rejections[0].limit) == (21_000, 20_000)


def test_a_reject_is_never_reported_unsent(client: Any, fake: FakeGate) -> None:
    fake.reject("LEVERAGE")
    client.check(an_order())
    assert client.undelivered_unsent == ()


def test_the_order_arrives_as_it_was_given(client: Any, fake: FakeGate) -> None:
    order = an_order(reduce_only=True, want_max_acceptable_quantity=True)
    client.check(order)
    (arrived,) = fake.orders
    assert arrived.order_id == order.order_id
    assert arrived.order_type == order_pb2.ORDER_TYPE_LIMIT
    assert arrived.created_time_ns == order.created_time_ns
    assert arrived.reduce_only
    assert arrived.want_max_acceptable_quantity


def test_an_order_without_a_price_is_a_market_order(client: Any, fake: FakeGate) -> None:
    client.check(an_order(price_e4=None))
    (arrived,) = fake.orders
    assert arrived.order_type == order_pb2.ORDER_TYPE_MARKET
    assert not arrived.HasField("price_e4")


def test_unavailable_is_repeated_with_the_same_bytes(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.UNAVAILABLE, times=2, reason="DRAINING")
    assert client.check(an_order())
    assert len({order.SerializeToString(deterministic=True) for order in fake.orders}) == 1
    assert len(fake.orders) == 3


def test_a_lost_answer_is_asked_for_again(client: Any, fake: FakeGate) -> None:
    fake.delay(0.5)
    decision = client.check(an_order())
    assert decision
    assert decision.replayed


def test_overload_is_not_retried(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="OVERLOADED")
    decision = client.check(an_order())
    assert isinstance(decision.error, OverloadedError)
    assert len(fake.orders) == 1


def test_what_the_gate_proves_undecided_is_not_reported_unsent(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="OVERLOADED")
    order = an_order()
    assert client.check(order).error.nothing_decided
    assert client.undelivered_unsent == ()
    assert client.check(order)


def test_an_overload_by_anyone_else_is_reported_unsent(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.RESOURCE_EXHAUSTED)
    order = an_order()
    client.check(order)
    eventually(lambda: [event.order_id for event in fake.events] == [order.order_id])


def test_a_doubtful_attempt_before_an_overload_is_reported_unsent(
    client: Any, fake: FakeGate
) -> None:
    fake.fail_next(grpc.StatusCode.UNAVAILABLE)
    fake.fail_next(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="OVERLOADED")
    assert not client.check(an_order()).error.nothing_decided
    eventually(lambda: fake.events)


def test_an_error_is_a_decision_that_is_not_allowed(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.INTERNAL, reason="INTERNAL")
    decision = client.check(an_order())
    assert not decision.allowed
    assert not decision.outcome_known
    assert decision.reason == "INTERNAL"


def test_an_error_is_raised_on_request(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.INVALID_ARGUMENT, reason="MALFORMED")
    with pytest.raises(RequestError, match="INVALID_ARGUMENT/MALFORMED"):
        client.check(an_order(), raise_on_error=True)


def test_no_answer_within_the_deadline_is_a_deadline_error(client: Any, fake: FakeGate) -> None:
    fake.delay(0.6, times=10)
    decision = client.check(an_order(), timeout=0.3)
    assert isinstance(decision.error, DeadlineError)
    assert not decision.outcome_known


def test_an_order_without_an_answer_is_reported_unsent_once(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.INTERNAL)
    order = an_order()
    client.check(order)
    eventually(lambda: fake.events and not client.undelivered_unsent)
    (event,) = fake.events
    assert (event.event_id, event.account_id) == (f"unsent-{order.order_id}", "A1")


def test_a_late_allow_of_a_given_up_order_is_not_passed_on(client: Any, fake: FakeGate) -> None:
    fake.delay(0.6, times=10)
    order = an_order()
    client.check(order, timeout=0.2)
    decision = client.check(order)
    assert not decision
    assert isinstance(decision.error, WithdrawnError)


def test_a_given_up_id_is_not_even_asked_about(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.INTERNAL)
    order = an_order()
    client.check(order)
    client.check(order)
    assert len(fake.orders) == 1


def test_an_order_answered_as_allowed_is_never_reported_unsent(client: Any, fake: FakeGate) -> None:
    order = an_order()
    assert client.check(order)
    fake.fail_next(grpc.StatusCode.INTERNAL)
    assert not client.check(order)
    assert client.undelivered_unsent == ()


def test_unsent_reports_arrive_after_the_gate_comes_back(
    connect: Callable[..., Any], fake: FakeGate
) -> None:
    client = connect(fake.target)
    orders = [an_order() for _ in range(3)]
    with fake.outage():
        for order in orders:
            decision = client.check(order, timeout=0.1)
            assert isinstance(decision.error, ConnectionFailedError)
        assert {key.order_id for key in client.undelivered_unsent} == {o.order_id for o in orders}
    eventually(lambda: not client.undelivered_unsent)
    assert {event.order_id for event in fake.events} == {order.order_id for order in orders}


def test_close_waits_for_unsent_reports(connect: Callable[..., Any], fake: FakeGate) -> None:
    client = connect(fake.target)
    fake.fail_next(grpc.StatusCode.INTERNAL, times=3)
    client.check(an_order())
    client.close(5.0)
    assert client.undelivered_unsent == ()
    assert len(fake.events) >= 1


def test_close_shows_and_logs_what_it_could_not_deliver(
    connect: Callable[..., Any], fake: FakeGate, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect(fake.target)
    with fake.outage():
        client.check(an_order("lost"), timeout=0.1)
        client.close(0.2)
    assert [key.order_id for key in client.undelivered_unsent] == ["lost"]
    assert "order lost of account A1 was never reported unsent" in caplog.text


def test_a_full_ledger_refuses_checks_before_they_are_sent(
    connect: Callable[..., Any], fake: FakeGate
) -> None:
    client = connect(fake.target, max_unsent=1)
    with fake.outage():
        client.check(an_order(), timeout=0.1)
        decision = client.check(an_order(), timeout=0.1)
        assert isinstance(decision.error, OverloadedError)
        assert len(client.undelivered_unsent) == 1


def test_a_closed_client_refuses_calls(connect: Callable[..., Any], fake: FakeGate) -> None:
    client = connect(fake.target)
    client.close()
    with pytest.raises(RuntimeError, match="is closed"):
        client.check(an_order())
    assert client.undelivered_unsent == ()


def test_a_batch_has_one_decision_an_order(client: Any, fake: FakeGate) -> None:
    fake.reject("HALTED", account_id="A2")
    orders = [an_order(), an_order(account_id="A2"), an_order()]
    decisions = client.check_many(orders)
    assert [decision.allowed for decision in decisions] == [True, False, True]
    assert [decision.order_id for decision in decisions] == [order.order_id for order in orders]
    assert all(decision.sequence == 1 for decision in decisions)


def test_an_atomic_batch_is_all_or_none(client: Any, fake: FakeGate) -> None:
    fake.reject("HALTED", account_id="A2")
    orders = [an_order(), an_order(account_id="A2")]
    decisions = client.check_many(orders, atomic=True, batch_id="B1")
    assert [decision.reason for decision in decisions] == ["BATCH_REJECTED", "HALTED"]


def test_an_empty_batch_asks_nothing(client: Any, fake: FakeGate) -> None:
    assert client.check_many([]) == []
    assert fake.calls == []


def test_a_batch_without_an_answer_is_reported_unsent_whole(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.INTERNAL)
    orders = [an_order() for _ in range(3)]
    assert not any(client.check_many(orders))
    eventually(lambda: len(fake.events) == 3)


def test_an_atomic_batch_with_a_given_up_order_is_not_sent(client: Any, fake: FakeGate) -> None:
    fake.fail_next(grpc.StatusCode.INTERNAL)
    given_up = an_order()
    client.check(given_up)
    decisions = client.check_many([an_order(), given_up], atomic=True, batch_id="B1")
    assert not any(decisions)
    assert "CheckOrders" not in [call.method for call in fake.calls]


def test_an_oversized_batch_is_refused(client: Any) -> None:
    with pytest.raises(ValueError, match="at most 1000"):
        client.check_many([an_order()] * 1_001)


def test_an_atomic_batch_needs_an_id(client: Any) -> None:
    with pytest.raises(ValueError, match="batch_id"):
        client.check_many([an_order()], atomic=True)
