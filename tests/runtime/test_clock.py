"""Gate time: it never stands, goes back or jumps, whatever the wall clock does."""

from __future__ import annotations

import time

import pytest

from tidegate_server.runtime import clock as module
from tidegate_server.runtime.clock import ALARM_NS, SLEW, Clock

SECOND = 10**9


class Clocks:
    """What the machine's two clocks say, put in the place of the system's."""

    def __init__(self) -> None:
        self.wall_ns = 1_800_000_000 * SECOND
        self.monotonic = 5 * SECOND

    def time_ns(self) -> int:
        return self.wall_ns

    def monotonic_ns(self) -> int:
        return self.monotonic

    def pass_ns(self, elapsed_ns: int) -> None:
        self.wall_ns += elapsed_ns
        self.monotonic += elapsed_ns


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(module, "time", made)
    return made


def test_it_begins_at_the_wall_clock(clocks: Clocks) -> None:
    assert abs(Clock(0).now_ns() - clocks.wall_ns) <= 1


def test_it_runs_with_the_wall_clock(clocks: Clocks) -> None:
    clock = Clock(0)
    clocks.pass_ns(7 * SECOND)
    assert clock.now_ns() == clocks.wall_ns
    assert clock.behind_ns == 0


def test_two_readings_are_never_the_same(clocks: Clocks) -> None:
    clock = Clock(0)
    readings = [clock.now_ns() for _ in range(100)]
    assert readings == sorted(set(readings))


def test_readings_of_real_clocks_grow() -> None:
    clock = Clock(0)
    readings = [clock.now_ns() for _ in range(10_000)]
    assert readings == sorted(set(readings))
    assert abs(readings[-1] - time.time_ns()) < SECOND


@pytest.mark.parametrize("jump_ns", [3_600 * SECOND, -3_600 * SECOND, 2 * SECOND, -2 * SECOND])
def test_it_does_not_jump_with_the_wall_clock(clocks: Clocks, jump_ns: int) -> None:
    clock = Clock(0)
    before = clock.now_ns()
    clocks.wall_ns += jump_ns
    clocks.pass_ns(SECOND)
    moved = clock.now_ns() - before
    assert abs(moved - SECOND) <= SECOND // SLEW


def test_a_jump_is_told(clocks: Clocks) -> None:
    clock = Clock(0)
    clocks.wall_ns -= 2 * ALARM_NS
    clock.now_ns()
    assert clock.is_off
    assert clock.behind_ns == pytest.approx(-2 * ALARM_NS, rel=1e-6)


def test_a_small_gap_is_no_alarm(clocks: Clocks) -> None:
    clock = Clock(0)
    clocks.wall_ns += ALARM_NS // 2
    clock.now_ns()
    assert not clock.is_off


@pytest.mark.parametrize("gap_ns", [500_000_000, -500_000_000])
def test_a_gap_is_closed_by_a_thousandth_of_the_time_that_passes(
    clocks: Clocks, gap_ns: int
) -> None:
    clock = Clock(0)
    clocks.wall_ns += gap_ns
    for _ in range(501):
        clocks.pass_ns(SECOND)
        clock.now_ns()
    assert abs(clock.behind_ns) <= SECOND // SLEW


def test_many_short_readings_close_no_more_than_one_long(clocks: Clocks) -> None:
    clock = Clock(0)
    before = clock.now_ns()
    clocks.wall_ns -= 10 * SECOND
    for _ in range(1_000):
        clocks.pass_ns(999)
        clock.now_ns()
    assert clock.now_ns() - before >= 999_000 - 999_000 // SLEW


def test_it_goes_on_after_the_last_record_though_the_wall_clock_is_behind(clocks: Clocks) -> None:
    floor = clocks.wall_ns + 86_400 * SECOND
    clock = Clock(floor)
    assert floor < clock.now_ns() <= floor + 2
    clocks.pass_ns(SECOND)
    assert clock.now_ns() >= floor + SECOND - SECOND // SLEW
    assert clock.is_off


def test_a_machine_that_slept_does_not_go_back(clocks: Clocks) -> None:
    clock = Clock(0)
    before = clock.now_ns()
    clocks.wall_ns += 600 * SECOND  # the monotonic clock stood
    assert clock.now_ns() == before + 1
