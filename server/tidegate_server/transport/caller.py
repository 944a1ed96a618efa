"""Calls to a gate, made by a loop that must not wait: begin one, look later whether it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc

from tidegate_server.transport.address import UNIX

if TYPE_CHECKING:
    from grpc import _CallFuture

#: A gate that comes back is found within a few seconds.
_OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.enable_retries", 0),
)
# A path is no authority: HTTP/2 servers that check it refuse the connection.
_AUTHORITY: Final = ("grpc.default_authority", "localhost")


class Pending:
    """A call under way, or ended."""

    __slots__ = ("_future",)

    def __init__(self, future: _CallFuture[bytes]) -> None:
        self._future = future

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return bool(self._future.done())

    @property
    def error(self) -> str:
        """Why it failed, as "CODE: text"; empty if it was answered. Only once it has ended."""
        code = self._future.code()
        if code is grpc.StatusCode.OK:
            return ""
        return f"{code.name}: {self._future.details()}"

    @property
    def response(self) -> bytes:
        """The answer, of a call without an error."""
        return self._future.result()


class Caller:
    """One channel to one address; it connects with the first call, and again when it must."""

    def __init__(
        self,
        address: str,
        *,
        token: str = "",
        authority: bytes | None = None,
        key: bytes | None = None,
        certificate: bytes | None = None,
    ) -> None:
        """Speak TLS if `authority` is given, as the client that key and certificate (PEM) name."""
        options: list[tuple[str, int | str]] = list(_OPTIONS)
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        if authority is None:
            if address.startswith(UNIX):
                options.append(_AUTHORITY)
            self._channel = grpc.insecure_channel(address, options)
        else:
            credentials = grpc.ssl_channel_credentials(authority, key, certificate)
            self._channel = grpc.secure_channel(address, credentials, options)
        self._methods: dict[str, grpc.UnaryUnaryMultiCallable[bytes, bytes]] = {}

    def call_later(self, path: str, request: bytes, *, seconds: float) -> Pending:
        """Begin a call with a deadline, and return at once."""
        method = self._methods.get(path)
        if method is None:
            method = self._methods[path] = self._channel.unary_unary(path)
        return Pending(method.future(request, timeout=seconds, metadata=self._metadata))

    def close(self) -> None:
        """Give up what is under way, and disconnect."""
        self._channel.close()
