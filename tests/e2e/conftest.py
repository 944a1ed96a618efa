"""One server a front for all tests that leave it as they found it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from tests.e2e.support import TRANSPORTS, Server, load_market, open_account, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidegate_client import Client

_accounts = count(1)


@pytest.fixture(scope="session", params=TRANSPORTS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(request.param) as running:
        with running.client() as loader:
            load_market(loader)
        yield running


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[Client]:
    with server.client() as dialled:
        yield dialled


@pytest.fixture
def account(client: Client) -> str:
    """Make an account that no other test touches."""
    name = f"E{next(_accounts):04d}"
    open_account(client, name)
    return name


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
