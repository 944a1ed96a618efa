"""Calls to a gate: one channel, a deadline on every call, errors as one line.

Imported only by commands that call, so that `serve` starts without any of it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2

from tidegate.v1 import (
    account_service_pb2_grpc,
    control_service_pb2_grpc,
    journal_service_pb2_grpc,
    market_service_pb2_grpc,
    policy_service_pb2_grpc,
    risk_service_pb2_grpc,
    watch_service_pb2_grpc,
)
from tidegate_server.cli.failure import Exit, fail
from tidegate_server.runtime.addresses import is_local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate_server.runtime.config import Config

Q = TypeVar("Q")
R = TypeVar("R")
_CODES = {
    grpc.StatusCode.UNAVAILABLE: Exit.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Exit.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Exit.UNAVAILABLE,
    grpc.StatusCode.UNAUTHENTICATED: Exit.FORBIDDEN,
    grpc.StatusCode.PERMISSION_DENIED: Exit.FORBIDDEN,
    grpc.StatusCode.INVALID_ARGUMENT: Exit.REFUSED,
    grpc.StatusCode.FAILED_PRECONDITION: Exit.REFUSED,
    grpc.StatusCode.NOT_FOUND: Exit.REFUSED,
    grpc.StatusCode.UNIMPLEMENTED: Exit.REFUSED,
}


class Gate:
    """The services of one address. Every call has a deadline and our token, if there is one."""

    def __init__(self, channel: grpc.Channel, config: Config) -> None:
        self.timeout_s = config.client.timeout_ms / 1000
        self._metadata = _credentials(config)
        self.risk = risk_service_pb2_grpc.RiskServiceStub(channel)
        self.accounts = account_service_pb2_grpc.AccountServiceStub(channel)
        self.market = market_service_pb2_grpc.MarketServiceStub(channel)
        self.policy = policy_service_pb2_grpc.PolicyServiceStub(channel)
        self.control = control_service_pb2_grpc.ControlServiceStub(channel)
        self.journal = journal_service_pb2_grpc.JournalServiceStub(channel)
        self.watch = watch_service_pb2_grpc.WatchServiceStub(channel)

    def call(
        self,
        method: grpc.UnaryUnaryMultiCallable[Q, R],
        request: Q,
        *,
        wait: bool = False,
        token: str = "",
    ) -> R:
        """Call once, as whose token is given; `wait` lets the deadline run while nobody listens.

        Raises grpc.RpcError.
        """
        metadata = bearer(token) if token else self._metadata
        return method(request, timeout=self.timeout_s, metadata=metadata, wait_for_ready=wait)

    def finds(self, method: grpc.UnaryUnaryMultiCallable[Q, R], request: Q) -> bool:
        """Tell whether there is what a read asks for. Raises grpc.RpcError where it cannot say."""
        try:
            self.call(method, request)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return False
            raise
        return True

    def stream(self, method: grpc.UnaryStreamMultiCallable[Q, R], request: Q) -> Iterator[R]:
        """Yield what comes until it ends; there is no deadline. Raises grpc.RpcError."""
        messages: Iterator[R] = method(request, metadata=self._metadata)
        yield from messages


@contextmanager
def connected(config: Config, address: str | None = None) -> Iterator[Gate]:
    """Open a channel to the gate, or to `address`; a failed call raises grpc.RpcError."""
    target = address or config.client.address or config.gate_address
    channel = _channel(config, target)
    try:
        yield Gate(channel, config)
    finally:
        channel.close()


@contextmanager
def calling(config: Config, address: str | None = None) -> Iterator[Gate]:
    """Like `connected`, but a failed call ends the command with one line."""
    target = address or config.client.address or config.gate_address
    with connected(config, target) as gate:
        try:
            yield gate
        except grpc.RpcError as error:
            _fail_call(error, target)


def error_info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo | None:
    """Return what the gate said about its refusal; None if no gate said anything."""
    for item in error.trailing_metadata() or ():
        if item.key == "grpc-status-details-bin" and isinstance(item.value, bytes):
            for detail in status_pb2.Status.FromString(item.value).details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info
    return None


def _fail_call(error: grpc.RpcError, target: str) -> NoReturn:
    code, info = error.code(), error_info(error)
    if info is None and code is grpc.StatusCode.UNAVAILABLE:
        fail(f"nobody answers at {target}: is it running? (tidegate serve)", Exit.UNAVAILABLE)
    if info is None and code is grpc.StatusCode.DEADLINE_EXCEEDED:
        fail(f"{target} gave no answer in time: the outcome is unknown", Exit.UNAVAILABLE)
    figures = [f"{name}={value}" for name, value in sorted((info.metadata if info else {}).items())]
    reason = info.reason.removeprefix("ERROR_REASON_") if info else code.name
    text = f"{reason}: {error.details()}" + (f" ({', '.join(figures)})" if figures else "")
    fail(text, _CODES.get(code, Exit.FAULT))


def _channel(config: Config, target: str) -> grpc.Channel:
    client = config.client
    if target.startswith("unix:"):
        # A path is no authority: HTTP/2 servers that check it refuse the connection.
        return grpc.insecure_channel(target, options=[("grpc.default_authority", "localhost")])
    if is_local(target) and not client.ca:
        return grpc.insecure_channel(target)
    authority, key, certificate = (
        Path(name).read_bytes() if name else None
        for name in (client.ca, client.key, client.certificate)
    )
    credentials = grpc.ssl_channel_credentials(authority, key, certificate)
    return grpc.secure_channel(target, credentials)


def _credentials(config: Config) -> tuple[tuple[str, str], ...]:
    token = os.environ.get("TIDEGATE_TOKEN", "")
    if config.client.token_file:
        token = Path(config.client.token_file).read_text(encoding="ascii").strip()
    return bearer(token) if token else ()


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata that carries a token."""
    return (("authorization", f"Bearer {token}"),)
