"""Where the handlers of an event loop leave their calls for a synchronous turn."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Final

from tidegate_server.transport.front import DRAINING, FOREVER_SECONDS, Call, Sent, Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tidegate_server.wire.errors import CallError

    Answer = bytes | CallError
    Reader = Callable[[], Awaitable[Answer | None]]

#: After a turn that took longer than this, the loop reads for a tenth of that time before the next
#: one: gRPC needs several rounds of the loop to hand a call over. Without them a halt waited for
#: two batches of 1 000 orders, with them for what is left of one.
LONG_TURN_SECONDS: Final = 0.005
BREATH_SHARE: Final = 0.1

#: Messages of one stream that wait for its reader; gRPC's own buffers come on top.
STREAM_MESSAGES: Final = 2


class Desk:
    """Where handlers leave their calls, and the loop callback that takes them to the turn."""

    def __init__(self, turn: Turn, gone: set[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._turn = turn
        self._gone = gone
        self._ids = itertools.count(1)
        self._waiting: list[Call] = []
        self._wake: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.open: dict[int, asyncio.Future[Answer]] = {}
        self._streams: dict[int, asyncio.Queue[Answer | None]] = {}
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.health_changed = asyncio.Event()
        self.closed = False

    async def hand_in(self, method: int, request: bytes, name: str) -> Answer:
        """Queue a call and wait for its answer; a cancel leaves the call where it is."""
        call_id = next(self._ids)
        future: asyncio.Future[Answer] = self._loop.create_future()
        self.open[call_id] = future
        self._waiting.append((call_id, method, request, name))
        self.wake()
        try:
            return await future
        except asyncio.CancelledError:
            if call_id in self.open:
                self._gone.add(call_id)
            raise

    def open_stream(self, method: int, request: bytes, name: str) -> tuple[int, Reader]:
        """Queue a call that is answered by a stream; whoever reads it must `close_stream`.

        What is read ends with None, or with the error that the stream failed with.
        """
        call_id = next(self._ids)
        queue: asyncio.Queue[Answer | None] = asyncio.Queue()
        self._streams[call_id] = queue
        self._waiting.append((call_id, method, request, name))
        self.wake()
        return call_id, queue.get

    def close_stream(self, call_id: int) -> None:
        """Note that nobody reads any more."""
        if self._streams.pop(call_id, None) is not None:
            self._gone.add(call_id)

    def send(self, call_id: int, message: bytes) -> Sent:
        """Leave one message for a stream's reader, unless too many wait."""
        queue = self._streams.get(call_id)
        if queue is None:
            self._gone.discard(call_id)
            return Sent.GONE
        if queue.qsize() >= STREAM_MESSAGES:
            return Sent.FULL
        queue.put_nowait(message)
        return Sent.TAKEN

    def finish(self, call_id: int, error: CallError | None = None) -> bool:
        """End a stream after what was sent; False if it is none."""
        self._gone.discard(call_id)
        queue = self._streams.pop(call_id, None)
        if queue is not None:
            queue.put_nowait(error)
        return queue is not None

    def wake(self) -> None:
        """Take a turn in the next round of the loop."""
        if self._wake is None and not self.closed:
            self._wake = self._loop.call_soon(self._take)

    def settle(self, call_id: int, answer: Answer) -> None:
        """Give a call its answer; nothing happens if its caller has gone or it has one."""
        future = self.open.pop(call_id, None)
        self._gone.discard(call_id)
        if future is not None and not future.done():
            future.set_result(answer)

    def close(self) -> None:
        """Take no turn any more; refuse whatever is still open."""
        self.closed = True
        for handle in (self._wake, self._timer):
            if handle is not None:
                handle.cancel()
        for call_id in tuple(self.open):
            self.settle(call_id, DRAINING)
        for call_id in tuple(self._streams):
            self.finish(call_id, DRAINING)
        self._gone.clear()

    def _take(self) -> None:
        self._wake = None
        if self._timer is not None:
            self._timer.cancel()
        calls = self._waiting
        self._waiting = []
        if self._gone:
            calls = [call for call in calls if not self._has_gone(call[0])]
        begin = self._loop.time()
        try:
            seconds = self._turn(calls)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever called run
            self._end(error)
            return
        if seconds < 0.0:
            self._end(None)
        elif (taken := self._loop.time() - begin) > LONG_TURN_SECONDS:
            self._wake = self._loop.call_later(BREATH_SHARE * taken, self._take)
        elif seconds > 0.0:
            self._timer = self._loop.call_later(min(seconds, FOREVER_SECONDS), self.wake)
        else:
            self.wake()

    def _has_gone(self, call_id: int) -> bool:
        """Tell whether a call that no turn has seen is not worth one any more."""
        if call_id not in self._gone:
            return False
        self._gone.discard(call_id)
        self.open.pop(call_id, None)
        return True

    def _end(self, error: BaseException | None) -> None:
        self.closed = True
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
