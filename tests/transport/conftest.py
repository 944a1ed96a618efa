from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.transport.harness import TRANSPORTS, Gate, dialled, served, socket_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import grpc


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def gate(tmp_path: Path, transport: str) -> Iterator[Gate]:
    with served(socket_config(tmp_path, transport)) as running:
        yield running


@pytest.fixture
def channel(gate: Gate) -> Iterator[grpc.Channel]:
    with dialled(gate.front.address) as open_channel:
        yield open_channel
