"""The engine and the naive oracle give the same answer to every command of seeded random runs."""

import os
from importlib.util import find_spec

import pytest
from tests.oracle.__main__ import run

SEEDS = tuple(range(1, 21))
TOTAL = int(os.environ.get("TIDEGATE_ORACLE_COMMANDS", "12000"))
FIRST_SEED = int(os.environ.get("TIDEGATE_ORACLE_SEED", "0"))

pytestmark = pytest.mark.skipif(
    find_spec("tidegate_server.wire") is None or find_spec("tidegate_server.wire.machine") is None,
    reason="the engine's deterministic core is not there",
)


@pytest.mark.parametrize("seed", [FIRST_SEED + seed for seed in SEEDS])
def test_every_answer_is_the_oracles(seed: int) -> None:
    count = max(1, TOTAL // len(SEEDS))
    print(f"seed {seed}: {count} commands")  # noqa: T201 - a failure is repeated by its seed
    found = run(seed, count)
    assert not found.mismatch, found.mismatch
