"""A front in a thread with a turn of the test's own, and a real gRPC client before it."""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from tidegate_server.transport import (
    STOP,
    Call,
    Directory,
    Front,
    FrontConfig,
    Principal,
    open_front,
)
from tidegate_server.wire.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ECHO = "/tidegate.v1.RiskService/CheckOrder"
BIG = "/tidegate.v1.RiskService/CheckOrders"
STREAM = "/tidegate.v1.JournalService/WatchRecords"
PATHS = (ECHO, BIG, STREAM)
LIMITS = (16_384, 1_048_576, 16_384)
STREAMS = (2,)
TRANSPORTS = ("native", "grpcio")
TOKEN = "correct-horse"  # noqa: S105 - of nobody
DIRECTORY = Directory(
    [
        Principal("local", frozenset({"operator"})),
        Principal("desk-1", frozenset({"router"}), (hashlib.sha256(TOKEN.encode()).hexdigest(),)),
        Principal("desk-2", frozenset({"router"}), spiffe_ids=("spiffe://bank/desk-2",)),
    ]
)
NO_LOCAL = Directory([who for who in DIRECTORY.principals.values() if who.name != "local"])


class Gate:
    """The simplest gate: echoes, fails what begins with "fail", keeps what begins with "hold"."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.error = CallError(8, "OVERLOADED", "too much waits", {"waiting": "9", "limit": "8"})
        self.bound = threading.Event()
        self.stopping = False
        self.stopped = threading.Event()
        self.pause = 0.01
        self.seen: list[Call] = []
        self.held: list[int] = []
        self.release = False
        self.gone_seen: set[int] = set()
        self.crashed: BaseException | None = None
        self.after: Callable[[Gate], None] = lambda _: None
        self.streams: list[tuple[int, bytes]] = []

    def turn(self, calls: list[Call]) -> float:
        self.seen += calls
        for call in calls:
            self.answer(call)
        self.gone_seen |= self.front.gone
        self.after(self)
        if self.release:
            for call_id in self.held:
                self.front.reply(call_id, b"late")
            self.held.clear()
        self.bound.set()
        if self.stopping:
            self.stopped.set()
            return STOP
        return self.pause

    def answer(self, call: Call) -> None:
        call_id, index, payload, name = call
        if index in STREAMS:
            self.streams.append((call_id, payload))
        elif payload.startswith(b"fail"):
            self.front.fail(call_id, self.error)
        elif payload.startswith(b"hold"):
            self.held.append(call_id)
        elif payload.startswith(b"crash"):
            raise ZeroDivisionError("a secret of the house")
        elif payload.startswith(b"who"):
            self.front.reply(call_id, name.encode())
        else:
            self.front.reply(call_id, payload)

    def run(self) -> None:
        try:
            self.front.run(self.turn)
        except BaseException as error:  # noqa: BLE001 - the test asks for it
            self.crashed = error
        finally:
            self.bound.set()


@contextmanager
def served(config: FrontConfig, directory: Directory = DIRECTORY) -> Iterator[Gate]:
    gate = Gate(open_front(config, PATHS, directory, LIMITS, STREAMS))
    thread = threading.Thread(target=gate.run)
    thread.start()
    try:
        assert gate.bound.wait(10)
        yield gate
    finally:
        gate.stopping = True
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def dialled(
    address: str, credentials: grpc.ChannelCredentials | None = None, **options: Any
) -> Iterator[grpc.Channel]:
    settings = [("grpc.use_local_subchannel_pool", 1), *options.items()]
    channel = (
        grpc.insecure_channel(address, settings)
        if credentials is None
        else grpc.secure_channel(address, credentials, settings)
    )
    with channel:
        yield channel


def socket_config(folder: Path, transport: str, **changes: Any) -> FrontConfig:
    return FrontConfig(f"unix:{folder}/run/gate.sock", transport=transport, **changes)  # type: ignore[arg-type]


def method(channel: grpc.Channel, path: str) -> grpc.UnaryUnaryMultiCallable[bytes, bytes]:
    return channel.unary_unary(path)


def call(channel: grpc.Channel, request: bytes, path: str = ECHO, **how: Any) -> bytes:
    return method(channel, path)(request, **{"timeout": 10, **how})


def start(channel: grpc.Channel, request: bytes) -> grpc.Future[bytes]:
    return method(channel, ECHO).future(request, timeout=10)


def ending(future: grpc.Future[bytes]) -> grpc.Call:
    """Wait for a call that must end without an answer."""
    error = future.exception()
    assert isinstance(error, grpc.Call)
    return error


def refusal(channel: grpc.Channel, request: bytes, path: str = ECHO, **how: Any) -> grpc.Call:
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, request, path, **how)
    assert isinstance(caught.value, grpc.Call)
    return caught.value


def details_of(error: grpc.Call) -> tuple[Status, ErrorInfo, BadRequest]:
    """Parse the trailing metadata as grpcio-status does."""
    status, info, bad = Status(), ErrorInfo(), BadRequest()
    (raw,) = (v for k, v in error.trailing_metadata() or () if k == "grpc-status-details-bin")
    assert isinstance(raw, bytes)
    status.ParseFromString(raw)
    kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
    assert kinds in (["ErrorInfo"], ["ErrorInfo", "BadRequest"])
    for detail, message in zip(status.details, (info, bad), strict=False):
        assert detail.Unpack(message)
    return status, info, bad


def eventually(holds: Callable[[], object], seconds: float = 5.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "did not become true in time"
        time.sleep(0.005)
