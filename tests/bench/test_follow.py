"""The bench of the follower, tiny: it proves what the gate decided, however soon."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.servers import gate_is_there

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not gate_is_there(), reason="no gate to run")


@pytest.mark.parametrize("policy", [[], ["--everything"]])
def test_what_was_decided_under_load_is_proved(policy: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.follow", "--rates", "200", "--seconds", "2", *policy],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["wrong"] == report["mismatches"] == 0
    assert [row["offered_per_s"] for row in report["rates"]] == [200]
