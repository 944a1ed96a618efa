"""The gate's loop: lanes, admission, one commit after the other.

A turn takes the calls that have arrived, decides as many as one commit holds, makes their records
durable with one write and one flush, and only then answers, reads and repeats included. Whatever is
left waits in its lane for the next turn.

    control (halts)  ▸  facts (reports, marks)  ▸  checks  ▸  reads
    a commit of its     never shed                 shed       shed first
    own, never shed

A fault while applying an outcome, or a failed write, ends the process before anything of the commit
is answered: the journal is the truth, and the next start rebuilds the book from it.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tidegate.v1 import control_service_pb2
from tidegate_server.engine.outcomes import Refusal
from tidegate_server.transport import STOP
from tidegate_server.wire.decoding import parse
from tidegate_server.wire.errors import INTERNAL, CallError, malformed
from tidegate_server.wire.machine import Answer
from tidegate_server.wire.methods import BY_NAME, METHODS, Lane
from tidegate_server.wire.validation import MalformedError

from .counters import FIRST_CALL, INDEX, NAMES, REASON_INDEX, bucket_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from tidegate_server.journal import Page, Writer
    from tidegate_server.transport import Call, Directory, Front
    from tidegate_server.wire.machine import Machine

    from .clock import Clock
    from .config import Config

NANOSECONDS: Final = 10**9
PUBLISH_NS: Final = 100_000_000
IDLE_SECONDS: Final = 0.25
IDLE_NS: Final = int(IDLE_SECONDS * NANOSECONDS)
MILLISECOND_NS: Final = 1_000_000
# A commit is one frame, and a frame is bounded.
COMMIT_BYTES: Final = 8 << 20
# Whatever still comes in while the gate drains, it ends after this.
DRAIN_NS: Final = 2 * NANOSECONDS
NEVER_NS: Final = 2**63 - 1

RISK_SERVICE: Final = "tidegate.v1.RiskService"
CONTROL: Final = Lane.CONTROL
READS: Final = Lane.READS
STATUS: Final = BY_NAME["GetStatus"].index
CHECK_ORDER: Final = BY_NAME["CheckOrder"].index

# What the loop asks of a method, by index: one look each.
LANES: Final = tuple(int(method.lane) for method in METHODS)
ASKS_RISK: Final = tuple(method.risk for method in METHODS)

# Why only verified exits pass; the engine says so of each order that is none (P6).
DRAINING: Final = Refusal("DRAINING", "the gate is draining: repeat with the same id", {})
STALLED: Final = Refusal(
    "JOURNAL_STALLED", "the journal has no room for new risk; exits, reports and halts pass", {}
)


class Gate:
    """Decides the calls of one front with one machine and one journal."""

    def __init__(
        self,
        config: Config,
        machine: Machine,
        writer: Writer,
        clock: Clock,
        front: Front,
        directory: Directory,
        page: Page,
        log: FilteringBoundLogger,
        describe: Callable[[control_service_pb2.GetStatusResponse], None],
    ) -> None:
        self._machine = machine
        self._writer = writer
        self._clock = clock
        self._front = front
        self._page = page
        self._log = log
        self._describe = describe
        self._permits = {
            name: frozenset(method.index for method in METHODS if principal.roles & method.roles)
            for name, principal in directory.principals.items()
        }
        self._lanes: tuple[deque[tuple[int, Call]], ...] = tuple(deque() for _ in Lane)
        self._waiting_limit = config.admission.waiting_calls
        self._oldest_ns = config.admission.oldest_ms * 1_000_000
        self._commit_orders = config.commit.orders
        self._commit_ns = config.commit.work_us * 1_000
        self._commit_bytes = min(COMMIT_BYTES, config.segment_bytes // 4)
        self._stop_ns = 0
        self._counts = [0] * len(NAMES)
        self._published_ns = 0
        self._deadline_ns = 0
        self._serving: bool | None = None
        self.stopping = False
        self.draining = False

    @property
    def begun(self) -> bool:
        """Whether the front was bound and had a first turn, which always publishes."""
        return self._published_ns > 0

    def run(self) -> None:
        """Serve until told to stop."""
        self._front.run(self.turn)

    def turn(self, calls: list[Call]) -> float:
        """Take calls in, make one commit, answer it; return when the next turn is wanted."""
        begin_ns = time.perf_counter_ns()
        lanes = self._lanes
        for call in calls:
            lanes[LANES[call[1]]].append((begin_ns, call))
        if self.stopping and not self.draining:
            self.draining = True
            self._stop_ns = begin_ns
        refusal = STALLED if self._writer.space_is_short else None
        self._machine.book.risk_refusal = DRAINING if self.draining else refusal
        waiting = len(lanes[0]) + len(lanes[1]) + len(lanes[2]) + len(lanes[3])
        if waiting > self._waiting_limit:
            self._shed(waiting)
        now_ns = self._clock.now_ns()
        records: list[bytes] = []
        if self._deadline_ns <= now_ns:
            record = self._machine.tick(now_ns)
            if record is not None:
                records.append(record)
        if waiting or records:
            self._commit(now_ns, begin_ns, records)
        if waiting == 1 and len(calls) == 1 and calls[0][1] == CHECK_ORDER:
            # A flush cools the caches, and idle the next order would pay for it: deciding the last
            # one again while its answer travels saves it 16 of 374 us (bench: idle rung).
            self._machine.rehearse(calls[0][2], calls[0][3], now_ns)
        # Asked once a turn: it costs as much as two checks of an order.
        self._deadline_ns = self._machine.next_deadline_ns or NEVER_NS
        return self._rest(begin_ns, now_ns)

    def _commit(self, now_ns: int, begin_ns: int, records: list[bytes]) -> None:
        """Decide what one commit holds, make it durable, answer it."""
        replies: list[tuple[int, Answer]] = []
        end_ns = begin_ns + self._commit_ns
        room = self._commit_orders
        size = 0
        gone = self._front.gone
        due = len(records)
        answer_to = self._answer
        clock_ns = time.perf_counter_ns
        for lane in self._lanes:
            while lane and room > 0:
                arrived_ns, call = lane.popleft()
                if gone and call[0] in gone:
                    gone.discard(call[0])
                    self._counts[INDEX["calls_abandoned"]] += 1
                    continue
                answer = answer_to(call, now_ns, begin_ns - arrived_ns)
                replies.append((call[0], answer))
                if answer.record is not None:
                    records.append(answer.record)
                    size += len(answer.record)
                room -= 1
                if clock_ns() > end_ns or size > self._commit_bytes:
                    room = 0
            if len(records) > due and lane is self._lanes[CONTROL]:
                break  # a status is no reason to keep checks waiting, however many ask for it
        if records:
            self._writer.commit(records, now_ns)
        reply = self._front.reply
        fail = self._front.fail
        for call_id, answer in replies:
            if answer.response is not None:
                reply(call_id, answer.response)
            elif answer.error is not None:
                fail(call_id, answer.error)
        counts = self._counts
        microseconds = (time.perf_counter_ns() - begin_ns) // 1_000
        counts[bucket_index(microseconds)] += 1
        counts[INDEX["commit_us.sum"]] += microseconds
        counts[INDEX["commits"]] += 1

    def _answer(self, call: Call, now_ns: int, waited_ns: int) -> Answer:
        """Answer one call that may be made, in time, while the gate can take it."""
        _, index, request, principal = call
        self._counts[FIRST_CALL + index] += 1
        if index not in self._permits.get(principal, ()):
            return self._denied(index, principal)
        if ASKS_RISK[index] and waited_ns > self._oldest_ns:
            return self._overloaded(waited_ns // 1_000_000, self._oldest_ns // 1_000_000)
        method = METHODS[index]
        if method.codec is None:
            return self._read(index, request, principal, now_ns)
        answer = self._machine.call(method, request, principal, now_ns)
        if answer.error is not None:
            self._note_error(answer.error, method.name)
        return answer

    def _read(self, index: int, request: bytes, principal: str, now_ns: int) -> Answer:
        """Answer a read; a fault in it is this call's alone, since a read changes nothing."""
        try:
            if index == STATUS:
                return self._status(request, now_ns)
            return self._machine.call(METHODS[index], request, principal, now_ns)
        except MalformedError as error:
            return Answer(None, malformed(error))
        except Exception as fault:  # noqa: BLE001 - the caller gets INTERNAL and no text
            return Answer(None, self._fault(METHODS[index].name, fault))

    def _status(self, request: bytes, now_ns: int) -> Answer:
        parse(control_service_pb2.GetStatusRequest, request)
        status = self._machine.status()
        status.durable_sequence = self._writer.durable_sequence
        status.chain_head = self._writer.chain_head
        status.now_time_ns = now_ns
        status.clock_behind_ns = self._clock.behind_ns
        status.state = self._state()
        self._describe(status)
        return Answer(status.SerializeToString())

    def _state(self) -> str:
        if self.draining:
            return "draining"
        return "stalled" if self._writer.space_is_short else "serving"

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

    def _shed(self, waiting: int) -> None:
        """Refuse the newest reads, then the newest checks, until the rest fits."""
        for lane in (self._lanes[READS], self._lanes[Lane.CHECKS]):
            while lane and waiting > self._waiting_limit:
                _, call = lane.pop()
                answer = self._overloaded(self._waiting_limit, self._waiting_limit)
                if answer.error is not None:
                    self._front.fail(call[0], answer.error)
                waiting -= 1

    def _overloaded(self, waiting: int, limit: int) -> Answer:
        self._counts[INDEX["calls_overloaded"]] += 1
        figures = {"waiting": str(waiting), "limit": str(limit)}
        error = CallError(8, "OVERLOADED", "too much is waiting: back off, then repeat", figures)
        return Answer(None, error)

    def _note_error(self, error: CallError, method: str) -> None:
        if error.code == INTERNAL:
            error.metadata = self._fault(method, self._machine.last_fault).metadata
        else:
            self._counts[INDEX["calls_malformed"]] += 1

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

    def _rest(self, begin_ns: int, now_ns: int) -> float:
        """Publish now and then; return how long nothing is due."""
        if begin_ns - self._published_ns > PUBLISH_NS:
            self._published_ns = begin_ns
            self._publish()
            self._tell_health()
        lanes = self._lanes
        if self.draining and begin_ns - self._stop_ns > DRAIN_NS:
            return STOP
        if lanes[0] or lanes[1] or lanes[2] or lanes[3]:
            return 0.0
        if self.draining:
            return STOP
        left_ns = self._deadline_ns - now_ns
        if left_ns >= IDLE_NS:
            return IDLE_SECONDS
        return max(left_ns, MILLISECOND_NS) / NANOSECONDS

    def _tell_health(self) -> None:
        """Say whether new risk can pass: not while draining, stalled or halted as a firm."""
        book = self._machine.book
        halted = any(stop.kind == 1 for stop in book.stops_at.get((1, ""), ()))
        serving = not (self.draining or self._writer.space_is_short or halted)
        if serving != self._serving:
            self._serving = serving
            self._front.set_serving(RISK_SERVICE, serving=serving)
            self._log.info("health", new_risk_served=serving)

    def _publish(self) -> None:
        """Put the counters on the page that other processes read."""
        counts = self._counts
        book = self._machine.book
        writer = self._writer
        gauges = self._gauges()
        counts[: len(gauges)] = gauges
        counts[INDEX["records"]] = writer.next_sequence - 1
        counts[INDEX["journal_bytes"]] = writer.bytes_written
        counts[INDEX["flushes"]] = writer.flushes
        counts[INDEX["orders_allowed"]] = self._machine.allowed
        for reason, number in self._machine.rejected.items():
            counts[REASON_INDEX[reason]] = number
        self._page.write(counts)
        if self._clock.is_off:
            self._log.warning("clock", behind_ns=self._clock.behind_ns, epoch=book.epoch)

    def _gauges(self) -> list[int]:
        """Return the gauges in the order of their names."""
        book = self._machine.book
        return [
            book.sequence,
            self._writer.durable_sequence,
            book.epoch,
            book.policy.version if book.policy is not None else 0,
            book.open_order_count,
            book.unconfirmed_count,
            book.order_id_count,
            len(book.accounts),
            len(book.stops),
            sum(len(lane) for lane in self._lanes),
            self._clock.behind_ns,
            time.time_ns(),
            os.getpid(),
        ]

    def close(self) -> None:
        """Publish a last time."""
        self._publish()
