"""The native front: HTTP/2 and gRPC on threads outside the GIL, calls in batches.

What the library leaves to its user, and where it is done here:

- A timeout-less `recv_batch` blocks SIGINT: it never waits longer than FOREVER_SECONDS.
- Two fronts can share a path, and the first to close removes it: `claim_socket`.
- The request is unbounded, and inflated before Python sees it: the length is checked here, the
  memory of the process must be capped from outside.
- Cancels arrive as events without payload, after their call, maybe in the same batch.
- `respond` means handed over, not sent: `_drain` waits for the library's own count, then lingers.
- The event of a bearer token does not say whose: the header itself is the client key.

The loop is the hot path: one comprehension a batch, and the library's own `respond` as `reply`.
"""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING, Final, NoReturn

from pygrpc_native import STREAM_FULL, STREAM_SENT, NativeGrpcFront

from tidegate_server.transport.address import check_listen, claim_socket, narrow_umask, with_port
from tidegate_server.transport.errors import MESSAGE_LENGTH, trailers
from tidegate_server.transport.front import (
    DRAIN_SECONDS,
    DRAINING,
    FOREVER_SECONDS,
    GONE_LIMIT,
    LINGER_SECONDS,
    UNAUTHENTICATED,
    AddressTakenError,
    Call,
    Front,
    FrontClosedError,
    FrontConfig,
    FrontConfigError,
    Sent,
    Turn,
    health_services,
    too_large,
)
from tidegate_server.transport.health import HEALTH_METHODS, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from tidegate_server.transport.identity import Directory
    from tidegate_server.wire.errors import CallError

    Event = tuple[int, int, int, bytes | None, bytes | str | None]
    Receive = Callable[[int, int], list[Event] | None]

#: Calls taken at once; more wait in the library for the next turn.
BATCH_LIMIT: Final = 4096
#: Headers and connections whose principal is remembered.
REMEMBERED_CALLERS: Final = 4096

#: One core is the gate's. A second thread on two cores only takes turns with the first: one call in
#: flight then takes 35 us longer, and as many are carried (bench: idle and unary rungs).
_IO_THREADS: Final = min(2, max(1, (os.cpu_count() or 1) - 1))
_SENT: Final = {STREAM_SENT: Sent.TAKEN, STREAM_FULL: Sent.FULL}
_MILLISECONDS: Final = 1000
_FOREVER_MS: Final = int(FOREVER_SECONDS * _MILLISECONDS)
_POLL_MS: Final = 5
#: How long it looks for the next call before it sleeps, after a turn that had any.
SPIN_NS: Final = 200_000


class NativeFront(Front):
    """Calls over plaintext HTTP/2 on a Unix socket or loopback."""

    name = "native"

    def __init__(
        self,
        config: FrontConfig,
        paths: Sequence[str],
        directory: Directory,
        limits: Sequence[int],
        streams: Collection[int] = (),
    ) -> None:
        _check_config(config)
        machine_only = check_listen(config)
        self.address = config.listen
        self.gone = set()
        self.reply = _not_running
        self._config = config
        self._methods = [(path, index in streams) for index, path in enumerate(paths)]
        self._methods += HEALTH_METHODS
        # Health is never within its bound, so that it leaves the hot path.
        self._limits = (*limits, *(-1 for _ in HEALTH_METHODS))
        self._health_index = len(paths)
        self._names = _Names(directory, machine_only=machine_only)
        self._health = Health(health_services(paths))
        self._native: NativeGrpcFront | None = None

    def run(self, turn: Turn) -> None:
        """Bind, serve until the turn says stop, drain and close; see `Front.run`."""
        with claim_socket(self._config.listen):
            native = self._bind()
            try:
                self._serve(native, turn)
                self._drain(native)
            finally:
                self.reply = _not_running
                self._native = None
                native.close()

    def fail(self, call_id: int, error: CallError) -> None:
        """Answer a call with an error."""
        message = error.message[:MESSAGE_LENGTH]
        self._running().fail(call_id, error.code, message, trailers(error))

    def send(self, call_id: int, message: bytes) -> Sent:
        """Send one message of a stream, unless its reader is behind."""
        return _SENT.get(self._running().stream_try_send(call_id, message), Sent.GONE)

    def finish(self, call_id: int) -> None:
        """End a stream well."""
        self._running().stream_end(call_id)

    def set_serving(self, service: str, *, serving: bool) -> None:
        """Tell grpc.health.v1 whether a service serves."""
        self._health.set_serving(service, serving=serving)
        if self._native is not None:
            self._health.push(self._native)

    def in_flight(self) -> int:
        """Count the calls that are accepted and not yet sent; costs some 20 us."""
        if self._native is None:
            return 0
        metrics = self._native.metrics() or {"methods": {}}
        count = 0
        for method in metrics["methods"].values():
            count += method["started"]
            count -= sum(ended["count"] for ended in method["status"].values())
        return int(count) - self._health.watching

    def _running(self) -> NativeGrpcFront:
        if self._native is None:
            _not_running(0, b"")
        return self._native

    def _bind(self) -> NativeGrpcFront:
        config = self._config
        try:
            with narrow_umask():
                native = NativeGrpcFront(
                    config.listen,
                    self._methods,
                    io_threads=_IO_THREADS,
                    client_key_metadata="authorization",
                    call_details=True,
                    metrics=True,
                    keepalive_time_ms=int(config.keepalive_seconds * _MILLISECONDS),
                    max_concurrent_streams=config.max_concurrent_streams,
                    max_metadata_size=config.max_metadata_bytes,
                )
        except OSError as error:
            raise _taken_or(error, config.listen) from error
        native.start()
        if not config.listen.startswith("unix:"):
            self.address = with_port(config.listen, native.bound_port)
        self._native = native
        self.reply = native.respond
        return native

    def _serve(self, native: NativeGrpcFront, turn: Turn) -> None:
        receive = native.recv_batch
        limits = self._limits
        names = self._names
        health = self._health
        gone = self.gone
        events: list[Event] | None = []
        while events is not None:
            calls = [
                (call_id, method, payload, name)
                for _, call_id, method, payload, key in events
                if payload is not None and len(payload) <= limits[method] and (name := names[key])
            ]
            if len(calls) != len(events):
                calls = self._sort_out(native, events, calls)
            seconds = turn(calls)
            if seconds < 0.0:
                return
            if seconds > 0.0:
                gone.clear()
                pause = min(int(seconds * _MILLISECONDS) + 1, _FOREVER_MS)
            else:
                pause = 0
            if health.pending:
                health.push(native)
            events = receive(BATCH_LIMIT, 0) if calls or not pause else []
            if pause and events is not None and not events:
                events = wait(receive, pause, spins=bool(calls))
        raise FrontClosedError(f"the listener at {self.address} has ended")

    def _sort_out(
        self, native: NativeGrpcFront, events: list[Event], calls: list[Call]
    ) -> list[Call]:
        """Answer what is not for the turn; return the calls whose callers still wait."""
        ended = {event[1] for event in events if event[3] is None}
        arrived = {event[1] for event in events if event[3] is not None}
        self._note_gone({call for call in ended - arrived if not self._health.forget(call)})
        for _, call_id, method, payload, key in events:
            if payload is None or call_id in ended:
                continue
            if method >= self._health_index:
                self._health.answer(native, call_id, method - self._health_index, payload)
            elif not self._names[key]:
                self.fail(call_id, UNAUTHENTICATED)
            elif len(payload) > self._limits[method]:
                self.fail(call_id, too_large(len(payload), self._limits[method]))
        return [call for call in calls if call[0] not in ended]

    def _note_gone(self, call_ids: set[int]) -> None:
        gone = self.gone
        gone |= call_ids
        if len(gone) > GONE_LIMIT:
            gone.difference_update(sorted(gone)[: len(gone) // 2])

    def _drain(self, native: NativeGrpcFront) -> None:
        """Refuse what still comes until the answers are sent, for DRAIN_SECONDS at most."""
        self._health.end(native)
        limit = time.monotonic() + DRAIN_SECONDS
        while self._refuse(native) and self.in_flight() and time.monotonic() < limit:
            pass
        limit = time.monotonic() + LINGER_SECONDS
        while self._refuse(native) and time.monotonic() < limit:
            pass

    def _refuse(self, native: NativeGrpcFront) -> bool:
        events = native.recv_batch(BATCH_LIMIT, _POLL_MS)
        for event in events or ():
            if event[3] is not None:
                self.fail(event[1], DRAINING)
        return events is not None


class _Names(dict[bytes | str | None, str]):
    """Name of the principal by client key: a header's bytes, or the text of a connection.

    The empty name is nobody. Only successes are remembered, so junk cannot fill the table with
    misses; a full one starts again.
    """

    def __init__(self, directory: Directory, *, machine_only: bool) -> None:
        super().__init__()
        self._directory = directory
        local = directory.local if machine_only else None
        self._local = "" if local is None else local.name

    def __missing__(self, key: bytes | str | None) -> str:
        if isinstance(key, bytes):
            principal = self._directory.by_authorization(key)
            name = "" if principal is None else principal.name
        else:
            name = self._local
        if name:
            if len(self) >= REMEMBERED_CALLERS:
                self.clear()
            self[key] = name
        return name


def _check_config(config: FrontConfig) -> None:
    if config.tls_certificate or config.tls_key or config.tls_client_ca:
        raise FrontConfigError(
            "the native front has no TLS: use transport grpcio, or a proxy before its Unix socket"
        )
    if config.reflection:
        raise FrontConfigError("the native front has no reflection: use transport grpcio")


def _taken_or(error: OSError, listen: str) -> Exception:
    if error.errno == errno.EADDRINUSE or "in use" in str(error):
        return AddressTakenError(f"another program serves {listen}: stop it, or listen elsewhere")
    return error


def wait(receive: Receive, pause_ms: int, *, spins: bool) -> list[Event] | None:
    """Return the next events; after calls, look again and again before sleeping.

    A thread that sleeps is woken late, and finds its caches cold: at half load the 99th percentile
    is 3 ms instead of 6, one call in flight takes 80 us less (bench: half load and idle rungs).
    """
    if spins:
        end_ns = time.perf_counter_ns() + SPIN_NS
        while time.perf_counter_ns() < end_ns:
            events = receive(BATCH_LIMIT, 0)
            if events is None or events:
                return events
    return receive(BATCH_LIMIT, pause_ms)


def _not_running(_call_id: int, _response: bytes) -> NoReturn:
    raise FrontClosedError("the front is not running: answer inside a turn")
