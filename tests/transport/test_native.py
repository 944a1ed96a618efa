"""What only the native front keeps: bounded memories of callers, cancels and watches."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from tests.transport.harness import (
    DIRECTORY,
    LIMITS,
    PATHS,
    TOKEN,
    call,
    dialled,
    served,
    socket_config,
)

from tidegate_server.transport.front import GONE_LIMIT
from tidegate_server.transport.health import WATCH_LIMIT
from tidegate_server.transport.native import REMEMBERED_CALLERS, NativeFront, _Names

if TYPE_CHECKING:
    from pathlib import Path


def test_callers_that_are_remembered_are_bounded() -> None:
    names = _Names(DIRECTORY, machine_only=True)
    for number in range(3 * REMEMBERED_CALLERS):
        assert names[f"unix:{number}"] == "local"
    assert 0 < len(names) <= REMEMBERED_CALLERS


def test_wrong_tokens_are_not_remembered() -> None:
    names = _Names(DIRECTORY, machine_only=True)
    for number in range(100):
        assert not names[b"Bearer %d" % number]
    assert not names
    assert names[f"Bearer {TOKEN}".encode()] == "desk-1"
    assert len(names) == 1


def test_gone_forgets_its_oldest_half_at_the_limit(tmp_path: Path) -> None:
    front = NativeFront(socket_config(tmp_path, "native"), PATHS, DIRECTORY, LIMITS)
    front._note_gone(set(range(GONE_LIMIT)))
    assert len(front.gone) == GONE_LIMIT
    front._note_gone({GONE_LIMIT})
    assert GONE_LIMIT in front.gone
    assert 0 not in front.gone
    assert len(front.gone) == GONE_LIMIT // 2 + 1


def test_watches_are_bounded(tmp_path: Path) -> None:
    with served(socket_config(tmp_path, "native")) as gate, ExitStack() as stack:
        channels = [stack.enter_context(dialled(gate.front.address)) for _ in range(3)]
        codes = []
        streams = []  # kept: a stream that is collected ends
        for number in range(WATCH_LIMIT + 3):
            stub = HealthStub(channels[number % 3])
            streams.append(stub.Watch(HealthCheckRequest(), timeout=20))
            try:
                next(iter(streams[-1]))
            except grpc.RpcError as error:
                codes.append(error.code())
        assert codes == [grpc.StatusCode.RESOURCE_EXHAUSTED] * 3
        assert call(channels[0], b"x") == b"x"
