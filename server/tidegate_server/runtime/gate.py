"""The gate's loop: lanes, admission, one commit after the other.

A turn takes the calls that have arrived, decides as many as one commit holds, makes their records
durable with one write and one flush, and only then answers, reads and repeats included. Whatever is
left waits in its lane for the next turn.

    control (halts)  ▸  facts (reports, marks)  ▸  checks  ▸  reads
    a commit of its     never shed                 shed       shed first
    own, never shed

A long batch is decided over several turns, which do nothing else, so that the front can hand over
what comes meanwhile. When a control call does, what was decided of the batch is taken back, and it
begins again after it: a halt waits for some orders of a batch, not for all.

A fault while applying an outcome, or a failed write, ends the process before anything of the commit
is answered: the journal is the truth, and the next start rebuilds the book from it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from tidegate_server.engine.outcomes import Refusal
from tidegate_server.transport import STOP, beginning_with
from tidegate_server.wire.long_batches import BatchCall
from tidegate_server.wire.methods import METHODS, Lane

from .awake import Awake
from .calls import Calls
from .counters import INDEX, bucket_index
from .lanes import CHECK_ORDER, LANES, take
from .ownership import stay_owner
from .publishing import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from structlog.typing import FilteringBoundLogger

    from tidegate.v1 import control_service_pb2
    from tidegate_server.journal import Page, Writer
    from tidegate_server.transport import Call, Directory, Front
    from tidegate_server.wire.machine import Answer, Machine

    from .clock import Clock
    from .config import Config
    from .lanes import Arrived

NANOSECONDS: Final = 10**9
PUBLISH_NS: Final = 100_000_000
IDLE_NS: Final = 250_000_000
MILLISECOND_NS: Final = 1_000_000
# A commit is one frame, and a frame is bounded.
COMMIT_BYTES: Final = 8 << 20
# Whatever still comes in while the gate drains, it ends after this.
DRAIN_NS: Final = 2 * NANOSECONDS
NEVER_NS: Final = 2**63 - 1
# How many orders of a long batch are decided in one turn; 1 000 take some 40 ms. A call through
# grpcio takes several turns to come in: at 64 a halt behind such a batch waited for 8 to 49 ms, at
# 16 for 7 to 17 (tests/e2e/test_pressure.py, both beside other work).
ORDERS_A_TURN: Final = 16
# CheckOrders decided before the clock is looked at again: so many at most, and no more than take a
# part of a commit's time.
RUN_ORDERS: Final = 64
RUN_ORDER_US: Final = 100
# So often in a row control takes a batch's turn before one is decided to its end.
PATIENCE: Final = 8

CONTROL: Final = Lane.CONTROL
READS: Final = Lane.READS

# Asked of a method by its index: one look.
CHANGES: Final = tuple(method.codec is not None for method in METHODS)

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
        self._folder = config.folder
        self._describe = describe
        self._publisher = Publisher(machine, writer, clock, page, log)
        self._counts = self._publisher.counts
        self._awake = Awake(config.awake_ms, log)
        oldest_ms = config.admission.oldest_ms
        self._calls = Calls(machine, directory, self._counts, oldest_ms, log, self._tell_status)
        self._lanes: tuple[deque[Arrived], ...] = tuple(deque() for _ in Lane)
        self._waiting_limit = config.admission.waiting_calls
        self._commit_orders = config.commit.orders
        self._commit_ns = config.commit.work_us * 1_000
        self._run_orders = max(1, min(RUN_ORDERS, config.commit.work_us // RUN_ORDER_US))
        self._commit_bytes = min(COMMIT_BYTES, config.segment_bytes // 4)
        self._stop_ns = 0
        self._published_ns = 0
        self._deadline_ns = 0
        self._batch: tuple[Call, BatchCall] | None = None
        self._overtaken = 0
        self.stopping = False
        self.draining = False

    @property
    def begun(self) -> bool:
        """Whether the front was bound and had a first turn, which always publishes."""
        return self._published_ns > 0

    def run(self, begin: Callable[[], None]) -> None:
        """Serve until told to stop; `begin` comes before the first turn, once bound."""
        self._front.run(beginning_with(begin, self.turn))

    def turn(self, calls: list[Call]) -> float:
        """Take calls in, make one commit, answer it; return when the next turn is wanted."""
        begin_ns = time.perf_counter_ns()
        lanes = self._lanes
        if calls:
            self._awake.hold(begin_ns)
        for call in calls:
            lanes[LANES[call[1]]].append((begin_ns, call))
        if self.stopping and not self.draining:
            self.draining = True
            self._stop_ns = begin_ns
        if self._batch is not None:
            if not self._is_overtaken():
                self._go_on(*self._batch, begin_ns)
                return 0.0
            self._leave(*self._batch, begin_ns)
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
        clock_ns = time.perf_counter_ns
        for lane in self._lanes:
            while lane and room > 0:
                taken = take(lane, min(room, self._run_orders), gone, self._counts)
                for call_id, answer in self._answers(taken, now_ns, begin_ns):
                    replies.append((call_id, answer))
                    if answer.record is not None:
                        records.append(answer.record)
                        size += len(answer.record)
                room -= len(taken)
                if self._batch is not None or clock_ns() > end_ns or size > self._commit_bytes:
                    room = 0
            if len(records) > due and lane is self._lanes[CONTROL]:
                break  # a status is no reason to keep checks waiting, however many ask for it
        self._close(replies, records, now_ns, begin_ns)

    def _answers(
        self, taken: list[Arrived], now_ns: int, begin_ns: int
    ) -> Iterable[tuple[int, Answer]]:
        """Decide calls; return the answers by the calls' ids, but that of a batch begun."""
        if len(taken) > 1:
            answers = self._calls.answer_run(taken, now_ns, begin_ns)
            return zip([call[0] for _, call in taken], answers, strict=True)
        for arrived_ns, call in taken:
            answer = self._calls.answer(call, now_ns, begin_ns - arrived_ns)
            if not isinstance(answer, BatchCall):
                return ((call[0], answer),)
            self._batch = call, answer  # the turns from the next one on are its own
        return ()

    def _close(
        self, replies: list[tuple[int, Answer]], records: list[bytes], now_ns: int, begin_ns: int
    ) -> None:
        """Make what was decided durable, then answer it."""
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

    def _go_on(self, call: Call, batch: BatchCall, begin_ns: int) -> None:
        """Decide some more orders of the batch under way; answer it after the last."""
        answer = batch.go_on(ORDERS_A_TURN)
        if answer is None:
            return
        self._batch = None
        self._overtaken = 0
        if answer.error is not None:
            self._calls.note_error(answer.error, METHODS[call[1]])
        records = [] if answer.record is None else [answer.record]
        self._close([(call[0], answer)], records, batch.now_ns, begin_ns)

    def _is_overtaken(self) -> bool:
        """Tell whether a change waits that goes before the batch under way."""
        return self._overtaken < PATIENCE and any(
            CHANGES[call[1]] and self._calls.is_permitted(call) for _, call in self._lanes[CONTROL]
        )

    def _leave(self, call: Call, batch: BatchCall, begin_ns: int) -> None:
        """Let the batch under way begin again as if it had just come."""
        batch.leave()
        self._batch = None
        self._overtaken += 1
        self._lanes[Lane.CHECKS].appendleft((begin_ns, call))

    def _tell_status(self, status: control_service_pb2.GetStatusResponse, now_ns: int) -> None:
        """Add what is known of the journal, the clock and the loop."""
        status.durable_sequence = self._writer.durable_sequence
        status.chain_head = self._writer.chain_head
        status.now_time_ns = now_ns
        status.clock_behind_ns = self._clock.behind_ns
        status.state = "stalled" if self._writer.space_is_short else "serving"
        if self.draining:
            status.state = "draining"
        self._describe(status)

    def _shed(self, waiting: int) -> None:
        """Refuse the newest reads, then the newest checks, until the rest fits."""
        for lane in (self._lanes[READS], self._lanes[Lane.CHECKS]):
            while lane and waiting > self._waiting_limit:
                _, call = lane.pop()
                answer = self._calls.overloaded(self._waiting_limit, self._waiting_limit)
                if answer.error is not None:
                    self._front.fail(call[0], answer.error)
                waiting -= 1

    def _rest(self, begin_ns: int, now_ns: int) -> float:
        """Publish now and then; return how long nothing is due."""
        if begin_ns - self._published_ns > PUBLISH_NS:
            self._published_ns = begin_ns
            stay_owner(self._folder, self._writer.epoch)
            self._publisher.publish(sum(len(lane) for lane in self._lanes))
            self._publisher.tell_health(self._front, draining=self.draining)
        lanes = self._lanes
        if self._batch is not None:
            return 0.0
        if self.draining and begin_ns - self._stop_ns > DRAIN_NS:
            return STOP
        if lanes[0] or lanes[1] or lanes[2] or lanes[3]:
            return 0.0
        if self.draining:
            return STOP
        left_ns = min(self._deadline_ns - now_ns, self._awake.rest(begin_ns, IDLE_NS))
        return max(left_ns, MILLISECOND_NS) / NANOSECONDS

    def close(self) -> None:
        """Publish a last time, and let processors sleep again."""
        self._awake.close()
        self._publisher.publish(sum(len(lane) for lane in self._lanes))
