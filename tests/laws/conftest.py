"""Laws share their worlds: all workers of one run keep them in one folder."""

from __future__ import annotations

import os

import pytest
from tests.laws import runs


@pytest.fixture(scope="session", autouse=True)
def _shared_worlds(tmp_path_factory: pytest.TempPathFactory) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        runs.keep_in(tmp_path_factory.getbasetemp().parent / "worlds")
