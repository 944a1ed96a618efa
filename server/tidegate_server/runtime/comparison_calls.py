"""CompareDecisions: a comparison in the follower's turns, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidegate.v1 import watch_service_pb2
from tidegate_server.journal import TailDamagedError
from tidegate_server.wire.decoding import parse
from tidegate_server.wire.errors import RESOURCE_EXHAUSTED, CallError, not_found
from tidegate_server.wire.shadowing import read_candidate
from tidegate_server.wire.validation import Problems

from .comparing import Range, compare
from .streams import WORKING, StreamError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tidegate_server.engine.policy import Policy

    from .streams import Messages, Streams

BUSY: Final = CallError(
    RESOURCE_EXHAUSTED,
    "OVERLOADED",
    "a comparison is under way; ask again when it has ended",
    {"waiting": "1", "limit": "1"},
)
SEQUENCE_BOUND: Final = 2**62


class ComparisonCalls:
    """Answers CompareDecisions."""

    def __init__(self, folder: Path, streams: Streams, durable: Callable[[], int]) -> None:
        """Take `durable`, which tells the last record that is known to stay."""
        self._folder = folder
        self._streams = streams
        self._durable = durable

    def compare_decisions(self, request: bytes, _principal: str) -> CallError | Messages:
        """Begin a comparison, unless one is under way."""
        asked = parse(watch_service_pb2.CompareDecisionsRequest, request)
        candidate = read_candidate(asked.candidate)
        wanted = range_of(asked.from_sequence, asked.to_sequence, self._durable())
        if self._streams.count("CompareDecisions"):
            return BUSY
        return self._messages(candidate, wanted)

    def _messages(self, candidate: Policy, wanted: Range) -> Messages:
        try:
            for message in compare(self._folder, candidate, wanted):
                yield WORKING if message is None else message.SerializeToString()
        except TailDamagedError:
            raise StreamError(not_found("record", str(wanted.first))) from None


def range_of(first: int, last: int, durable: int) -> Range:
    """Return what to compare; raises MalformedError for what cannot be."""
    problems = Problems()
    problems.need_range("from_sequence", first, 0, SEQUENCE_BOUND)
    problems.need_range("to_sequence", last, 0, SEQUENCE_BOUND)
    if last and first > last:
        problems.add("to_sequence", "must not be before from_sequence")
    problems.refuse()
    return Range(first, min(last or durable, durable))
