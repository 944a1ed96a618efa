"""Streams of a follower, read by both clients."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from tidegate.v1 import policy_pb2, watch_service_pb2
from tidegate_client import AnswerError, AsyncClient, Client, PermissionDeniedError, TidegateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MESSAGES = [watch_service_pb2.CompareDecisionsResponse(sequence=n) for n in (1, 2, 3)]
CANDIDATE = policy_pb2.Policy(comment="a candidate")


@contextmanager
def streaming(answer: Callable[[bytes, grpc.ServicerContext], Iterator[bytes]]) -> Iterator[str]:
    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
            assert details.method == "/tidegate.v1.WatchService/CompareDecisions"
            return grpc.unary_stream_rpc_method_handler(answer)

    running = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    yield f"127.0.0.1:{port}"
    running.stop(None).wait()


def plain(target: str, most: int = 100) -> list[Any]:
    found = []
    with Client(target) as client:
        for message in client.compare_decisions(CANDIDATE, from_sequence=7):
            found.append(message)
            if len(found) == most:
                break
    return found


def awaited(target: str, most: int = 100) -> list[Any]:
    async def read() -> list[Any]:
        found = []
        async with AsyncClient(target) as client:
            async for message in client.compare_decisions(CANDIDATE, from_sequence=7):
                found.append(message)
                if len(found) == most:
                    break
        return found

    return asyncio.run(read())


READERS = pytest.mark.parametrize("read", [plain, awaited])


@READERS
def test_messages_come_as_they_are_sent(read: Callable[..., list[Any]]) -> None:
    asked: list[bytes] = []

    def answer(request: bytes, _context: grpc.ServicerContext) -> Iterator[bytes]:
        asked.append(request)
        yield from (message.SerializeToString() for message in MESSAGES)

    with streaming(answer) as target:
        assert read(target) == MESSAGES
    expected = watch_service_pb2.CompareDecisionsRequest(candidate=CANDIDATE, from_sequence=7)
    assert watch_service_pb2.CompareDecisionsRequest.FromString(asked[0]) == expected


@READERS
def test_a_stream_that_fails_raises_after_what_came(read: Callable[..., list[Any]]) -> None:
    def answer(_request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield MESSAGES[0].SerializeToString()
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")

    with streaming(answer) as target:
        assert read(target, 1) == MESSAGES[:1]
        with pytest.raises(PermissionDeniedError):
            read(target)


@READERS
def test_a_reader_may_stop_early(read: Callable[..., list[Any]]) -> None:
    def answer(_request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        while context.is_active():
            yield MESSAGES[0].SerializeToString()

    with streaming(answer) as target:
        assert len(read(target, 5)) == 5


@READERS
def test_bytes_that_are_no_message_are_an_error(read: Callable[..., list[Any]]) -> None:
    def answer(_request: bytes, _context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b"\xff\xff"

    with streaming(answer) as target, pytest.raises(AnswerError):
        read(target)


def test_a_client_that_is_closed_meanwhile_says_so() -> None:
    def answer(_request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        while context.is_active():
            yield MESSAGES[0].SerializeToString()

    with streaming(answer) as target:
        client = Client(target)
        messages = client.compare_decisions(CANDIDATE)
        next(messages)
        client.close()
        with pytest.raises(TidegateError, match="closed"):
            list(messages)
        with pytest.raises(RuntimeError, match="is closed"):
            client.compare_decisions(CANDIDATE)
