"""Streams of the follower, turn by turn, before a front that only collects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import capture_logs

from tidegate_server.journal.frames import Damage
from tidegate_server.runtime.streams import (
    PRINCIPAL_LIMIT,
    SLOW_SECONDS,
    STREAM_LIMIT,
    WORKING,
    StreamError,
    Streams,
)
from tidegate_server.transport import Sent
from tidegate_server.wire.errors import CallError, not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate_server.runtime.streams import Messages


class Collector:
    """Takes what is sent, as long as it is told to."""

    def __init__(self) -> None:
        self.gone: set[int] = set()
        self.answer = Sent.TAKEN
        self.sent: list[tuple[int, bytes]] = []
        self.failed: dict[int, CallError] = {}
        self.finished: list[int] = []

    def send(self, call_id: int, message: bytes) -> Sent:
        if self.answer is Sent.TAKEN:
            self.sent.append((call_id, message))
        return self.answer

    def fail(self, call_id: int, error: CallError) -> None:
        self.failed[call_id] = error

    def finish(self, call_id: int) -> None:
        self.finished.append(call_id)


@pytest.fixture
def front() -> Collector:
    return Collector()


@pytest.fixture
def streams(front: Collector) -> Streams:
    return Streams(front, structlog.get_logger())  # type: ignore[arg-type]


def listed(*messages: bytes | None) -> Messages:
    yield from messages


def test_messages_go_out_until_there_is_none_for_now(front: Collector, streams: Streams) -> None:
    streams.open(1, "M", "p", listed(b"a", b"b", None, b"c"))
    assert not streams.step()
    assert front.sent == [(1, b"a"), (1, b"b")]
    assert not streams.step()
    assert front.sent[2:] == [(1, b"c")]
    assert front.finished == [1]
    assert len(streams) == 0


def test_who_works_wants_another_turn(
    front: Collector, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    def works() -> Messages:
        while True:
            yield WORKING

    monkeypatch.setattr("tidegate_server.runtime.streams.TURN_SECONDS", 0.001)
    streams.open(1, "M", "p", works())
    streams.open(2, "N", "p", listed(b"a", None))
    assert streams.step()
    assert front.sent == [(2, b"a")]
    assert (streams.count("M"), streams.count("N")) == (1, 1)


def test_a_message_that_is_not_taken_is_sent_again_and_only_once(
    front: Collector, streams: Streams
) -> None:
    made: list[bytes] = []

    def makes() -> Messages:
        for letter in (b"a", b"b"):
            made.append(letter)
            yield letter

    front.answer = Sent.FULL
    streams.open(1, "M", "p", makes())
    for _ in range(5):
        assert not streams.step()
    assert made == [b"a"]
    front.answer = Sent.TAKEN
    streams.step()
    assert front.sent == [(1, b"a"), (1, b"b")]


def test_who_takes_nothing_for_long_is_ended(
    front: Collector, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0
    monkeypatch.setattr("tidegate_server.runtime.streams.time.monotonic", lambda: now_s)
    front.answer = Sent.FULL
    streams.open(1, "M", "p", listed(b"a"))
    streams.step()
    now_s += SLOW_SECONDS
    streams.step()
    assert not front.failed
    now_s += 0.1
    streams.step()
    assert front.failed[1].reason == "SLOW_READER"
    assert len(streams) == 0


def test_who_has_gone_is_forgotten_and_its_work_ended(front: Collector, streams: Streams) -> None:
    ended: list[int] = []

    def watches(number: int) -> Messages:
        try:
            while True:
                yield None
        finally:
            ended.append(number)

    streams.open(1, "M", "p", watches(1))
    streams.open(2, "M", "p", watches(2))
    streams.step()
    front.gone.add(1)
    streams.step()
    assert ended == [1]
    streams.end()
    assert ended == [1, 2]
    assert front.failed[2].reason == "DRAINING"


def test_a_front_that_says_gone_ends_it(front: Collector, streams: Streams) -> None:
    front.answer = Sent.GONE
    streams.open(1, "M", "p", listed(b"a"))
    streams.step()
    assert len(streams) == 0
    assert not front.failed
    assert not front.finished


def raising(error: Exception) -> Messages:
    yield b"a"
    raise error


def test_an_error_of_a_stream_is_its_readers(front: Collector, streams: Streams) -> None:
    streams.open(1, "M", "p", raising(StreamError(not_found("record", "7"))))
    streams.step()
    assert front.failed[1].reason == "NOT_FOUND"


@pytest.mark.parametrize("error", [ZeroDivisionError("a secret"), Damage("a secret")])
def test_a_fault_tells_its_reader_an_id_only(front: Collector, error: Exception) -> None:
    with capture_logs() as logged:
        streams = Streams(front, structlog.get_logger())  # type: ignore[arg-type]
        streams.open(1, "M", "p", raising(error))
        streams.step()
    told = front.failed[1]
    assert told.reason == "INTERNAL"
    assert "secret" not in told.message
    assert told.metadata["correlation_id"] == logged[-1]["correlation_id"]


@pytest.mark.parametrize(
    ("most", "name"), [(PRINCIPAL_LIMIT, lambda _: "p"), (STREAM_LIMIT, lambda n: f"p{n}")]
)
def test_more_than_may_be_open_are_refused(
    front: Collector, streams: Streams, most: int, name: Callable[[int], str]
) -> None:
    for number in range(most + 1):
        streams.open(number, "M", name(number), listed(None))
    assert list(front.failed) == [most]
    assert front.failed[most].reason == "OVERLOADED"
    assert len(streams) == most
