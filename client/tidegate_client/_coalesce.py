"""Checks that are asked while a call is under way travel together in the next one."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import grpc

from tidegate_client._checks import LARGEST_BATCH
from tidegate_client._errors import DeadlineError, RequestError, TidegateError
from tidegate_client._methods import Call, join_checks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tidegate.v1.risk_service_pb2 import CheckOrderResponse

Answers: TypeAlias = "list[CheckOrderResponse]"


class _Waiter(NamedTuple):
    call: Call[Answers]
    end: float
    answer: asyncio.Future[Answers]


class Coalescer:
    """Joins single checks into batches, one call under way at a time; one event loop.

    A batch ends at the deadline of its oldest check. If the gate calls a batch malformed, each of
    its checks travels alone, so that one cannot spoil the others.
    """

    __slots__ = ("_send", "_task", "_waiting")

    def __init__(self, send: Callable[[Call[Answers], float], Awaitable[Answers]]) -> None:
        """Send calls through `send(call, end)`."""
        self._send = send
        self._waiting: list[_Waiter] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, call: Call[Answers], end: float) -> Answers:
        """Ask one check within the next call. Raise TidegateError if there is no answer."""
        waiter = _Waiter(call, end, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="tidegate-coalesce")
        return await waiter.answer

    async def _run(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
            try:
                await self._travel(_in_time(taken))
            finally:
                for waiter in taken:
                    waiter.answer.cancel()  # does nothing to those that have their answer

    async def _travel(self, waiters: Sequence[_Waiter]) -> None:
        if not waiters:
            return
        alone = len(waiters) == 1
        call = waiters[0].call if alone else join_checks([waiter.call for waiter in waiters])
        try:
            answers = await self._send(call, min(waiter.end for waiter in waiters))
        except RequestError as error:
            if alone or not error.nothing_decided:
                _fail(waiters, error)
            else:
                await asyncio.gather(*(self._travel([waiter]) for waiter in waiters))
        except TidegateError as error:
            _fail(waiters, error)
        else:
            _hand_out(waiters, answers)


def _in_time(waiters: Sequence[_Waiter]) -> list[_Waiter]:
    now = monotonic()
    late = [waiter for waiter in waiters if waiter.end <= now]
    error = DeadlineError(grpc.StatusCode.DEADLINE_EXCEEDED, details="the order was not sent")
    error.nothing_decided = True
    _fail(late, error)
    return [waiter for waiter in waiters if not waiter.answer.done()]


def _fail(waiters: Sequence[_Waiter], error: TidegateError) -> None:
    for waiter in waiters:
        if not waiter.answer.done():
            waiter.answer.set_exception(error)


def _hand_out(waiters: Sequence[_Waiter], answers: Answers) -> None:
    fits = len(answers) == len(waiters)
    for at, waiter in enumerate(waiters):
        if not waiter.answer.done():
            waiter.answer.set_result([answers[at]] if fits else [])
