"""Streams on both fronts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from tests.transport.harness import (
    ECHO,
    NO_LOCAL,
    STREAM,
    Gate,
    call,
    details_of,
    dialled,
    eventually,
    served,
    socket_config,
)

from tidegate_server.transport import Sent

if TYPE_CHECKING:
    from pathlib import Path

Stream = Any


def open_stream(channel: grpc.Channel, request: bytes = b"", **how: Any) -> Stream:
    ask: Any = channel.unary_stream(STREAM)
    return ask(request, **{"timeout": 30, **how})


def ending(stream: Stream) -> grpc.Call:
    with pytest.raises(grpc.RpcError) as caught:
        list(stream)
    assert isinstance(caught.value, grpc.Call)
    return caught.value


def feed(gate: Gate, messages: list[bytes], *, end: str = "") -> None:
    """Send the messages to whoever streams, as they are taken; then end it as told."""
    waiting = list(messages)

    def after(gate: Gate) -> None:
        if not gate.streams:
            return
        call_id, _ = gate.streams[0]
        while waiting and gate.front.send(call_id, waiting[0]) is Sent.TAKEN:
            del waiting[0]
        if not waiting and end:
            gate.streams.clear()
            if end == "well":
                gate.front.finish(call_id)
            else:
                gate.front.fail(call_id, gate.error)

    gate.after = after


def test_messages_arrive_in_order_and_the_stream_ends_well(
    gate: Gate, channel: grpc.Channel
) -> None:
    sent = [str(number).encode() for number in range(500)]
    feed(gate, sent, end="well")
    assert list(open_stream(channel)) == sent


def test_a_stream_fails_with_its_error_after_what_was_sent(
    gate: Gate, channel: grpc.Channel
) -> None:
    feed(gate, [b"one", b"two"], end="ill")
    stream = open_stream(channel)
    assert [next(stream), next(stream)] == [b"one", b"two"]
    error = ending(stream)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(error)[1].reason == "ERROR_REASON_OVERLOADED"


def test_a_stream_may_end_before_anything_was_sent(gate: Gate, channel: grpc.Channel) -> None:
    feed(gate, [], end="ill")
    assert ending(open_stream(channel)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_calls_are_answered_while_a_stream_is_open(gate: Gate, channel: grpc.Channel) -> None:
    stream = open_stream(channel, b"hello")
    eventually(lambda: gate.streams, 30)
    assert gate.streams[0][1] == b"hello"
    assert call(channel, b"echo", ECHO) == b"echo"
    feed(gate, [b"late"], end="well")
    assert list(stream) == [b"late"]


def test_a_reader_who_does_not_read_makes_nobody_wait(gate: Gate, channel: grpc.Channel) -> None:
    results: list[Sent] = []
    chunk = bytes(200_000)

    def after(gate: Gate) -> None:
        if gate.streams and Sent.FULL not in results:
            results.append(gate.front.send(gate.streams[0][0], chunk))

    gate.after = after
    stream = open_stream(channel)
    eventually(lambda: Sent.FULL in results, 30)
    assert call(channel, b"echo", ECHO) == b"echo"
    taken = results.count(Sent.TAKEN)
    gate.after = lambda gate: gate.front.finish(gate.streams.pop()[0]) if gate.streams else None
    assert list(stream) == [chunk] * taken


def test_a_stream_whose_reader_has_gone_is_gone(gate: Gate, channel: grpc.Channel) -> None:
    feed(gate, [b"first"])
    stream = open_stream(channel)
    assert next(stream) == b"first"
    stream.cancel()
    results: list[Sent] = []
    call_id = gate.streams[0][0]
    gate.after = lambda gate: results.append(gate.front.send(call_id, b"more"))
    eventually(lambda: Sent.GONE in results, 30)


def test_a_stream_needs_an_identity(tmp_path: Path, transport: str) -> None:
    config = socket_config(tmp_path, transport)
    with served(config, NO_LOCAL) as gate, dialled(gate.front.address) as channel:
        assert ending(open_stream(channel)).code() is grpc.StatusCode.UNAUTHENTICATED
        assert not gate.streams


def test_a_request_over_its_bound_is_refused(gate: Gate, channel: grpc.Channel) -> None:
    error = ending(open_stream(channel, bytes(20_000)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert not gate.streams


def test_a_front_that_stops_ends_its_streams(tmp_path: Path, transport: str) -> None:
    config = socket_config(tmp_path, transport)
    with served(config) as gate, dialled(gate.front.address) as channel:
        feed(gate, [b"first"])
        stream = open_stream(channel)
        assert next(stream) == b"first"
        gate.stopping = True
        assert ending(stream).code() is grpc.StatusCode.UNAVAILABLE
