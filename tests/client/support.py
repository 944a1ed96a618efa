"""Orders, both clients behind one face, and servers that misbehave."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import grpc

from tidegate.v1 import risk_service_pb2
from tidegate_client import AsyncClient, Order, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidegate_client._base import Settings

Answer = risk_service_pb2.CheckOrderResponse
_numbers = itertools.count(1)


def an_order(order_id: str = "", **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "account_id": "A1",
        "order_id": order_id or f"order-{next(_numbers)}",
        "instrument_id": "600519",
        "side": Side.BUY,
        "quantity": 100,
        "price_e4": 1_688_000,
    }
    return Order(**{**fields, **changes})


def eventually(condition: Callable[[], object], within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


class Loop:
    """One event loop in a thread of its own: gRPC wants one a process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any, timeout: float = 20.0) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Awaited:
    """An AsyncClient whose methods can be called without await."""

    def __init__(self, loop: Loop, target: str, *, coalesce: bool, settings: Settings) -> None:
        self._loop = loop
        self._client = loop.run(self._make(target, coalesce=coalesce, settings=settings))

    @staticmethod
    async def _make(target: str, *, coalesce: bool, settings: Settings) -> AsyncClient:
        return AsyncClient(target, coalesce=coalesce, **settings)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if not callable(value):
            return value
        return lambda *args, **kwargs: self._loop.run(value(*args, **kwargs))


@contextmanager
def server(**methods: Callable[[Any, grpc.ServicerContext], Any]) -> Iterator[str]:
    """Serve RiskService methods that are written by hand."""
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            method,
            request_deserializer=getattr(risk_service_pb2, f"{name}Request").FromString,
            response_serializer=_bytes,
        )
        for name, method in methods.items()
    }
    generic = grpc.method_handlers_generic_handler("tidegate.v1.RiskService", handlers)
    running = grpc.server(ThreadPoolExecutor(8), handlers=[generic])
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        running.stop(None).wait()


@contextmanager
def dropping_server() -> Iterator[str]:
    """Accept connections, read what comes, hang up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=_hang_up, args=(listener,), daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _hang_up(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(4096)


def _bytes(message: Any) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
