"""The bench of lines, tiny: every account that passes the line is noticed, however soon."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.servers import gate_is_there

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not gate_is_there(), reason="no gate to run")


def test_a_fall_is_noticed_in_every_account_past_the_line() -> None:
    tiny = ("--accounts", "200", "--share", "0.05", "--rounds", "2")
    done = subprocess.run(
        [sys.executable, "-m", "bench.lines", *tiny],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["past_the_line"] == 10
    assert len(report["seconds"]) == 2
    assert done.returncode == 0 or report["worst_seconds"] > 4.9, done.stderr
