"""What must be loaded before anything else: it tells gRPC to leave forks alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog

import tidegate_server  # noqa: F401 - loading it is all

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Let no test write to where a command, run in this process, has told the log to go."""
    yield
    structlog.reset_defaults()
