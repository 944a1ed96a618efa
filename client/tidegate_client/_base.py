"""What both clients are made of, apart from waiting."""

from __future__ import annotations

import inspect
from functools import update_wrapper
from time import monotonic
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import grpc
from google.protobuf.message import DecodeError

from tidegate_client._channel import call_metadata, channel_options
from tidegate_client._checks import not_understood
from tidegate_client._errors import ConnectionFailedError
from tidegate_client._retry import Attempts, Patience
from tidegate_client._unsent import Ledger, OrderKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tidegate_client._methods import Call

T = TypeVar("T")
Function = TypeVar("Function", bound="Callable[..., Any]")


class Settings(TypedDict, total=False):
    """What both clients can be told. Times in seconds."""

    timeout: float  # of a whole call; 2
    attempt_timeout: float  # of one attempt to learn a decision; 0.5
    token: str | None  # sent as a bearer token, over TLS or within this machine only
    credentials: grpc.ChannelCredentials | None  # none is plain text
    options: Iterable[tuple[str, str | int]]  # gRPC channel options, laid over ours
    max_unsent: int  # reports owed before checks are refused; 10 000


class ClientBase:
    """Settings, ledger and deadlines of one client."""

    def __init__(self, target: str, settings: Settings) -> None:
        unknown = settings.keys() - Settings.__annotations__.keys()
        if unknown:
            raise TypeError(f"unknown settings: {', '.join(sorted(unknown))}")
        self._target = target
        self._patience = Patience(
            settings.get("timeout", 2.0), settings.get("attempt_timeout", 0.5)
        )
        self._credentials = settings.get("credentials")
        secure = self._credentials is not None
        self._metadata = call_metadata(target, settings.get("token"), secure=secure)
        self._options = channel_options(settings.get("options", ()))
        self._ledger = Ledger(settings.get("max_unsent", 10_000), self._wake)
        self._is_closed = False

    @property
    def undelivered_unsent(self) -> tuple[OrderKey, ...]:
        """The orders given up whose unsent report the gate does not have yet, oldest first."""
        return self._ledger.owed

    def __repr__(self) -> str:
        """Name the address, never the token."""
        return f"{type(self).__name__}({self._target!r})"

    def _wake(self) -> None:
        """Begin to report what the ledger owes."""
        raise NotImplementedError

    def _end(self, timeout: float | None) -> float:
        """Begin a call: refuse a closed client, and say when the call ends."""
        if self._is_closed:
            raise RuntimeError(f"{self!r} is closed")
        patience = self._patience
        if timeout is not None:
            patience = Patience(timeout, patience.attempt_timeout_s)
        return monotonic() + patience.timeout_s

    def _attempts(self, call: Call[Any], end: float) -> Attempts:
        return Attempts(end, self._patience.attempt_timeout_s if call.repeated else None)


def understood(call: Call[T], raw: bytes) -> T:
    """Read an answer. Raise AnswerError for bytes that are none."""
    try:
        return call.decode(raw)
    except DecodeError as error:
        raise not_understood(f"{call.path} answered what is no message of the contract") from error


def closed_under_way() -> ConnectionFailedError:
    """Say that the client was closed while the call was under way."""
    code = grpc.StatusCode.CANCELLED
    return ConnectionFailedError(code, details="the client was closed while the call was under way")


def dress(method: Function, described: Callable[..., Any]) -> Function:
    """Give a bound method the name, docstring and signature of what describes it."""
    signature = inspect.signature(described)
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    update_wrapper(method, described)
    del method.__wrapped__  # type: ignore[attr-defined]
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[itself, *signature.parameters.values()], return_annotation=signature.empty
    )
    return method
