"""Processors kept awake: when it is asked for, and when it is taken back."""

import os
from collections.abc import Iterator
from pathlib import Path
from struct import unpack

import pytest
import structlog
from structlog.testing import LogCapture
from tests.runtime.gates import bench, check

from tidegate_server.runtime.awake import ANY_LATENCY, DEVICE, NO_LATENCY, Awake
from tidegate_server.runtime.gate import NANOSECONDS

MILLISECOND_NS = 1_000_000
LONG_NS = 10**12
LOGGED = LogCapture()
LOG = structlog.wrap_logger(
    structlog.PrintLogger(),
    processors=[LOGGED],
    wrapper_class=structlog.make_filtering_bound_logger(0),
)


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """Make a file in which everything that is asked of it stays."""
    path = tmp_path / "device"
    path.touch()
    return path


@pytest.fixture
def awake(device: Path) -> Iterator[Awake]:
    """Hold for 100 ms after a call."""
    made = Awake(100, LOG, str(device))
    yield made
    made.close()


def test_nothing_is_asked_before_a_call(awake: Awake, device: Path) -> None:
    assert awake.rest(0, LONG_NS) == LONG_NS
    assert device.read_bytes() == b""


def test_calls_ask_once(awake: Awake, device: Path) -> None:
    awake.hold(0)
    awake.hold(5 * MILLISECOND_NS)
    assert device.read_bytes() == NO_LATENCY


def test_it_holds_until_long_enough_after_the_last_call(awake: Awake, device: Path) -> None:
    awake.hold(0)
    awake.hold(60 * MILLISECOND_NS)
    assert awake.rest(120 * MILLISECOND_NS, LONG_NS) == 40 * MILLISECOND_NS
    assert device.read_bytes() == NO_LATENCY


def test_it_looks_no_later_than_it_is_told(awake: Awake) -> None:
    awake.hold(0)
    assert awake.rest(0, 7) == 7


def test_it_is_taken_back_once(awake: Awake, device: Path) -> None:
    awake.hold(0)
    for _ in range(2):
        assert awake.rest(100 * MILLISECOND_NS, LONG_NS) == LONG_NS
    assert device.read_bytes() == NO_LATENCY + ANY_LATENCY


def test_the_next_call_asks_again(awake: Awake, device: Path) -> None:
    awake.hold(0)
    awake.rest(100 * MILLISECOND_NS, LONG_NS)
    awake.hold(200 * MILLISECOND_NS)
    assert device.read_bytes() == NO_LATENCY + ANY_LATENCY + NO_LATENCY


def test_zero_opens_nothing(tmp_path: Path) -> None:
    LOGGED.entries.clear()
    made = Awake(0, LOG, str(tmp_path / "missing"))
    made.hold(0)
    assert made.rest(0, LONG_NS) == LONG_NS
    assert LOGGED.entries == []


def test_who_may_not_open_the_device_is_told_once_and_goes_on(tmp_path: Path) -> None:
    LOGGED.entries.clear()
    missing = str(tmp_path / "missing")
    made = Awake(100, LOG, missing)
    made.hold(0)
    assert made.rest(0, LONG_NS) == LONG_NS
    assert [(one["device"], one["error"]) for one in LOGGED.entries] == [
        (missing, "No such file or directory")
    ]


def test_a_device_that_refuses_is_told_of_and_let_go() -> None:
    LOGGED.entries.clear()
    made = Awake(100, LOG, "/dev/full")
    for now_ns in range(3):
        made.hold(now_ns)
        assert made.rest(now_ns, LONG_NS) == LONG_NS
    assert [one["error"] for one in LOGGED.entries] == ["No space left on device"]


def test_the_kernel_takes_the_request() -> None:
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        pytest.skip(f"{DEVICE} may not be opened here")
    made = Awake(100, LOG)
    made.hold(0)
    try:
        with Path(DEVICE).open("rb", buffering=0) as device:
            assert unpack("=i", device.read(4)) == (0,)
    finally:
        made.close()


def test_a_gate_looks_again_when_the_request_ends(tmp_path: Path) -> None:
    if not os.access(DEVICE, os.W_OK):
        pytest.skip(f"{DEVICE} may not be opened here")
    with bench(tmp_path) as gate:
        assert 0 < gate.turn(check()) <= gate.config.awake_ms * MILLISECOND_NS / NANOSECONDS
