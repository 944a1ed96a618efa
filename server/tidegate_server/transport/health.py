"""grpc.health.v1 for the native front, which serves no generated code.

A watch gets its state at once and each change after it. A reader that is slow gets the latest
state when it reads again: what lies between is of no interest to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from pygrpc_native import STREAM_CLOSED, STREAM_FULL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pygrpc_native import NativeGrpcFront

#: Path and whether it streams.
HEALTH_METHODS: Final = (
    ("/grpc.health.v1.Health/Check", False),
    ("/grpc.health.v1.Health/Watch", True),
)
#: Open watches of all callers together.
WATCH_LIMIT: Final = 256

_INVALID_ARGUMENT: Final = 3
_NOT_FOUND: Final = 5
_RESOURCE_EXHAUSTED: Final = 8
_UNAVAILABLE: Final = 14
_REQUEST_LIMIT: Final = 256

_SERVING: Final = HealthCheckResponse(status=HealthCheckResponse.SERVING).SerializeToString()
_NOT_SERVING: Final = HealthCheckResponse(
    status=HealthCheckResponse.NOT_SERVING
).SerializeToString()
_UNKNOWN: Final = HealthCheckResponse(
    status=HealthCheckResponse.SERVICE_UNKNOWN
).SerializeToString()


class Health:
    """States of the services, and who watches them."""

    def __init__(self, services: Iterable[str]) -> None:
        self._states = dict.fromkeys(services, _SERVING)
        self._watches: dict[int, str] = {}
        #: Watches that did not take the latest state yet.
        self.pending: set[int] = set()

    def set_serving(self, service: str, *, serving: bool) -> None:
        """Note a state; `push` tells those who watch it."""
        state = _SERVING if serving else _NOT_SERVING
        if self._states.get(service) != state:
            self._states[service] = state
            self.pending.update(call for call, name in self._watches.items() if name == service)

    @property
    def watching(self) -> int:
        """Count the open watches."""
        return len(self._watches)

    def answer(self, native: NativeGrpcFront, call_id: int, method: int, request: bytes) -> None:
        """Answer a call of HEALTH_METHODS[method]."""
        service = _service_of(request)
        if service is None:
            native.fail(call_id, _INVALID_ARGUMENT, "not a HealthCheckRequest")
        elif method == 0:
            self._check(native, call_id, service)
        elif len(self._watches) >= WATCH_LIMIT:
            native.fail(call_id, _RESOURCE_EXHAUSTED, f"{WATCH_LIMIT} watches are open")
        else:
            self._watches[call_id] = service
            self.pending.add(call_id)
            self.push(native)

    def forget(self, call_id: int) -> bool:
        """Drop a watch whose caller has gone; False if the call is none."""
        self.pending.discard(call_id)
        return self._watches.pop(call_id, None) is not None

    def push(self, native: NativeGrpcFront) -> None:
        """Send the latest state to all that wait for it and can take it."""
        for call_id in tuple(self.pending):
            state = self._states.get(self._watches[call_id], _UNKNOWN)
            result = native.stream_try_send(call_id, state)
            if result == STREAM_CLOSED:
                self.forget(call_id)
            elif result != STREAM_FULL:
                self.pending.discard(call_id)

    def end(self, native: NativeGrpcFront) -> None:
        """End all watches."""
        for call_id in self._watches:
            native.fail(call_id, _UNAVAILABLE, "draining")
        self._watches.clear()
        self.pending.clear()

    def _check(self, native: NativeGrpcFront, call_id: int, service: str) -> None:
        state = self._states.get(service)
        if state is None:
            native.fail(call_id, _NOT_FOUND, "unknown service")
        else:
            native.respond(call_id, state)


def _service_of(request: bytes) -> str | None:
    if len(request) > _REQUEST_LIMIT:
        return None
    try:
        service: str = HealthCheckRequest.FromString(request).service
    except DecodeError:
        return None
    return service
