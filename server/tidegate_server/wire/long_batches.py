"""A CheckOrders that is decided a few orders at a time, so that a halt need not wait for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate_server.engine.batch import UnfinishedBatch
from tidegate_server.engine.decide import execute_batch, execute_begin

from .decoding import decode_checks
from .errors import malformed
from .machine import Answer
from .methods import CHECK_ORDERS
from .validation import MalformedError

if TYPE_CHECKING:
    from .machine import Machine


def begin(machine: Machine, request: bytes, principal: str, now_ns: int) -> Answer | BatchCall:
    """Begin to decide a batch, or answer it where nothing is to be decided."""
    try:
        command = decode_checks(request, principal)
    except MalformedError as error:
        return Answer(None, malformed(error))
    batch = execute_begin(machine.book, command, now_ns)
    if isinstance(batch, UnfinishedBatch):
        return BatchCall(machine, batch, request, principal)
    return machine.told(CHECK_ORDERS, command, batch, request, principal)


class BatchCall:
    """A CheckOrders under way; nothing else may use the machine until it is answered or left."""

    __slots__ = ("_batch", "_machine", "_principal", "_request")

    def __init__(
        self, machine: Machine, batch: UnfinishedBatch, request: bytes, principal: str
    ) -> None:
        self._machine = machine
        self._batch = batch
        self._request = request
        self._principal = principal

    @property
    def now_ns(self) -> int:
        """The one time that all its orders are decided at, its record's."""
        return self._batch.now_ns

    def go_on(self, count: int) -> Answer | None:
        """Decide so many more orders; return the answer once all are decided."""
        batch = self._batch
        batch.go_on(count)
        if not batch.is_done:
            return None
        outcome, command = execute_batch(batch), batch.command
        return self._machine.told(CHECK_ORDERS, command, outcome, self._request, self._principal)

    def leave(self) -> None:
        """Take back what was decided: the call is as if it had not come yet."""
        self._batch.take_back()
