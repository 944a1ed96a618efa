"""One call at a time: whether it may be made and is in time, and what it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tidegate.v1 import control_service_pb2
from tidegate_server.wire.decoding import parse
from tidegate_server.wire.errors import INTERNAL, CallError, malformed
from tidegate_server.wire.long_batches import BatchCall, begin
from tidegate_server.wire.machine import Answer
from tidegate_server.wire.methods import BY_NAME, METHODS, MethodSpec
from tidegate_server.wire.order_runs import check_all
from tidegate_server.wire.validation import MalformedError

from .counters import FIRST_CALL, INDEX
from .lanes import CHECK_ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.transport import Call, Directory
    from tidegate_server.wire.machine import Machine

    from .lanes import Arrived

MILLISECOND_NS: Final = 1_000_000
# A batch of more bytes is decided over several turns.
LONG_BATCH_BYTES: Final = 4096

STATUS: Final = BY_NAME["GetStatus"].index
CHECK_ORDERS: Final = BY_NAME["CheckOrders"].index

# What is asked of a method, by index: one look each.
ASKS_RISK: Final = tuple(method.risk for method in METHODS)


class Calls:
    """Answers the calls of known principals with one machine; counts what becomes of them.

    `describe` fills in what a status says of the process.
    """

    def __init__(
        self,
        machine: Machine,
        directory: Directory,
        counts: list[int],
        oldest_ms: int,
        log: FilteringBoundLogger,
        describe: Callable[[control_service_pb2.GetStatusResponse, int], None],
    ) -> None:
        self._machine = machine
        self._counts = counts
        self._oldest_ns = oldest_ms * MILLISECOND_NS
        self._log = log
        self._describe = describe
        self._permits = {
            name: frozenset(method.index for method in METHODS if principal.roles & method.roles)
            for name, principal in directory.principals.items()
        }

    def is_permitted(self, call: Call) -> bool:
        """Tell whether the caller has a role that the method takes."""
        return call[1] in self._permits.get(call[3], ())

    def answer(self, call: Call, now_ns: int, waited_ns: int) -> Answer | BatchCall:
        """Answer one call that may be made, in time; a long batch is only begun."""
        if call[1] == CHECK_ORDERS and len(call[2]) > LONG_BATCH_BYTES:
            return self._begin(call, now_ns, waited_ns)
        return self._answer(call, now_ns, waited_ns)

    def answer_run(self, calls: list[Arrived], now_ns: int, begin_ns: int) -> list[Answer]:
        """Answer CheckOrders that wait in a row, the oldest first, each as `answer` would."""
        if not self._all_fit(calls, begin_ns):
            return [self._answer(call, now_ns, begin_ns - arrived_ns) for arrived_ns, call in calls]
        self._counts[FIRST_CALL + CHECK_ORDER] += len(calls)
        asked = [(request, principal) for _, (_, _, request, principal) in calls]
        answers = check_all(self._machine, asked, now_ns)
        for answer in answers:
            if answer.error is not None:
                self.note_error(answer.error, METHODS[CHECK_ORDER])
        return answers

    def _all_fit(self, calls: list[Arrived], begin_ns: int) -> bool:
        """Tell whether all of a run of CheckOrders may be made, and came in time."""
        if begin_ns - calls[0][0] > self._oldest_ns:
            return False
        principals = {principal for _, (_, _, _, principal) in calls}
        return all(CHECK_ORDER in self._permits.get(name, ()) for name in principals)

    def _begin(self, call: Call, now_ns: int, waited_ns: int) -> Answer | BatchCall:
        """Begin a long batch that may be made, in time."""
        _, index, request, principal = call
        refused = self._refused(index, principal, waited_ns)
        if refused is not None:
            return refused
        begun = begin(self._machine, request, principal, now_ns)
        if isinstance(begun, Answer) and begun.error is not None:
            self.note_error(begun.error, METHODS[index])
        return begun

    def _answer(self, call: Call, now_ns: int, waited_ns: int) -> Answer:
        """Answer one call that may be made, in time."""
        _, index, request, principal = call
        refused = self._refused(index, principal, waited_ns)
        if refused is not None:
            return refused
        method = METHODS[index]
        if method.codec is None:
            return self._read(index, request, principal, now_ns)
        answer = self._machine.call(method, request, principal, now_ns)
        if answer.error is not None:
            self.note_error(answer.error, method)
        return answer

    def _refused(self, index: int, principal: str, waited_ns: int) -> Answer | None:
        """Count a call; answer it where it may not be made, or comes too late."""
        self._counts[FIRST_CALL + index] += 1
        if index not in self._permits.get(principal, ()):
            return self._denied(index, principal)
        if ASKS_RISK[index] and waited_ns > self._oldest_ns:
            return self.overloaded(waited_ns // MILLISECOND_NS, self._oldest_ns // MILLISECOND_NS)
        return None

    def overloaded(self, waiting: int, limit: int) -> Answer:
        """Refuse a call because too much waits, or it has waited for too long."""
        self._counts[INDEX["calls_overloaded"]] += 1
        figures = {"waiting": str(waiting), "limit": str(limit)}
        error = CallError(8, "OVERLOADED", "too much is waiting: back off, then repeat", figures)
        return Answer(None, error)

    def note_error(self, error: CallError, method: MethodSpec) -> None:
        """Count the error that a call gets; log what was behind it if that is the gate's."""
        if error.code == INTERNAL:
            error.metadata = self._fault(method.name, self._machine.last_fault).metadata
        else:
            self._counts[INDEX["calls_malformed"]] += 1

    def _read(self, index: int, request: bytes, principal: str, now_ns: int) -> Answer:
        """Answer a read; a fault in it is this call's alone, since a read changes nothing."""
        try:
            if index == STATUS:
                return self._status(request, now_ns)
            answer = self._machine.call(METHODS[index], request, principal, now_ns)
        except MalformedError as error:
            return Answer(None, malformed(error))
        except Exception as fault:  # noqa: BLE001 - the caller gets INTERNAL and no text
            return Answer(None, self._fault(METHODS[index].name, fault))
        return answer

    def _status(self, request: bytes, now_ns: int) -> Answer:
        parse(control_service_pb2.GetStatusRequest, request)
        status = self._machine.status()
        self._describe(status, now_ns)
        return Answer(status.SerializeToString())

    def _denied(self, index: int, principal: str) -> Answer:
        self._counts[INDEX["calls_denied"]] += 1
        method = METHODS[index]
        return Answer(
            None,
            CallError(
                7,
                "PERMISSION_DENIED",
                f"{principal} may not call {method.name}: it takes one of "
                f"{', '.join(sorted(method.roles))}",
                {
                    "principal": principal,
                    "method": method.path,
                    "roles": ",".join(sorted(method.roles)),
                },
            ),
        )

    def _fault(self, method: str, fault: Exception | None) -> CallError:
        """Log a fault under an id, and return the error that names nothing but the id."""
        self._counts[INDEX["faults"]] += 1
        correlation_id = uuid4().hex
        self._log.error(
            "fault", method=method, correlation_id=correlation_id, exc_info=fault or False
        )
        return CallError(
            INTERNAL,
            "INTERNAL",
            f"a fault in the gate; its log knows it as {correlation_id}",
            {"correlation_id": correlation_id},
        )
