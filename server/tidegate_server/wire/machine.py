"""The deterministic core: bytes in, bytes out, and a record for what changed the book.

The gate's loop, recovery, the follower and the tests all use it. It knows no clock, disk or
network; whoever calls it says what time it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import control_service_pb2, journal_pb2
from tidegate_server.engine.decide import decide, execute
from tidegate_server.engine.evolve import evolve, finish
from tidegate_server.engine.ordering import decide_check
from tidegate_server.engine.outcomes import BatchOutcome, CheckOutcome, Outcome, Refusal
from tidegate_server.engine.own_commands import StartEpoch, Tick
from tidegate_server.engine.reserve import apply_check
from tidegate_server.engine.state import Book
from tidegate_server.engine.state_hash import state_hash
from tidegate_server.engine.ticking import decide_tick, has_effects, next_due_ns, prune

from . import decoding, encoding, views
from .effects import check_effects
from .errors import CallError, malformed, refused
from .methods import CHECK_ORDER, CODECS, START_EPOCH, TICK, MethodSpec
from .reads import READS
from .records import decode_record, encode_record
from .snapshots import Loader, snapshot_records
from .validation import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate_server.engine.commands import CheckOrder, Command

    from .codec import Codec


class OutcomeMismatchError(Exception):
    """Deciding a record again gave another outcome than the one that was written."""


class Answer:
    """What a call gets, and the record to make durable before it gets it."""

    __slots__ = ("error", "record", "response")

    def __init__(
        self,
        response: bytes | None,
        error: CallError | None = None,
        record: bytes | None = None,
    ) -> None:
        self.response = response
        self.error = error
        self.record = record


def decide_and_apply(book: Book, order: CheckOrder, now_ns: int) -> CheckOutcome | Refusal:
    """Do as `execute` with an order, without asking which command it is."""
    outcome = decide_check(book, order, now_ns)
    if isinstance(outcome, CheckOutcome) and not outcome.replayed:
        apply_check(book, order, outcome, book.sequence + 1)
        finish(book, now_ns)
    return outcome


class Machine:
    """One book and the table of methods.

    `allowed` and `rejected` (by headline reason) count the orders decided by `call`; `last_fault`
    is what the last INTERNAL error was about, for a log.
    """

    def __init__(self) -> None:
        self.book = Book()
        self.last_fault: Exception | None = None
        self.allowed = 0
        self.rejected: dict[int, int] = {}

    @property
    def sequence(self) -> int:
        """The last record."""
        return self.book.sequence

    @property
    def next_deadline_ns(self) -> int:
        """When something next falls due; 0 for never."""
        return next_due_ns(self.book)

    def call(self, method: MethodSpec, request: bytes, principal: str, now_ns: int) -> Answer:
        """Answer one call; a change is applied, and its record is the caller's to make durable."""
        codec = method.codec
        try:
            if codec is CHECK_ORDER:
                return self._check(request, principal, now_ns)
            if codec is None:
                return self._read(method, request, principal, now_ns)
            command = codec.read_request(request, principal)
            if codec.vet is not None:
                codec.vet(command)
        except MalformedError as error:
            return Answer(None, malformed(error))
        outcome = execute(self.book, command, now_ns)
        return self.told(codec, command, outcome, request, principal)

    def told(
        self,
        codec: Codec,
        command: Command,
        outcome: Outcome | Refusal,
        request: bytes,
        principal: str,
    ) -> Answer:
        """Answer with an outcome that is applied, and make its record."""
        if isinstance(outcome, Refusal):
            self.last_fault = outcome.fault
            return Answer(None, refused(outcome))
        response = codec.write_response(outcome, command)
        if outcome.replayed:
            return Answer(response)
        if isinstance(outcome, BatchOutcome):
            for answer in outcome.answers:
                self._tally(answer)
        elif isinstance(outcome, CheckOutcome):
            self._tally(outcome)
        effects = codec.effects(outcome, command) if codec.effects is not None else b""
        return Answer(
            response, None, encode_record(codec.number, principal, request, response, effects)
        )

    def _check(self, request: bytes, principal: str, now_ns: int) -> Answer:
        """Answer a CheckOrder: what `call` does, without asking which command it is."""
        command = decoding.decode_check(request, principal)
        outcome = decide_and_apply(self.book, command, now_ns)
        return self.told(CHECK_ORDER, command, outcome, request, principal)

    def rehearse(self, request: bytes, principal: str, now_ns: int) -> None:
        """Decide a CheckOrder once more and forget it: nothing changes.

        Under an id that no order has, or it would be answered as a repeat.
        """
        try:
            command = decoding.decode_check(request, principal)
        except MalformedError:
            return
        command.order_id = ""
        outcome = decide_check(self.book, command, now_ns)
        if not isinstance(outcome, Refusal):
            response = encoding.encode_check(outcome, command)
            effects = check_effects(outcome, command)
            encode_record(CHECK_ORDER.number, principal, request, response, effects)

    def _tally(self, outcome: CheckOutcome) -> None:
        if outcome.replayed:
            return
        if outcome.allowed:
            self.allowed += 1
        else:
            reason = int(outcome.rejections[0].reason)
            self.rejected[reason] = self.rejected.get(reason, 0) + 1

    def start_epoch(self, epoch: int, build: str, now_ns: int) -> bytes:
        """Begin an epoch; return its record."""
        command = StartEpoch(epoch, build)
        outcome = execute(self.book, command, now_ns)
        if isinstance(outcome, Refusal):
            raise TypeError(outcome.message)
        request = journal_pb2.StartEpochRequest(epoch=epoch, build=build).SerializeToString()
        return self._own_record(START_EPOCH, command, outcome, request)

    def tick(self, now_ns: int) -> bytes | None:
        """Let fall due what is due; return its record, or None if nothing was."""
        outcome = decide_tick(self.book, now_ns)
        if not has_effects(outcome):
            prune(self.book, now_ns)
            return None
        command = Tick()
        evolve(self.book, command, outcome, now_ns)
        return self._own_record(TICK, command, outcome, b"")

    def _own_record(
        self, codec: Codec, command: Command, outcome: Outcome, request: bytes
    ) -> bytes:
        return encode_record(codec.number, "", request, codec.write_response(outcome, command), b"")

    def replay(self, record: bytes, time_ns: int, *, verify: bool) -> tuple[Command, Outcome]:
        """Apply a record; `verify` decides it again first and compares with what was written.

        Return what was applied. Raises OutcomeMismatchError, the book being as it was.
        """
        parsed = decode_record(record)
        codec = CODECS.get(parsed.method)
        if codec is None:
            raise OutcomeMismatchError(f"method {parsed.method} is not known to this program")
        command = codec.read_request(parsed.request, parsed.principal)
        if verify:
            return command, self._decide_again(codec, command, record, parsed, time_ns)
        outcome = codec.read_outcome(parsed.response, parsed.effects, command)
        evolve(self.book, command, outcome, time_ns)
        return command, outcome

    def _decide_again(
        self,
        codec: Codec,
        command: Command,
        record: bytes,
        parsed: journal_pb2.Record,
        time_ns: int,
    ) -> Outcome:
        outcome: Outcome | Refusal = decide(self.book, command, time_ns)
        sequence = self.book.sequence + 1
        if isinstance(outcome, Refusal):
            raise OutcomeMismatchError(f"record {sequence} is refused now: {outcome.message}")
        response = codec.write_response(outcome, command)
        effects = codec.effects(outcome, command) if codec.effects is not None else b""
        again = encode_record(codec.number, parsed.principal, parsed.request, response, effects)
        if again != record:
            raise OutcomeMismatchError(
                f"record {sequence} (method {codec.number}) was decided otherwise than it is now"
            )
        evolve(self.book, command, outcome, time_ns)
        return outcome

    def snapshot_records(self, chain_head: str = "") -> Iterator[bytes]:
        """Yield the records of a snapshot."""
        return snapshot_records(self.book, chain_head)

    def load_snapshot(self, records: Iterator[bytes]) -> None:
        """Take the state of a snapshot; raises SnapshotError if it is not whole."""
        book = Book()
        book.order_id_limit = self.book.order_id_limit
        loader = Loader(book)
        for record in records:
            loader.load(record)
        loader.finish()
        self.book = book

    def state_hash(self) -> str:
        """Return the hash of the whole state."""
        return state_hash(self.book)

    def _read(self, method: MethodSpec, request: bytes, principal: str, now_ns: int) -> Answer:
        result = READS[method.name](self.book, request, principal, now_ns)
        if isinstance(result, CallError):
            return Answer(None, result)
        return Answer(result)

    def status(self) -> control_service_pb2.GetStatusResponse:
        """Return what the book knows of the gate's status; the runtime adds the rest."""
        status = control_service_pb2.GetStatusResponse()
        views.fill_status(self.book, status)
        return status
