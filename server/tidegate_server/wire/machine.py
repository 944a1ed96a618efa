"""The deterministic core: bytes in, bytes out, and a record for what changed the book.

The gate's loop, recovery, the follower and the tests all use it. It knows no clock, disk or
network; whoever calls it says what time it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import (
    account_service_pb2,
    control_service_pb2,
    journal_pb2,
    policy_service_pb2,
)
from tidegate_server.engine.commands import StartEpoch, Tick
from tidegate_server.engine.decide import decide, execute
from tidegate_server.engine.evolve import evolve, finish
from tidegate_server.engine.ordering import decide_check, decide_preview
from tidegate_server.engine.outcomes import BatchOutcome, CheckOutcome, Outcome, Refusal
from tidegate_server.engine.reserve import apply_check
from tidegate_server.engine.state import Book
from tidegate_server.engine.state_hash import state_hash
from tidegate_server.engine.ticking import decide_tick, has_effects, next_due_ns, prune

from . import decoding, encoding, staff_views, views
from .effects import check_effects
from .errors import CallError
from .methods import CHECK_ORDER, CODECS, START_EPOCH, TICK, MethodSpec
from .records import decode_record, encode_record
from .snapshots import Loader, snapshot_records
from .validation import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidegate_server.engine.commands import Command

    from .codec import Codec

INVALID_ARGUMENT = 3
NOT_FOUND = 5
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
INTERNAL = 13
UNAVAILABLE = 14

# The canonical code of each reason that the engine refuses with.
REFUSAL_CODES = {
    "STALE_SEQUENCE": FAILED_PRECONDITION,
    "NOT_PENDING": FAILED_PRECONDITION,
    "STALE_LIST": FAILED_PRECONDITION,
    "PAGE_MISSING": FAILED_PRECONDITION,
    "STALE_POLICY": FAILED_PRECONDITION,
    "IMMUTABLE": FAILED_PRECONDITION,
    "DATE_NOT_FORWARD": FAILED_PRECONDITION,
    "SECOND_PERSON": PERMISSION_DENIED,
    "NOT_FOUND": NOT_FOUND,
    "ORDER_TABLE_FULL": RESOURCE_EXHAUSTED,
    "DRAINING": UNAVAILABLE,
    "JOURNAL_STALLED": UNAVAILABLE,
    "INTERNAL": INTERNAL,
}


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
        self._reads: dict[str, Callable[[bytes, str, int], bytes | CallError]] = {
            "PreviewOrder": self._preview,
            "GetAccount": self._get_account,
            "ListAccounts": self._list_accounts,
            "GetPolicy": self._get_policy,
            "ListPolicies": self._list_policies,
        }

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
        except MalformedError as error:
            return Answer(None, malformed(error))
        outcome = execute(self.book, command, now_ns)
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
        book = self.book
        command = decoding.decode_check(request, principal)
        outcome = decide_check(book, command, now_ns)
        if isinstance(outcome, Refusal):
            return Answer(None, refused(outcome))
        response = encoding.encode_check(outcome, command)
        if outcome.replayed:
            return Answer(response)
        apply_check(book, command, outcome, book.sequence + 1)
        finish(book, now_ns)
        if outcome.allowed:
            self.allowed += 1
        else:
            self._tally(outcome)
        effects = check_effects(outcome, command)
        return Answer(
            response,
            None,
            encode_record(CHECK_ORDER.number, principal, request, response, effects),
        )

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

    def replay(self, record: bytes, time_ns: int, *, verify: bool) -> None:
        """Apply a record; `verify` decides it again first and compares with what was written.

        Raises OutcomeMismatchError, the book being as it was.
        """
        parsed = decode_record(record)
        codec = CODECS.get(parsed.method)
        if codec is None:
            raise OutcomeMismatchError(f"method {parsed.method} is not known to this program")
        command = codec.read_request(parsed.request, parsed.principal)
        if verify:
            self._decide_again(codec, command, record, parsed, time_ns)
            return
        outcome = codec.read_outcome(parsed.response, parsed.effects, command)
        evolve(self.book, command, outcome, time_ns)

    def _decide_again(
        self,
        codec: Codec,
        command: Command,
        record: bytes,
        parsed: journal_pb2.Record,
        time_ns: int,
    ) -> None:
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
        result = self._reads[method.name](request, principal, now_ns)
        if isinstance(result, CallError):
            return Answer(None, result)
        return Answer(result)

    def _preview(self, request: bytes, principal: str, now_ns: int) -> bytes | CallError:
        outcome = decide_preview(self.book, decoding.decode_preview(request, principal), now_ns)
        if isinstance(outcome, Refusal):
            return refused(outcome)
        return encoding.encode_preview(outcome)

    def _get_account(self, request: bytes, _principal: str, now_ns: int) -> bytes | CallError:
        asked = decoding.parse(account_service_pb2.GetAccountRequest, request)
        account = self.book.accounts.get(asked.account_id)
        if account is None:
            return not_found("account", asked.account_id)
        return account_service_pb2.GetAccountResponse(
            account=views.account_view(self.book, account, now_ns),
            as_of_sequence=self.book.sequence,
            read_time_ns=now_ns,
        ).SerializeToString()

    def _list_accounts(self, request: bytes, _principal: str, now_ns: int) -> bytes | CallError:
        asked = decoding.parse(account_service_pb2.ListAccountsRequest, request)
        if not 0 <= asked.page_size <= views.PAGE_LIMIT:
            raise MalformedError([("page_size", f"must be 0 to {views.PAGE_LIMIT}")])
        size = asked.page_size or views.PAGE_LIMIT
        page = views.account_page(self.book, asked.page_token, size, now_ns)
        return page.SerializeToString()

    def _get_policy(self, request: bytes, _principal: str, _now_ns: int) -> bytes | CallError:
        asked = decoding.parse(policy_service_pb2.GetPolicyRequest, request)
        found = staff_views.policy_view(self.book, asked.version)
        if found is None:
            return not_found("policy", str(asked.version) if asked.version else "")
        return found.SerializeToString()

    def _list_policies(self, request: bytes, _principal: str, _now_ns: int) -> bytes | CallError:
        asked = decoding.parse(policy_service_pb2.ListPoliciesRequest, request)
        size, after = staff_views.page_of(asked)
        return staff_views.policy_page(self.book, after, size).SerializeToString()

    def status(self) -> control_service_pb2.GetStatusResponse:
        """Return what the book knows of the gate's status; the runtime adds the rest."""
        status = control_service_pb2.GetStatusResponse()
        views.fill_status(self.book, status)
        return status


def malformed(error: MalformedError) -> CallError:
    """Return the error of a request that cannot be read."""
    if error.unknown_in:
        return CallError(
            INVALID_ARGUMENT,
            "UNKNOWN_FIELD",
            f"{error.unknown_in} has a field that this version does not know",
            {"message": error.unknown_in},
        )
    field, problem = error.violations[0]
    return CallError(
        INVALID_ARGUMENT,
        "MALFORMED",
        str(error),
        {"field": field, "problem": problem},
        tuple(error.violations),
    )


def refused(refusal: Refusal) -> CallError:
    """Return the error of a command that could not be decided."""
    return CallError(
        REFUSAL_CODES[refusal.reason], refusal.reason, refusal.message, refusal.figures
    )


def not_found(kind: str, name: str) -> CallError:
    """Return the error of a thing that does not exist."""
    return CallError(NOT_FOUND, "NOT_FOUND", f"no {kind} {name}", {"kind": kind, "id": name})
