"""A short torture, so that the long one cannot rot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def torture(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.torture", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_short_torture_passes_and_ends_with_json() -> None:
    ended = torture("--seconds", "8")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    result = json.loads(ended.stdout.splitlines()[-1])
    assert result["ok"]
    assert result["damages_refused"] > 0
    assert ended.stdout.startswith(f"seed {result['seed']}\n")
