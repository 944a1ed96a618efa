"""Open streams of the follower: who gets the next message, and who is too slow for it.

A stream is a generator that makes a message only when the one before it was taken. So a reader who
is behind costs one message of memory and its place, and one who takes nothing for long is ended.

A generator yields a message, None when it has nothing for now, or WORKING when it wants to go on
but may be left for a while. It ends the stream by returning, or raises StreamError.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tidegate_server.journal.frames import Damage
from tidegate_server.transport import Sent
from tidegate_server.wire.errors import INTERNAL, RESOURCE_EXHAUSTED, UNAVAILABLE, CallError

if TYPE_CHECKING:
    from collections.abc import Generator

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.transport import Front

    Messages = Generator[bytes | None, None, None]

#: What a generator yields when it is not done and has nothing to tell: no message is empty.
WORKING: Final = b""

#: Open streams of all callers together, and of one.
STREAM_LIMIT: Final = 64
PRINCIPAL_LIMIT: Final = 16
#: What all streams of a turn take together, at most and about.
TURN_SECONDS: Final = 0.01
#: A reader who takes nothing for so long is ended.
SLOW_SECONDS: Final = 30.0

ENDING: Final = CallError(UNAVAILABLE, "DRAINING", "the follower is ending; watch again later")
SLOW: Final = CallError(
    RESOURCE_EXHAUSTED,
    "SLOW_READER",
    f"nothing was read for {SLOW_SECONDS:.0f} s; watch again from where you were",
    {"seconds": f"{SLOW_SECONDS:.0f}"},
)


class StreamError(Exception):
    """Ends a stream with an error for its reader."""

    def __init__(self, error: CallError) -> None:
        super().__init__(error.message)
        self.error = error


class _Stream:
    """One reader; `waiting` is a message that was not taken yet, since `since_s`."""

    __slots__ = ("call_id", "messages", "method", "principal", "since_s", "waiting")

    def __init__(self, call_id: int, method: str, principal: str, messages: Messages) -> None:
        self.call_id = call_id
        self.method = method
        self.principal = principal
        self.messages = messages
        self.waiting = b""
        self.since_s = 0.0


class Streams:
    """All of them."""

    def __init__(self, front: Front, log: FilteringBoundLogger) -> None:
        self._front = front
        self._log = log
        self._open: dict[int, _Stream] = {}

    def __len__(self) -> int:
        """Count the open ones."""
        return len(self._open)

    def open(self, call_id: int, method: str, principal: str, messages: Messages) -> None:
        """Begin to answer a call, or fail it when too many are open."""
        self._drop_gone()  # else who ends a stream and begins the next may be refused
        own = sum(stream.principal == principal for stream in self._open.values())
        for count, limit in ((len(self._open), STREAM_LIMIT), (own, PRINCIPAL_LIMIT)):
            if count >= limit:
                self._front.fail(call_id, _too_many(count, limit))
                return
        self._open[call_id] = _Stream(call_id, method, principal, messages)

    def count(self, method: str) -> int:
        """Count the open ones of a method."""
        return sum(stream.method == method for stream in self._open.values())

    def step(self) -> bool:
        """Send what can be sent; tell whether any wants another turn at once."""
        if not self._open:
            return False
        self._drop_gone()
        share_s = TURN_SECONDS / max(1, len(self._open))
        busy = [self._serve(stream, share_s) for stream in tuple(self._open.values())]
        return any(busy)

    def end(self) -> None:
        """End all of them."""
        for call_id in tuple(self._open):
            self._front.fail(call_id, ENDING)
            self._close(call_id)

    def _drop_gone(self) -> None:
        """Close those whose readers have gone."""
        gone = self._front.gone
        for call_id in [call_id for call_id in self._open if call_id in gone]:
            self._close(call_id)

    def _serve(self, stream: _Stream, share_s: float) -> bool:
        """Serve one stream for a while; tell whether it wants to go on."""
        end_s = time.perf_counter() + share_s
        while True:
            if stream.waiting and not self._send(stream):
                return False
            if time.perf_counter() > end_s:
                return True
            try:
                message = next(stream.messages)
            except StopIteration:
                self._front.finish(stream.call_id)
                self._close(stream.call_id)
                return False
            except StreamError as error:
                self._fail(stream, error.error)
                return False
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets no text of it
                self._fail(stream, fault(self._log, stream.method, error))
                return False
            if message is None:
                return False
            stream.waiting = message

    def _send(self, stream: _Stream) -> bool:
        """Send the message that waits; tell whether it was taken."""
        sent = self._front.send(stream.call_id, stream.waiting)
        if sent is Sent.TAKEN:
            stream.waiting, stream.since_s = b"", 0.0
            return True
        if sent is Sent.GONE:
            self._close(stream.call_id)
            return False
        now_s = time.monotonic()
        stream.since_s = stream.since_s or now_s
        if now_s - stream.since_s > SLOW_SECONDS:
            self._fail(stream, SLOW)
        return False

    def _fail(self, stream: _Stream, error: CallError) -> None:
        self._front.fail(stream.call_id, error)
        self._close(stream.call_id)

    def _close(self, call_id: int) -> None:
        self._open.pop(call_id).messages.close()


def fault(log: FilteringBoundLogger, method: str, error: Exception) -> CallError:
    """Log a fault under an id, and return the error that names nothing but the id."""
    correlation_id = uuid4().hex
    if isinstance(error, Damage):
        log.critical("the journal cannot be read", problem=str(error))
    log.error("fault", method=method, correlation_id=correlation_id, exc_info=error)
    return CallError(
        INTERNAL,
        "INTERNAL",
        f"a fault in the follower; its log knows it as {correlation_id}",
        {"correlation_id": correlation_id},
    )


def _too_many(count: int, limit: int) -> CallError:
    return CallError(
        RESOURCE_EXHAUSTED,
        "OVERLOADED",
        f"{count} streams are open; end one of them first",
        {"waiting": str(count), "limit": str(limit)},
    )
