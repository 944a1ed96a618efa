"""The engine and the naive oracle give the same answer to every command of seeded random runs."""

import os
from importlib.util import find_spec

import pytest
from tests.oracle.__main__ import run

SEEDS = tuple(range(1, 41))
TOTAL = int(os.environ.get("TIDEGATE_ORACLE_COMMANDS", "40000"))
FIRST_SEED = int(os.environ.get("TIDEGATE_ORACLE_SEED", "0"))

pytestmark = pytest.mark.skipif(
    find_spec("tidegate_server.wire") is None or find_spec("tidegate_server.wire.machine") is None,
    reason="the engine's deterministic core is not there",
)


# A known disagreement, open: whether an execution that another source has reported under another
# account is booked under cn_margin (`python -m tests.oracle --seed 24 --commands 1000`).
KNOWN = pytest.mark.xfail(reason="7.6: an execution reported twice, see seed 24", strict=False)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(FIRST_SEED + seed, marks=[KNOWN] if FIRST_SEED + seed == 24 else [])
        for seed in SEEDS
    ],
)
def test_every_answer_is_the_oracles(seed: int) -> None:
    count = max(1, TOTAL // len(SEEDS))
    print(f"seed {seed}: {count} commands")  # noqa: T201 - a failure is repeated by its seed
    found = run(seed, count)
    assert not found.mismatch, found.mismatch
