"""Reports orders unsent in the background of an event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from tidegate_client import _methods as methods
from tidegate_client._errors import TidegateError
from tidegate_client._unsent import HURRIED_PAUSE_S, REPORT_TIMEOUT_S, events_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tidegate_client._methods import Call
    from tidegate_client._unsent import Ledger


class Reporter:
    """The one background task: reports orders unsent until that is delivered.

    It lives as long as anything is owed, and hurries while the client closes.
    """

    def __init__(
        self, ledger: Ledger, report: Callable[[Call[object], float], Awaitable[object]]
    ) -> None:
        self._ledger = ledger
        self._report = report
        self._closing = asyncio.Event()
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Begin to report, unless the client is closing."""
        if not self._closing.is_set() and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(), name="tidegate-unsent")

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - the same
        """Wait for the last reports, then stop."""
        self._closing.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout)
            self._stopped = True
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while not self._stopped and (keys := self._ledger.take()):
            try:
                call = methods.record_events(events_of(keys))
                await self._report(call, monotonic() + REPORT_TIMEOUT_S)
            except TidegateError as error:
                await self._pause(self._ledger.failed(keys, error))
            else:
                self._ledger.delivered(keys)

    async def _pause(self, pause: float) -> None:
        if self._closing.is_set():
            await asyncio.sleep(min(pause, HURRIED_PAUSE_S))
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for can swallow a cancellation
                    await self._closing.wait()
