"""Orders whose outcome stayed unknown: given up, reported unsent, never allowed again.

The caller of a check that ended without an answer does not send the order, but the gate may have
reserved it. So the client reports it unsent, until that is delivered. From the moment of giving up
the id is spent: an allow that arrives later, on whatever way, is not passed on, for the report may
release its reservation at any time. The other way round, an order that this client has answered as
allowed is never reported unsent: its caller may have sent it.

The ledger decides this under one lock, so that it holds for threads that check the same id.
It neither sends nor sleeps. Nothing is ever dropped: once the ledger is full, new checks are
refused before they are sent.
"""

from __future__ import annotations

import hashlib
import logging
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import grpc

from tidegate.v1 import risk_service_pb2
from tidegate_client._errors import OverloadedError, TidegateError, WithdrawnError
from tidegate_client._retry import jittered
from tidegate_client._types import MAXIMUM_ID_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LARGEST_REPORT = 1_000
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
HURRIED_PAUSE_S = 0.1  # between attempts while the client closes
REPORT_TIMEOUT_S = 1.0
REMEMBERED_IDS = 65_536
_log = logging.getLogger("tidegate_client")


class OrderKey(NamedTuple):
    """What identifies an order."""

    account_id: str
    order_id: str


class Ledger:
    """Which orders were answered allowed, which were given up, which reports are still owed."""

    __slots__ = ("_allowed", "_limit", "_lock", "_owed", "_pause", "_reported", "_wake")

    def __init__(self, limit: int, wake: Callable[[], None]) -> None:
        """Owe at most `limit` reports before checks are refused; `wake` announces a new one."""
        if limit < 1:
            raise ValueError(f"max_unsent must be 1 or more, not {limit}")
        self._limit = limit
        self._wake = wake
        self._lock = Lock()
        self._allowed: dict[OrderKey, None] = {}
        self._owed: dict[OrderKey, None] = {}
        self._reported: dict[OrderKey, None] = {}
        self._pause = 0.0

    @property
    def owed(self) -> tuple[OrderKey, ...]:
        """The orders whose report has not been delivered, oldest first."""
        with self._lock:
            return tuple(self._owed)

    def refusal(self, key: OrderKey) -> TidegateError | None:
        """Say why an order must not be asked about at all; None if it may."""
        with self._lock:
            if key in self._owed or key in self._reported:
                return withdrawn(key)
            if len(self._owed) >= self._limit:
                return _full(len(self._owed), self._limit)
        return None

    def admit(self, key: OrderKey) -> TidegateError | None:
        """Note an allow that arrived; say why it must not be passed on, None if it may."""
        with self._lock:
            if key in self._owed or key in self._reported:
                return withdrawn(key)
            self._allowed[key] = None
            _forget_oldest(self._allowed)
        return None

    def give_up(self, keys: Iterable[OrderKey]) -> None:
        """Spend the ids and owe their reports."""
        with self._lock:
            given_up = [key for key in keys if not self._is_settled(key)]
            self._owed.update(dict.fromkeys(given_up))
        if given_up:
            self._wake()

    def _is_settled(self, key: OrderKey) -> bool:
        return key in self._allowed or key in self._reported

    def take(self) -> list[OrderKey]:
        """Choose what to report next; after a failure one at a time, so that none blocks others."""
        with self._lock:
            count = 1 if self._pause else LARGEST_REPORT
            return [key for key, _ in zip(self._owed, range(count), strict=False)]

    def delivered(self, keys: Iterable[OrderKey]) -> None:
        """Note that the gate has the reports."""
        with self._lock:
            self._pause = 0.0
            for key in keys:
                self._owed.pop(key, None)
                self._reported[key] = None
            _forget_oldest(self._reported)

    def failed(self, keys: Iterable[OrderKey], error: TidegateError) -> float:
        """Note that the reports did not arrive; say how long to wait before the next ones."""
        with self._lock:
            if not self._pause:
                _log.warning("cannot report %d orders unsent: %s", len(self._owed), error)
            self._pause = min(self._pause * 2, LONGEST_PAUSE_S) or FIRST_PAUSE_S
            for key in keys:
                self._owed[key] = self._owed.pop(key, None)
            return jittered(self._pause)

    def log_owed(self) -> None:
        """Say what is left when the client closes."""
        for key in self.owed:
            _log.error("order %s of account %s was never reported unsent", key[1], key[0])


def events_of(keys: Iterable[OrderKey]) -> list[risk_service_pb2.OrderEvent]:
    """Write the reports."""
    return [
        risk_service_pb2.OrderEvent(
            event_id=event_id(key.order_id),
            account_id=key.account_id,
            order_id=key.order_id,
            kind=risk_service_pb2.ORDER_EVENT_KIND_UNSENT,
        )
        for key in keys
    ]


def event_id(order_id: str) -> str:
    """Derive the report's own id, so that every repeat of it is the same report."""
    plain = f"unsent-{order_id}"
    if len(plain) <= MAXIMUM_ID_CHARACTERS:
        return plain
    return f"unsent-{hashlib.blake2b(order_id.encode(), digest_size=16).hexdigest()}"


def withdrawn(key: OrderKey) -> WithdrawnError:
    """Say that an id is spent."""
    error = WithdrawnError(
        grpc.StatusCode.FAILED_PRECONDITION,
        metadata=key._asdict(),
        details="reported unsent after an unknown outcome; use a new order id",
    )
    error.nothing_decided = True
    return error


def _full(owed: int, limit: int) -> OverloadedError:
    error = OverloadedError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        metadata={"owed": str(owed), "limit": str(limit)},
        details="too many orders wait to be reported unsent; the order was not sent",
    )
    error.nothing_decided = True
    return error


def _forget_oldest(keys: dict[OrderKey, None]) -> None:
    while len(keys) > REMEMBERED_IDS:
        del keys[next(iter(keys))]
