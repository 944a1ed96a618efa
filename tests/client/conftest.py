from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pytest
from tests.client.support import Awaited, Loop

from tidegate_client import Client
from tidegate_client.testing import FakeGate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tidegate_client._base import Settings

QUICK: Settings = {"timeout": 1.0, "attempt_timeout": 0.2}


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    running = Loop()
    yield running
    running.stop()


@pytest.fixture
def fake() -> Iterator[FakeGate]:
    with FakeGate() as gate:
        yield gate


@pytest.fixture(params=["threads", "asyncio", "coalescing"])
def connect(request: pytest.FixtureRequest, loop: Loop) -> Iterator[Callable[..., Any]]:
    """Make clients of each kind, with short deadlines; they are closed after the test."""
    made: list[Any] = []

    def make(target: str, **settings: Unpack[Settings]) -> Any:
        settings = {**QUICK, **settings}
        if request.param == "threads":
            made.append(Client(target, **settings))
        else:
            coalesce = request.param == "coalescing"
            made.append(Awaited(loop, target, coalesce=coalesce, settings=settings))
        return made[-1]

    yield make
    for client in made:
        client.close(0.0)


@pytest.fixture
def client(connect: Callable[..., Any], fake: FakeGate) -> Any:
    return connect(fake.target)
