"""What only asyncio has: cancellation and coalescing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
from tests.client.support import Answer, Loop, an_order, eventually, server

from tidegate.v1 import risk_service_pb2
from tidegate.v1.order_pb2 import VERDICT_ALLOW
from tidegate_client import AsyncClient, DeadlineError

if TYPE_CHECKING:
    from tidegate_client import Decision
    from tidegate_client.testing import FakeGate


def test_a_cancelled_check_is_reported_unsent(loop: Loop, fake: FakeGate) -> None:
    fake.delay(0.3)
    order = an_order()

    async def cancel() -> None:
        async with AsyncClient(fake.target) as client:
            task = asyncio.create_task(client.check(order))
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

    loop.run(cancel())
    eventually(lambda: [event.order_id for event in fake.events] == [order.order_id])


def test_a_cancelled_coalesced_check_is_reported_unsent(loop: Loop, fake: FakeGate) -> None:
    fake.delay(0.3)
    orders = [an_order(), an_order()]

    async def cancel() -> Decision:
        async with AsyncClient(fake.target, coalesce=True) as client:
            tasks = [asyncio.create_task(client.check(order)) for order in orders]
            await asyncio.sleep(0.1)
            tasks[0].cancel()
            return await tasks[1]

    assert loop.run(cancel())
    eventually(lambda: [event.order_id for event in fake.events] == [orders[0].order_id])


def test_closing_ends_a_check_under_way_without_cancelling_its_task(
    loop: Loop, fake: FakeGate
) -> None:
    fake.delay(0.5, times=9)

    async def close() -> Decision:
        client = AsyncClient(fake.target)
        task = asyncio.create_task(client.check(an_order()))
        await asyncio.sleep(0.1)
        await client.close(0.1)
        assert len(client.undelivered_unsent) == (1 if task.done() else 0)
        return await task

    decision = loop.run(close())
    assert not decision
    assert decision.error is not None


def test_concurrent_checks_travel_together(loop: Loop, fake: FakeGate) -> None:
    orders = [an_order() for _ in range(50)]
    fake.reject("HALTED", account_id="A2")
    orders[7].account_id = "A2"

    async def check_all() -> list[Decision]:
        async with AsyncClient(fake.target, coalesce=True) as client:
            return list(await asyncio.gather(*map(client.check, orders)))

    decisions = loop.run(check_all())
    assert [decision.order_id for decision in decisions] == [order.order_id for order in orders]
    assert [decision.reason for decision in decisions if not decision] == ["HALTED"]
    assert len(fake.calls) < 5


def test_one_malformed_check_does_not_spoil_its_neighbours(loop: Loop, fake: FakeGate) -> None:
    orders = [an_order() for _ in range(3)]
    fake.fail_next(grpc.StatusCode.INVALID_ARGUMENT, times=2, reason="MALFORMED")

    async def check_all() -> list[Decision]:
        async with AsyncClient(fake.target, coalesce=True) as client:
            return list(await asyncio.gather(*map(client.check, orders)))

    decisions = loop.run(check_all())
    assert sum(map(bool, decisions)) == 2
    assert fake.events == []


def test_a_check_that_waited_past_its_deadline_is_not_sent(loop: Loop, fake: FakeGate) -> None:
    fake.delay(1.0, times=9)

    async def check_two() -> Decision:
        async with AsyncClient(fake.target, coalesce=True, timeout=0.3) as client:
            first = asyncio.create_task(client.check(an_order("first")))
            await asyncio.sleep(0.01)
            second = await client.check(an_order("second"))
            await first
            return second

    decision = loop.run(check_two())
    assert isinstance(decision.error, DeadlineError)


def test_a_late_allow_of_a_concurrent_repeat_is_not_passed_on(loop: Loop) -> None:
    asked: list[object] = []

    def second_fails(request: object, context: grpc.ServicerContext) -> Answer:
        asked.append(request)
        if len(asked) == 2:
            context.abort(grpc.StatusCode.INTERNAL, "fault")
        eventually(lambda: len(asked) == 2)
        eventually(lambda: reported)
        return Answer(verdict=VERDICT_ALLOW)

    reported: list[object] = []

    def report(request: object, _context: object) -> object:
        reported.append(request)
        return risk_service_pb2.RecordOrderEventsResponse()

    async def race(target: str) -> list[Decision]:
        order = an_order()
        async with AsyncClient(target, attempt_timeout=2.0) as client:
            return list(await asyncio.gather(client.check(order), client.check(order)))

    with server(CheckOrder=second_fails, RecordOrderEvents=report) as target:
        assert not any(loop.run(race(target)))
    assert len(reported) == 1
