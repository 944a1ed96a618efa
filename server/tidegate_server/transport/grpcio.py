"""The grpcio front: grpc.aio on uvloop, with TLS, mTLS and reflection; about a tenth as fast.

A handler appends its call to a list and waits for a future. One callback a loop turn hands the
list to the turn, which answers by setting futures. So the turn is synchronous, owns the commit,
and never notices that a handler was cancelled halfway: a cancel only lands in `gone`.

What grpcio leaves to its user, and where it is done here:

- It sends the text of exceptions to callers: nothing in a handler may raise but an abort.
- It binds with SO_REUSEPORT, accepts compressed messages and replaces sockets: `_options`,
  `claim_socket`.
- `maximum_concurrent_rpcs` counts all callers together: not used, the gate admits by itself.
- One event loop a process, and no fork after it has started.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn

import grpc
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tidegate_server.transport.address import (
    UNIX,
    bind_error,
    check_listen,
    claim_socket,
    narrow_umask,
    with_port,
)
from tidegate_server.transport.desk import Desk
from tidegate_server.transport.errors import MESSAGE_LENGTH, trailers
from tidegate_server.transport.front import (
    DRAIN_SECONDS,
    DRAINING,
    FOREVER_SECONDS,
    LINGER_SECONDS,
    UNAUTHENTICATED,
    Front,
    FrontConfig,
    Sent,
    Turn,
    health_services,
    too_large,
)
from tidegate_server.transport.reflection import add_reflection
from tidegate_server.transport.tls import check_tls, server_credentials, spiffe_id_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from tidegate_server.transport.desk import Answer
    from tidegate_server.transport.identity import Directory
    from tidegate_server.wire.errors import CallError

    Handler = grpc.RpcMethodHandler[bytes, bytes]
    Context = grpc.aio.ServicerContext[bytes, bytes]

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_MILLISECONDS: Final = 1000
_IDENTITY_ONLY: Final = 1


class GrpcioFront(Front):
    """Calls over plaintext or TLS, on any platform."""

    name = "grpcio"

    def __init__(
        self,
        config: FrontConfig,
        paths: Sequence[str],
        directory: Directory,
        limits: Sequence[int],
        streams: Collection[int] = (),
    ) -> None:
        check_tls(config)
        machine_only = check_listen(config)
        self.address = config.listen
        self.gone = set()
        self.reply = self._settle
        self._config = config
        self._limits = tuple(limits)
        self._paths = tuple(paths)
        self._streams = frozenset(streams)
        self._callers = _Callers(config, directory, machine_only=machine_only)
        self._serving = dict.fromkeys(health_services(paths), True)
        self._desk: Desk | None = None

    def run(self, turn: Turn) -> None:
        """Bind, serve until the turn says stop, drain and close; see `Front.run`."""
        with (
            claim_socket(self._config.listen),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(self._serve(turn))

    def fail(self, call_id: int, error: CallError) -> None:
        """Answer a call with an error."""
        if self._desk is None or not self._desk.finish(call_id, error):
            self._settle(call_id, error)

    def send(self, call_id: int, message: bytes) -> Sent:
        """Send one message of a stream, unless its reader is behind."""
        return Sent.GONE if self._desk is None else self._desk.send(call_id, message)

    def finish(self, call_id: int) -> None:
        """End a stream well."""
        if self._desk is not None:
            self._desk.finish(call_id)

    def set_serving(self, service: str, *, serving: bool) -> None:
        """Tell grpc.health.v1 whether a service serves."""
        self._serving[service] = serving
        if self._desk is not None:
            self._desk.health_changed.set()

    def in_flight(self) -> int:
        """Count the calls that are accepted and not yet answered."""
        return 0 if self._desk is None else len(self._desk.open)

    def _settle(self, call_id: int, answer: Answer) -> None:
        if self._desk is not None:
            self._desk.settle(call_id, answer)

    async def _serve(self, turn: Turn) -> None:
        desk = self._desk = Desk(turn, self.gone)
        server = grpc.aio.server(options=_options(self._config, self._limits))
        server.add_generic_rpc_handlers((_Methods(self, desk, self._paths, self._streams),))
        servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        if self._config.reflection:
            add_reflection(server, self._paths)
        self._bind(server)
        await server.start()
        talker = asyncio.create_task(self._tell_health(desk, servicer))
        try:
            desk.wake()
            await desk.ended
            desk.close()
            await asyncio.sleep(LINGER_SECONDS)  # newcomers get a reason before the listener goes
        finally:
            desk.close()
            talker.cancel()
            await servicer.enter_graceful_shutdown()
            await server.stop(DRAIN_SECONDS)
            self._desk = None

    def _bind(self, server: grpc.aio.Server) -> None:
        listen = self._config.listen
        credentials = server_credentials(self._config)
        try:
            with narrow_umask():
                if credentials is None:
                    port = server.add_insecure_port(listen)
                else:
                    port = server.add_secure_port(listen, credentials)
        except RuntimeError as error:
            raise bind_error(listen) from error
        if not listen.startswith(UNIX):
            self.address = with_port(listen, port)

    async def _tell_health(self, desk: Desk, servicer: health.aio.HealthServicer) -> NoReturn:
        while True:
            desk.health_changed.clear()
            for service, serving in tuple(self._serving.items()):
                await servicer.set(service, _state(serving=serving))
            await desk.health_changed.wait()

    async def handle(self, desk: Desk, method: int, request: bytes, context: Context) -> bytes:
        """Answer one call; raise nothing but gRPC's own abort, whose text is ours."""
        name, refusal = self._admit(desk, method, request, context)
        answer: Answer = refusal or await desk.hand_in(method, request, name)
        if isinstance(answer, bytes):
            return answer
        await _abort(context, answer)
        raise AssertionError  # abort raises

    async def stream(self, desk: Desk, method: int, request: bytes, context: Context) -> None:
        """Answer one call with a stream, as fast as its reader takes it."""
        name, refusal = self._admit(desk, method, request, context)
        if refusal is not None:
            await _abort(context, refusal)
        call_id, read = desk.open_stream(method, request, name)
        try:
            while isinstance(message := await read(), bytes):
                await context.write(message)
        finally:
            desk.close_stream(call_id)
        if message is not None:
            await _abort(context, message)

    def _admit(
        self, desk: Desk, method: int, request: bytes, context: Context
    ) -> tuple[str, CallError | None]:
        limit = self._limits[method]
        name = self._callers.name_of(context)
        if not name:
            return "", UNAUTHENTICATED
        if len(request) > limit:
            return "", too_large(len(request), limit)
        return name, DRAINING if desk.closed else None


class _Methods(grpc.GenericRpcHandler):
    """Finds the handler of a path; requests and responses stay bytes."""

    def __init__(
        self, front: GrpcioFront, desk: Desk, paths: Sequence[str], streams: Collection[int]
    ) -> None:
        self._handlers: dict[str, Handler] = {
            path: grpc.unary_stream_rpc_method_handler(_streamer(front, desk, index))
            if index in streams
            else grpc.unary_unary_rpc_method_handler(_handler(front, desk, index))
            for index, path in enumerate(paths)
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """Return the handler of a call, None if there is none."""
        return self._handlers.get(handler_call_details.method)


def _handler(front: GrpcioFront, desk: Desk, index: int) -> Callable[..., Awaitable[bytes]]:
    async def handle(request: bytes, context: Context) -> bytes:
        return await front.handle(desk, index, request, context)

    return handle


def _streamer(front: GrpcioFront, desk: Desk, index: int) -> Callable[..., Awaitable[None]]:
    async def stream(request: bytes, context: Context) -> None:
        await front.stream(desk, index, request, context)

    return stream


async def _abort(context: Context, error: CallError) -> None:
    await context.abort(_CODES[error.code], error.message[:MESSAGE_LENGTH], trailers(error))


class _Callers:
    """Who calls: the certificate where certificates are demanded, else the token, else `local`."""

    def __init__(self, config: FrontConfig, directory: Directory, *, machine_only: bool) -> None:
        self._directory = directory
        self._by_certificate = config.tls_client_ca is not None
        local = directory.local if machine_only else None
        self._local = "" if local is None else local.name

    def name_of(self, context: Context) -> str:
        """Return the name of the caller, the empty one for nobody."""
        if self._by_certificate:
            spiffe_id = spiffe_id_of(context.auth_context())
            principal = None if spiffe_id is None else self._directory.by_spiffe_id(spiffe_id)
            return "" if principal is None else principal.name
        for key, value in context.invocation_metadata() or ():
            if key == "authorization":
                header = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
                principal = self._directory.by_authorization(header)
                return "" if principal is None else principal.name
        return self._local


def _options(config: FrontConfig, limits: tuple[int, ...]) -> list[tuple[str, int]]:
    """Return gRPC's settings; a request up to twice the largest limit gets a typed refusal."""
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_concurrent_streams", config.max_concurrent_streams),
        ("grpc.max_metadata_size", config.max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", config.max_metadata_bytes),
        ("grpc.max_receive_message_length", 2 * max(limits)),
        ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_ONLY),
        ("grpc.keepalive_time_ms", int(config.keepalive_seconds * _MILLISECONDS)),
        ("grpc.max_connection_age_ms", int(config.max_connection_age_seconds * _MILLISECONDS)),
        ("grpc.max_connection_age_grace_ms", int(FOREVER_SECONDS * _MILLISECONDS)),
        ("grpc.max_connection_idle_ms", int(config.max_connection_idle_seconds * _MILLISECONDS)),
    ]


def _state(*, serving: bool) -> health_pb2.HealthCheckResponse.ServingStatus:
    states = health_pb2.HealthCheckResponse
    return states.SERVING if serving else states.NOT_SERVING
