"""The narrow interface between gRPC and the gate: calls in, a reply or an error for each out.

One front per process. `run` blocks in the calling thread, which is the only one that may call any
other method of the front: two fronts cannot feed one gate thread without one of them waiting for
the other.

A call that reaches a turn has a principal, a known method and a request within its bound. All
others are answered here: unauthenticated, too large, unknown, health.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal

from tidegate_server.wire.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from tidegate_server.transport.identity import Directory

#: Call id, index of the method, request bytes, name of the principal.
Call = tuple[int, int, bytes, str]

#: Decides, commits and answers; returns the seconds until it wants the next turn, whatever comes
#: (0.0: at once, work is left; negative: stop). It is called as soon as a call waits, at least
#: every `FOREVER_SECONDS`, and first with no calls when the front is bound.
Turn = Callable[[list[Call]], float]

#: What a turn returns to end `Front.run`.
STOP: Final = -1.0
#: The longest that a front sleeps: a signal that arrives in between waits this long at most.
FOREVER_SECONDS: Final = 0.25

#: How long a draining front waits for answers that are on their way.
DRAIN_SECONDS: Final = 1.0
#: How long it stays after the last one, so that the system's buffers are taken.
LINGER_SECONDS: Final = 0.1

#: `gone` forgets the older half past this many ids: it spares work and is never needed.
GONE_LIMIT: Final = 65_536

UNAUTHENTICATED: Final = CallError(
    16,
    "UNAUTHENTICATED",
    "no known principal: send `authorization: Bearer <token>` or a client certificate with"
    " exactly one URI name",
)
DRAINING: Final = CallError(14, "DRAINING", "the gate is draining; repeat with the same id")


class Sent(Enum):
    """What became of a message of a stream."""

    #: It is on its way.
    TAKEN = 1
    #: The reader is behind, and the message was not taken: send it again later.
    FULL = 2
    #: The stream is over; there is nobody to send to.
    GONE = 3


class FrontError(Exception):
    """The root of everything that a front raises on purpose.

    FrontError
    ├── FrontConfigError    the configuration cannot be served; the text says what to change
    ├── AddressTakenError   another process serves the address
    └── FrontClosedError    the listener ended without being asked
    """


class FrontConfigError(FrontError, ValueError):
    """The configuration cannot be served."""


class AddressTakenError(FrontError):
    """Another process serves the address."""


class FrontClosedError(FrontError):
    """The listener ended without being asked."""


@dataclass(frozen=True)
class FrontConfig:
    """Where and how to listen. Everything is checked by `open_front`."""

    #: "unix:/run/tidegate/gate.sock", "127.0.0.1:7443" or "[::1]:7443"; port 0 picks a free one.
    listen: str
    transport: Literal["native", "grpcio"] = "native"
    #: PEM files. Certificate and key together; the client CA demands a certificate of each caller.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    #: Without it, plaintext is served on loopback and Unix sockets only.
    allow_plaintext_from_other_machines: bool = False
    #: Per connection.
    max_concurrent_streams: int = 100
    #: Per call, as HTTP/2 counts a header list.
    max_metadata_bytes: int = 8192
    #: Ping a connection that has been silent for this long.
    keepalive_seconds: float = 60.0
    #: grpcio only: close older and idle connections, so that callers spread after a restart.
    max_connection_age_seconds: float = 3600.0
    max_connection_idle_seconds: float = 900.0
    #: grpcio only: describe the services to whoever asks.
    reflection: bool = False


class Front(ABC):
    """Serves calls to one turn, in the thread that calls `run`."""

    #: "native" or "grpcio".
    name: str
    #: What clients dial, for example "unix:/run/tidegate/gate.sock"; the port is known once bound.
    address: str
    #: Calls that were handed to a turn, are not answered yet, and whose caller has gone. The
    #: native front may keep an id that was just answered until the next turn without work left.
    gone: set[int]
    #: Answer a call once: `reply(call_id, response)`. Take it from the front inside a turn; it may
    #: be the transport's own function. Answering a call whose caller has gone does nothing.
    reply: Callable[[int, bytes], object]

    @abstractmethod
    def run(self, turn: Turn) -> None:
        """Bind, serve until the turn says stop, drain (at most about a second) and close.

        Raises AddressTakenError, FrontConfigError or OSError if the address cannot be bound,
        FrontClosedError if the listener ends, and whatever the turn raises: callers whose calls
        are open then get UNAVAILABLE. Runs once.
        """

    @abstractmethod
    def fail(self, call_id: int, error: CallError) -> None:
        """Answer a call with an error: canonical code, message and `google.rpc.Status`."""

    @abstractmethod
    def send(self, call_id: int, message: bytes) -> Sent:
        """Send one message of a stream, unless its reader is behind; never wait."""

    @abstractmethod
    def finish(self, call_id: int) -> None:
        """End a stream well, after what was sent; `fail` ends it otherwise."""

    @abstractmethod
    def set_serving(self, service: str, *, serving: bool) -> None:
        """Tell grpc.health.v1 whether a service serves; before `run`, too."""

    @abstractmethod
    def in_flight(self) -> int:
        """Count the calls that are accepted and not yet answered, health watches left out.

        A stream counts until it is ended: whoever stops a front ends its streams first.
        """


def open_front(
    config: FrontConfig,
    paths: Sequence[str],
    directory: Directory,
    limits: Sequence[int],
    streams: Collection[int] = (),
) -> Front:
    """Check the configuration and make its front, without binding anything yet.

    `paths` and `limits` (request bytes) are in the order of the method indices; `streams` are the
    indices of the methods that answer with a stream.
    Raises FrontConfigError with what to change.
    """
    if len(paths) != len(limits) or not paths:
        raise FrontConfigError("every method needs a path and a limit of its request bytes")
    if config.transport == "native":
        from tidegate_server.transport.native import NativeFront  # noqa: PLC0415 - one is loaded

        return NativeFront(config, paths, directory, limits, streams)
    if config.transport == "grpcio":
        from tidegate_server.transport.grpcio import GrpcioFront  # noqa: PLC0415 - one is loaded

        return GrpcioFront(config, paths, directory, limits, streams)
    raise FrontConfigError(f"transport {config.transport!r} is unknown: use native or grpcio")


def health_services(paths: Sequence[str]) -> tuple[str, ...]:
    """Name the services whose health is known from the start: "" for all, then each one."""
    return ("", *dict.fromkeys(path.split("/")[1] for path in paths))


def too_large(size: int, limit: int) -> CallError:
    """Word the refusal of a request over its method's bound, both in bytes."""
    figures = {"bytes": str(size), "limit": str(limit)}
    message = f"the request has {size} bytes, its method takes {limit}"
    return CallError(3, "REQUEST_TOO_LARGE", message, figures)
