"""The demonstration as a user runs it, cut short."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("tidegate_server.runtime.verify", reason="nothing proves the files yet")
pytest.importorskip("tidegate_server.runtime.follower", reason="there is no follower yet")


def demonstrate(transport: str) -> str:
    """Run a short demonstration and return what it printed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}
    command = ("demo", "--trades", "120", "--accounts", "30", "--transport", transport)
    found = subprocess.run(
        [sys.executable, "-m", "tidegate_server.cli", *command],
        env=clean,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def printed() -> str:
    return demonstrate("native")


@pytest.mark.parametrize(
    "claim",
    [
        r"✓ state hash after record [\d,]+: ",
        r"✓ started again: epoch \d+, sequence [\d,]+",
        r"✓ 30 accounts are as they were",
        r"✓ \d+ open orders are still reserved",
        r"✓ \d+ decisions asked again got the same answer",
        r"✓ the follower decided all [\d,]+ records again",
        r"decisions, the same on every run: sha256 [0-9a-f]{64}",
    ],
)
def test_every_claim_of_the_demonstration_holds(printed: str, claim: str) -> None:
    assert re.search(claim, printed)


def test_nothing_of_the_demonstration_fails(printed: str) -> None:
    assert "✗" not in printed


def test_progress_is_told_at_every_tenth_without_a_terminal(printed: str) -> None:
    assert printed.count("first half: ") == 10


def test_both_transports_decide_the_same(printed: str) -> None:
    assert demonstrate("grpcio").splitlines()[-1] == printed.splitlines()[-1]
