"""The whole bench, tiny, so that it cannot rot."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench.engine import machine_is_there
from bench.ladder import QUIET_SECONDS
from bench.servers import gate_is_there

from tidegate_server.runtime.config_schema import Config

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = ("p50_us_idle_grpc_aio_empty", "load_generator_ceiling_per_s", "machine", "peers")
OF_THE_GATE = (
    "unary_flush_vs_grpc_aio_empty",
    "unary_flush_vs_native_empty",
    "p50_us_idle_flush",
    "p99_us_at_half_load",
    "mix_per_s",
    "recovered_records",
)
OF_THE_ENGINE = ("engine_ns_per_check", "machine_ns_per_call")


@pytest.fixture(scope="module")
def report() -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout[-2000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def test_every_answer_was_right(report: Any) -> None:
    assert report["mismatches"] == 0
    assert report["first_mismatch"] == ""


def test_every_figure_was_taken(report: Any) -> None:
    assert all(report[key] for key in ALWAYS)
    assert all(report[key] for key in OF_THE_GATE) == gate_is_there()
    assert all(report[key] for key in OF_THE_ENGINE) == machine_is_there()


@pytest.mark.skipif(not machine_is_there(), reason="the machine is not there yet")
def test_the_engine_was_measured_at_every_size(report: Any) -> None:
    assert list(report["engine_ns_per_check"]) == ["1", "10", "50", "200", "1000"]


def test_no_gate_keeps_processors_awake_when_the_next_server_is_measured() -> None:
    assert 2 * Config().awake_ms < QUIET_SECONDS * 1000
