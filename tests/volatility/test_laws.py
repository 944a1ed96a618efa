from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import settings as configured
from hypothesis import strategies as st

from tidegate_server.volatility.closes import Closes
from tidegate_server.volatility.model import History, estimate, estimate_all
from tidegate_server.volatility.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

PRICES = st.lists(st.none() | st.floats(0.01, 10_000), min_size=3, max_size=60)
SETTINGS = st.builds(
    Settings,
    decay_bps=st.integers(5_000, 9_900),
    floor_returns=st.integers(5, 40),
    least_returns=st.integers(1, 5),
    reference_bps=st.integers(50, 3_000),
    hysteresis_bps=st.integers(0, 3_000),
)
LAW = configured(deadline=None)  # a busy machine breaks no law
SLACK_BPS = 1  # a ratio is rounded to the nearest


def run(prices: Sequence[float | None], settings: Settings) -> History:
    dates = [date(2000, 1, 1) + timedelta(days=day) for day in range(len(prices))]
    return estimate("X", dates, prices, settings)


@LAW
@given(PRICES, SETTINGS)
def test_a_factor_is_on_the_ladder_from_one_to_the_cap(
    prices: list[float | None], settings: Settings
) -> None:
    for one in run(prices, settings).estimates:
        assert one.factor_bps in settings.ladder_bps
        assert 10_000 <= one.factor_bps <= settings.cap_bps


@LAW
@given(PRICES, SETTINGS)
def test_a_factor_rises_at_once(prices: list[float | None], settings: Settings) -> None:
    for one in run(prices, settings).estimates:
        asked = max(one.sigma_now, one.sigma_floor) * 10**8 / settings.reference_bps
        assert one.factor_bps >= min(asked - SLACK_BPS, settings.cap_bps)


@LAW
@given(PRICES, SETTINGS)
def test_a_factor_falls_by_one_step_a_day_at_most(
    prices: list[float | None], settings: Settings
) -> None:
    steps = [settings.ladder_bps.index(one.factor_bps) for one in run(prices, settings).estimates]
    assert all(after >= before - 1 for before, after in itertools.pairwise(steps))


@LAW
@given(PRICES, SETTINGS, st.integers(1, 30))
def test_calm_never_loosens_below_the_floor(
    prices: list[float | None], settings: Settings, calm: int
) -> None:
    still = next((price for price in reversed(prices) if price), 1.0)
    for one in run([*prices, *[still] * calm], settings).estimates:
        floor = one.sigma_floor * 10**8 / settings.reference_bps
        assert one.factor_bps >= min(floor - SLACK_BPS, settings.cap_bps)


@LAW
@given(PRICES, SETTINGS, st.integers(-20, 20))
def test_scaling_prices_by_a_power_of_two_changes_nothing(
    prices: list[float | None], settings: Settings, power: int
) -> None:
    scaled = [price and price * 2.0**power for price in prices]
    plain = [one._replace(close=0.0) for one in run(prices, settings).estimates]
    assert [one._replace(close=0.0) for one in run(scaled, settings).estimates] == plain


@LAW
@given(PRICES, SETTINGS, st.floats(0.001, 1_000))
def test_scaling_prices_changes_no_ratio(
    prices: list[float | None], settings: Settings, scale: float
) -> None:
    scaled = [price and price * scale for price in prices]
    before = run(prices, settings).estimates
    after = run(scaled, settings).estimates
    for one, other in zip(before, after, strict=True):
        assert abs(one.ratio_bps - other.ratio_bps) <= SLACK_BPS


@LAW
@given(st.lists(PRICES.map(tuple), min_size=1, max_size=5), SETTINGS, st.randoms())
def test_the_order_of_instruments_changes_nothing(
    columns: list[tuple[float | None, ...]], settings: Settings, chance: object
) -> None:
    length = min(map(len, columns))
    dates = tuple(date(2000, 1, 1) + timedelta(days=day) for day in range(length))
    named = {f"I{place}": column[:length] for place, column in enumerate(columns)}
    names = sorted(named)
    chance.shuffle(names)  # type: ignore[attr-defined]
    mixed = {name: named[name] for name in names}
    assert estimate_all(Closes(dates, named), settings) == estimate_all(
        Closes(dates, mixed), settings
    )


@LAW
@given(PRICES, SETTINGS)
def test_the_same_closes_give_the_same_estimates(
    prices: list[float | None], settings: Settings
) -> None:
    assert run(prices, settings) == run(list(prices), settings)


@LAW
@given(PRICES, PRICES, SETTINGS)
def test_closes_to_come_change_no_estimate(
    prices: list[float | None], later: list[float | None], settings: Settings
) -> None:
    before = run(prices, settings).estimates
    assert run([*prices, *later], settings).estimates[: len(before)] == before


@LAW
@given(PRICES, SETTINGS, st.floats(0, 0.5), st.floats(0, 0.5), st.booleans())
def test_a_greater_last_move_never_gives_a_lower_factor(
    prices: list[float | None], settings: Settings, move: float, more: float, down: object
) -> None:
    last = next((price for price in reversed(prices) if price), 1.0)
    sign = -1 if down else 1
    calm = run([*prices, last, last * (1 + sign * min(move, more))], settings).estimates
    wild = run([*prices, last, last * (1 + sign * max(move, more))], settings).estimates
    if calm:
        assert calm[-1].factor_bps <= wild[-1].factor_bps
