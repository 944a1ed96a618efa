"""Both clients against servers that break the contract: never allowed, never forgotten."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from tests.client.support import Answer, an_order, dropping_server, eventually, server

from tidegate.v1 import risk_service_pb2
from tidegate.v1.order_pb2 import VERDICT_ALLOW
from tidegate_client import AnswerError, ConnectionFailedError, DeadlineError, InternalError

if TYPE_CHECKING:
    from collections.abc import Callable

ALLOW = Answer(verdict=VERDICT_ALLOW)


@pytest.mark.parametrize("verdict", [0, 3, 99, -1])
def test_a_verdict_that_is_neither_is_not_allowed(
    connect: Callable[..., Any], verdict: int
) -> None:
    with server(CheckOrder=lambda _request, _context: Answer(verdict=verdict)) as target:  # type: ignore[arg-type]
        client = connect(target)
        decision = client.check(an_order())
        assert not decision.allowed
        assert not decision.outcome_known
        assert isinstance(decision.error, AnswerError)
        assert len(client.undelivered_unsent) == 1


def test_an_empty_answer_is_not_allowed(connect: Callable[..., Any]) -> None:
    with server(CheckOrder=lambda _request, _context: b"") as target:
        assert not connect(target).check(an_order())


def test_an_answer_that_is_no_message_is_not_allowed(connect: Callable[..., Any]) -> None:
    with server(CheckOrder=lambda _request, _context: b"\x08") as target:
        decision = connect(target).check(an_order())
        assert isinstance(decision.error, AnswerError)


def test_a_batch_with_too_few_answers_is_allowed_nowhere(connect: Callable[..., Any]) -> None:
    short = risk_service_pb2.CheckOrdersResponse(answers=[ALLOW])
    with server(CheckOrders=lambda _request, _context: short) as target:
        client = connect(target)
        decisions = client.check_many([an_order(), an_order()])
        assert not any(decisions)
        assert len(client.undelivered_unsent) == 2


def test_a_dropped_connection_is_not_allowed(connect: Callable[..., Any]) -> None:
    with dropping_server() as target:
        client = connect(target)
        decision = client.check(an_order(), timeout=0.4)
        assert isinstance(decision.error, ConnectionFailedError | DeadlineError)
        assert len(client.undelivered_unsent) == 1


def test_an_answer_after_the_deadline_is_not_allowed(connect: Callable[..., Any]) -> None:
    def slow(_request: object, _context: grpc.ServicerContext) -> Answer:
        time.sleep(0.4)
        return ALLOW

    with server(CheckOrder=slow) as target:
        assert isinstance(connect(target).check(an_order(), timeout=0.2).error, DeadlineError)


def test_a_stream_cancelled_by_the_far_side_is_repeated(connect: Callable[..., Any]) -> None:
    asked: list[object] = []

    def cancels_once(request: object, context: grpc.ServicerContext) -> Answer:
        asked.append(request)
        if len(asked) == 1:
            context.abort(grpc.StatusCode.CANCELLED, "reset")
        return ALLOW

    with server(CheckOrder=cancels_once) as target:
        assert connect(target).check(an_order())
        assert len(asked) == 2


def test_a_server_without_the_method_is_an_internal_error(connect: Callable[..., Any]) -> None:
    with server() as target:
        assert isinstance(connect(target).check(an_order()).error, InternalError)


def test_a_report_that_fails_does_not_block_the_others(connect: Callable[..., Any]) -> None:
    arrived: list[str] = []

    def refuses_one(
        request: risk_service_pb2.RecordOrderEventsRequest, context: grpc.ServicerContext
    ) -> risk_service_pb2.RecordOrderEventsResponse:
        ids = [event.order_id for event in request.events]
        if "poison" in ids:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no")
        arrived.extend(ids)
        return risk_service_pb2.RecordOrderEventsResponse()

    with server(RecordOrderEvents=refuses_one) as target:
        client = connect(target)
        for name in ("poison", "good-1", "good-2"):
            client.check(an_order(name))
        eventually(lambda: sorted(arrived) == ["good-1", "good-2"])
        eventually(lambda: [key.order_id for key in client.undelivered_unsent] == ["poison"])
