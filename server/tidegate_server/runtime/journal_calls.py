"""JournalService: what the follower answers to auditors and exporters.

Its calls read files and the proof, and change nothing. Everything is spelled out with the classes
of the contract; whoever has the `.proto` files can check it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from google.protobuf import descriptor_pool, json_format, message_factory

from tidegate.v1 import journal_pb2, journal_service_pb2
from tidegate_server.wire.decoding import parse
from tidegate_server.wire.errors import not_found
from tidegate_server.wire.methods import METHODS, START_EPOCH, TICK
from tidegate_server.wire.records import decode_record
from tidegate_server.wire.validation import MalformedError

from .streams import StreamError

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from tidegate_server.wire.errors import CallError

    from .follower_records import Entry, RecordFinder
    from .proving import Prover
    from .streams import Messages

PAGE_RECORDS: Final = 100
#: A page ends early rather than pass this; clients take 4 MiB by default.
PAGE_BYTES: Final = 1 << 20

EFFECTS: Final[dict[int, type[Message]]] = {
    journal_pb2.METHOD_CHECK_ORDER: journal_pb2.CheckEffects,
    journal_pb2.METHOD_CHECK_ORDERS: journal_pb2.CheckEffects,
    journal_pb2.METHOD_RECORD_ORDER_EVENTS: journal_pb2.EventEffects,
    journal_pb2.METHOD_ADJUST_CASH: journal_pb2.AccountEffects,
    journal_pb2.METHOD_SET_POSITIONS: journal_pb2.AccountEffects,
    journal_pb2.METHOD_REVALUE_ACCOUNTS: journal_pb2.AccountEffects,
    journal_pb2.METHOD_UPDATE_MARKS: journal_pb2.MarkEffects,
    journal_pb2.METHOD_UPDATE_VOLATILITY: journal_pb2.VolatilityEffects,
    journal_pb2.METHOD_PROPOSE_POLICY: journal_pb2.PolicyEffects,
    journal_pb2.METHOD_APPROVE_POLICY: journal_pb2.PolicyEffects,
    journal_pb2.METHOD_REPLACE_ORDER: journal_pb2.CheckEffects,
    journal_pb2.METHOD_RECONCILE_ORDERS: journal_pb2.ReconcileEffects,
    journal_pb2.METHOD_REPAY_CASH: journal_pb2.AccountEffects,
    journal_pb2.METHOD_RETURN_SHARES: journal_pb2.AccountEffects,
    journal_pb2.METHOD_ACCRUE_INTEREST: journal_pb2.AccountEffects,
    journal_pb2.METHOD_CHARGE_FEE: journal_pb2.AccountEffects,
    journal_pb2.METHOD_SET_TIER: journal_pb2.TierEffects,
}


class JournalCalls:
    """Answers JournalService."""

    def __init__(self, finder: RecordFinder, prover: Prover, durable: Callable[[], int]) -> None:
        """Take `durable`, which tells the last record that is known to stay."""
        self._finder = finder
        self._prover = prover
        self._durable = durable

    def read_records(self, request: bytes, _principal: str) -> bytes | CallError:
        """Answer ReadRecords."""
        asked = parse(journal_service_pb2.ReadRecordsRequest, request)
        if asked.from_sequence < 1:
            raise MalformedError([("from_sequence", "must be at least 1")])
        if not 0 <= asked.page_size <= PAGE_RECORDS:
            raise MalformedError([("page_size", f"must be 0 to {PAGE_RECORDS}")])
        durable = self._durable()
        last = min(asked.from_sequence + (asked.page_size or PAGE_RECORDS) - 1, durable)
        entries = self._finder.read(asked.from_sequence, last, most_bytes=PAGE_BYTES)
        if entries is None:
            return not_found("record", str(asked.from_sequence))
        return journal_service_pb2.ReadRecordsResponse(
            entries=[entry_message(entry) for entry in entries],
            next_sequence=asked.from_sequence + len(entries),
            last_sequence=durable,
        ).SerializeToString()

    def explain_record(self, request: bytes, _principal: str) -> bytes | CallError:
        """Answer ExplainRecord."""
        asked = parse(journal_service_pb2.ExplainRecordRequest, request)
        sequence = asked.sequence
        if sequence < 1:
            raise MalformedError([("sequence", "must be at least 1")])
        found = None
        if sequence <= self._durable():
            found = self._finder.read(sequence, sequence, most_bytes=PAGE_BYTES)
        if not found:
            return not_found("record", str(sequence))
        entry = entry_message(found[0])
        record = entry.record
        answer = journal_service_pb2.ExplainRecordResponse(entry=entry)
        request_class, response_class = MESSAGES[record.method]
        answer.request_json = as_json(request_class, record.request)
        answer.response_json = as_json(response_class, record.response)
        if record.effects:
            kind = EFFECTS.get(record.method)
            hidden = json.dumps({"bytes": record.effects.hex()})
            answer.effects_json = as_json(kind, record.effects) if kind is not None else hidden
        proved = self._prover.verdict(sequence, entry.rules_version)
        if proved is not None:
            answer.proved = proved
        return answer.SerializeToString()

    def watch_records(self, request: bytes, _principal: str) -> CallError | Messages:
        """Begin a watch of the journal."""
        asked = parse(journal_service_pb2.WatchRecordsRequest, request)
        if asked.from_sequence < 0:
            raise MalformedError([("from_sequence", "must be at least 0")])
        return self._entries(asked.from_sequence or self._durable() + 1)

    def _entries(self, first: int) -> Messages:
        while True:
            last = min(first + PAGE_RECORDS - 1, self._durable())
            entries = self._finder.read(first, last, most_bytes=PAGE_BYTES)
            if entries is None:
                raise StreamError(not_found("record", str(first)))
            if not entries:
                yield None
                continue
            first += len(entries)
            yield journal_service_pb2.WatchRecordsResponse(
                entries=[entry_message(entry) for entry in entries], next_sequence=first
            ).SerializeToString()


def entry_message(entry: Entry) -> journal_service_pb2.JournalEntry:
    """Return a record and where it stands."""
    header = entry.header
    return journal_service_pb2.JournalEntry(
        sequence=entry.sequence,
        decided_time_ns=header.time_ns,
        frame_sequence=header.frame_sequence,
        epoch=header.epoch,
        rules_version=header.rules_version,
        record=decode_record(entry.record),
    )


def as_json(kind: type[Message], data: bytes) -> str:
    """Spell out a message, with the names of the contract."""
    text: str = json_format.MessageToJson(
        kind.FromString(data), preserving_proto_field_name=True, indent=None
    )
    return text


def _messages() -> dict[int, tuple[type[Message], type[Message]]]:
    """Return request and response class of every method that makes records."""
    pool = descriptor_pool.Default()
    found: dict[int, tuple[type[Message], type[Message]]] = {
        START_EPOCH.number: (journal_pb2.StartEpochRequest, journal_pb2.StartEpochResponse),
        TICK.number: (journal_pb2.TickRequest, journal_pb2.TickResponse),
    }
    for method in METHODS:
        if method.codec is not None:
            described = pool.FindMethodByName(method.path.strip("/").replace("/", "."))
            found[method.number] = (
                message_factory.GetMessageClass(described.input_type),
                message_factory.GetMessageClass(described.output_type),
            )
    return found


MESSAGES: Final = _messages()
