"""A gate to test against: a real gRPC server in this process, with decisions as the test sets them.

    def test_a_refused_order_is_not_sent() -> None:
        with FakeGate() as fake, Client(fake.target) as client:
            fake.reject("LEVERAGE", measured=21_000, limit=20_000)
            assert not client.check(order)
            assert fake.orders[0].order_id == order.order_id

It allows every order unless told otherwise, remembers what it was asked, repeats its answer to a
repeated id, and never allows an id that was reported unsent. It judges nothing: no limit, balance
or position is computed. Accounts are what the test or an upsert puts in.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

import grpc

from tidegate.v1 import order_pb2
from tidegate.v1 import risk_service_pb2 as risk_pb
from tidegate_client._errors import DETAILS_KEY, ERROR_DOMAIN, ERROR_INFO_URL
from tidegate_client._fake import METHODS, Book, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from google.protobuf.message import Message

    from tidegate.v1 import account_service_pb2 as accounts_pb

__all__ = ["FakeGate", "RecordedCall", "error_details"]

_THREADS = 16
_CONTINUED = 0x80  # the bit that says that a varint goes on
_SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse with status SERVING


class RecordedCall(NamedTuple):
    """One call as it arrived."""

    method: str  # "CheckOrder"
    request: Message
    metadata: Mapping[str, str | bytes]


class FakeGate:
    """A gate on the loopback address, or on the Unix socket `target` ("unix:/path").

    Use it as a context manager; `target` is what to give to a client. Every method may be called
    while clients are at work.
    """

    def __init__(self, target: str = "127.0.0.1:0") -> None:
        self.target = target
        self.calls: list[RecordedCall] = []
        self._book = Book()
        self._failures: deque[tuple[grpc.StatusCode, str]] = deque()
        self._delays: deque[float] = deque()
        self._lock = Lock()
        self._server: grpc.Server | None = None

    @property
    def orders(self) -> list[risk_pb.CheckOrderRequest]:
        """Every order that was asked about, repeats and batches included, as they arrived."""
        orders: list[risk_pb.CheckOrderRequest] = []
        for call in list(self.calls):
            if isinstance(call.request, risk_pb.CheckOrderRequest):
                orders.append(call.request)
            elif isinstance(call.request, risk_pb.CheckOrdersRequest):
                orders.extend(call.request.orders)
        return orders

    @property
    def events(self) -> list[risk_pb.OrderEvent]:
        """Every report that arrived, repeats included."""
        return [
            event
            for call in list(self.calls)
            if isinstance(call.request, risk_pb.RecordOrderEventsRequest)
            for event in call.request.events
        ]

    def allow(self) -> None:
        """Allow every order from now on."""
        with self._lock:
            self._book.plans.clear()

    def reject(
        self,
        reason: str,
        *,
        measured: int | None = None,
        limit: int | None = None,
        account_id: str | None = None,
        times: int | None = None,
    ) -> None:
        """Reject orders for a reason such as "LEVERAGE", with its figures.

        Of one account if named; `times` orders, else until `allow`. Plans are tried
        in the order in which they were made. Raise ValueError for a reason that the contract lacks.
        """
        number = order_pb2.RejectReason.Value(f"REJECT_REASON_{reason}")
        rejection = order_pb2.Rejection(reason=number, measured=measured, limit=limit)
        answer = risk_pb.CheckOrderResponse(
            verdict=order_pb2.VERDICT_REJECT, rejections=[rejection]
        )
        self.answer(answer, account_id=account_id, times=times)

    def answer(
        self,
        answer: risk_pb.CheckOrderResponse,
        *,
        account_id: str | None = None,
        instrument_id: str | None = None,
        times: int | None = None,
    ) -> None:
        """Answer orders with exactly this; a missing sequence and time are filled in."""
        with self._lock:
            self._book.plans.append(Plan(answer, times, account_id, instrument_id))

    def fail_next(self, code: grpc.StatusCode, *, times: int = 1, reason: str = "") -> None:
        """Fail the next calls with a status, and an `ErrorReason` such as "DRAINING" if given."""
        with self._lock:
            self._failures.extend([(code, reason)] * times)

    def delay(self, seconds: float, *, times: int = 1) -> None:
        """Decide the next calls as usual, but answer that much later."""
        with self._lock:
            self._delays.extend([seconds] * times)

    def put_account(self, account: accounts_pb.AccountView) -> None:
        """Hold an account, in place of any with the same id."""
        with self._lock:
            self._book.accounts[account.account.account_id] = account

    def start(self) -> None:
        """Begin to listen, on the address of before if there was one."""
        options = [("grpc.so_reuseport", 0)]
        server = grpc.server(ThreadPoolExecutor(_THREADS), options=options)
        server.add_generic_rpc_handlers((_Router(self._serve),))
        port = server.add_insecure_port(self.target)
        server.start()
        if self.target.endswith(":0"):
            self.target = f"{self.target.removesuffix(':0')}:{port}"
        self._server = server

    def stop(self) -> None:
        """Drop every connection and stop listening; what is held stays."""
        if self._server is not None:
            self._server.stop(None).wait()
            self._server = None

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Be unreachable for a while."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        caught: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _serve(self, name: str, request: Message, context: grpc.ServicerContext) -> Message:
        metadata = {datum.key: datum.value for datum in context.invocation_metadata()}  # type: ignore[attr-defined]
        with self._lock:
            self.calls.append(RecordedCall(name, request, metadata))
            failure = self._failures.popleft() if self._failures else None
            delay = self._delays.popleft() if self._delays else 0.0
            answer = None if failure else METHODS[name].answer(self._book, request)
        if delay:
            time.sleep(delay)
        if failure:
            _abort(context, *failure)
        if answer is None:
            account_id = getattr(request, "account_id", "")
            missing = {"kind": "account", "id": account_id}
            _abort(context, grpc.StatusCode.NOT_FOUND, "NOT_FOUND", missing)
        return answer


def error_details(
    code: grpc.StatusCode, reason: str, metadata: Mapping[str, str] | None = None
) -> tuple[str, bytes]:
    """Write the trailing metadata that carries a `google.rpc.ErrorInfo`.

    For handwritten servers: `context.set_trailing_metadata((error_details(...),))`.
    """
    info = _field(1, f"ERROR_REASON_{reason}".encode()) + _field(2, ERROR_DOMAIN.encode())
    for name, value in (metadata or {}).items():
        info += _field(3, _field(1, name.encode()) + _field(2, value.encode()))
    detail = _field(1, ERROR_INFO_URL.encode()) + _field(2, info)
    number, _ = code.value
    return DETAILS_KEY, bytes([1 << 3, number]) + _field(3, detail)


class _Router(grpc.GenericRpcHandler):
    """Finds the method of a call; others are UNIMPLEMENTED."""

    def __init__(self, serve: Callable[[str, Message, grpc.ServicerContext], Message]) -> None:
        self._serve = serve

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Answer gRPC's question what handles a path."""
        _, service, name = details.method.split("/")
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(lambda _request, _context: _SERVING)
        method = METHODS.get(name)
        if method is None or service != f"tidegate.v1.{method.service}":
            return None

        def serve(request: Message, context: grpc.ServicerContext) -> Message:
            return self._serve(name, request, context)

        return grpc.unary_unary_rpc_method_handler(
            serve,
            request_deserializer=method.request.FromString,
            response_serializer=_serialized,
        )


def _abort(
    context: grpc.ServicerContext,
    code: grpc.StatusCode,
    reason: str,
    metadata: Mapping[str, str] | None = None,
) -> NoReturn:
    if reason:
        context.set_trailing_metadata((error_details(code, reason, metadata),))
    context.abort(code, "as the test asked" if metadata is None else "no such thing")


def _field(number: int, value: bytes) -> bytes:
    """Write one length-delimited protobuf field."""
    size, length = len(value), b""
    while size >= _CONTINUED:
        length += bytes([size % _CONTINUED + _CONTINUED])
        size //= _CONTINUED
    return bytes([number << 3 | 2]) + length + bytes([size]) + value


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()
