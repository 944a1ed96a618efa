from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as configured
from hypothesis import strategies as st

from tidegate_server.volatility.ladder import next_step, step_for

LADDER = (10_000, 12_500, 15_000, 20_000, 30_000)
STEPS = st.integers(0, len(LADDER) - 1)
RATIOS = st.integers(0, 100_000)
LAW = configured(deadline=None)  # a busy machine breaks no law
HYSTERESES = st.integers(0, 9_999)


@pytest.mark.parametrize(
    ("before", "ratio_bps", "after"),
    [
        (None, 0, 10_000),
        (None, 10_000, 10_000),
        (None, 10_001, 12_500),
        (None, 30_001, 30_000),  # the cap
        (10_000, 12_500, 12_500),
        (10_000, 12_501, 15_000),
        (10_000, 99_999, 30_000),  # over all steps at once
        (12_500, 9_501, 12_500),  # not yet 5 % under the lower step
        (12_500, 9_500, 10_000),
        (15_000, 11_876, 15_000),
        (15_000, 11_875, 12_500),
        (30_000, 0, 20_000),  # one step, however calm it is
        (30_000, 19_000, 20_000),
        (30_000, 19_001, 30_000),
    ],
)
def test_a_row_of_the_ladder(before: int | None, ratio_bps: int, after: int) -> None:
    step = None if before is None else LADDER.index(before)
    assert LADDER[next_step(LADDER, step, ratio_bps, 500)] == after


@LAW
@given(STEPS, RATIOS, HYSTERESES)
def test_it_is_never_under_what_the_ratio_asks_for(step: int, ratio: int, hysteresis: int) -> None:
    after = LADDER[next_step(LADDER, step, ratio, hysteresis)]
    assert after >= min(ratio, LADDER[-1])


@LAW
@given(STEPS, RATIOS, HYSTERESES)
def test_it_falls_by_one_step_at_most(step: int, ratio: int, hysteresis: int) -> None:
    assert next_step(LADDER, step, ratio, hysteresis) >= step - 1


@LAW
@given(STEPS, RATIOS, HYSTERESES)
def test_it_rises_no_further_than_asked(step: int, ratio: int, hysteresis: int) -> None:
    assert next_step(LADDER, step, ratio, hysteresis) <= max(step, step_for(LADDER, ratio))


@LAW
@given(STEPS, RATIOS, HYSTERESES)
def test_a_ratio_that_stays_moves_it_down_only_or_once(step: int, ratio: int, hyst: int) -> None:
    once = next_step(LADDER, step, ratio, hyst)
    assert next_step(LADDER, once, ratio, hyst) <= once


@LAW
@given(STEPS, STEPS, RATIOS, RATIOS, HYSTERESES)
def test_a_greater_ratio_from_a_greater_step_ends_no_lower(
    step: int, other: int, ratio: int, another: int, hysteresis: int
) -> None:
    (low, high), (calm, wild) = sorted((step, other)), sorted((ratio, another))
    assert next_step(LADDER, low, calm, hysteresis) <= next_step(LADDER, high, wild, hysteresis)
