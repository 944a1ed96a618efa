"""Examples worked out by hand, and the naive model beside the real one."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.volatility import naive

from tidegate_server.volatility.model import estimate
from tidegate_server.volatility.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidegate_server.volatility.model import History

SMALL = Settings(decay_bps=5_000, floor_returns=2, least_returns=1, reference_bps=100)


def days(count: int) -> list[date]:
    return [date(2020, 1, 1) + timedelta(days=number) for number in range(count)]


def closes(*moves: float) -> list[float]:
    """Return prices from 100 on with these log returns."""
    level, found = 0.0, [100.0]
    for move in moves:
        level += move
        found.append(100 * math.exp(level))
    return found


def run(prices: Sequence[float | None], settings: Settings = SMALL) -> History:
    return estimate("X", days(len(prices)), prices, settings)


def factors(history: History) -> list[int]:
    return [one.factor_bps for one in history.estimates]


def test_one_return_is_its_own_volatility() -> None:
    (only,) = run(closes(-0.02)).estimates
    assert (only.sigma_now, only.sigma_floor) == (0.02, 0.02)
    assert (only.ratio_bps, only.factor_bps) == (20_000, 20_000)


def test_two_returns_by_hand() -> None:
    # now^2 = (0.03^2 + 0.01^2 / 2) / 1.5 = 0.00063333; floor^2 = (0.01^2 + 0.03^2) / 2 = 0.0005
    last = run(closes(0.01, 0.03)).estimates[-1]
    assert last.sigma_now == pytest.approx(math.sqrt(0.00095 / 1.5), abs=1e-9)
    assert last.sigma_floor == pytest.approx(math.sqrt(0.0005), abs=1e-9)
    assert last.ratio_bps == 25_166
    assert last.factor_bps == 27_500


def test_the_floor_holds_when_it_is_calm_now() -> None:
    # 0.02 then 0: now^2 = 0.0002 / 1.5, floor^2 = 0.0004 / 2, which is more
    last = run(closes(0.02, 0.0)).estimates[-1]
    assert last.ratio_bps == 14_142
    assert last.sigma_now < last.sigma_floor


def test_the_floor_looks_back_no_further_than_asked() -> None:
    history = run(closes(0.02, 0.0, 0.0))
    assert history.estimates[-1].sigma_floor == 0


def test_a_factor_falls_by_one_step_a_day() -> None:
    ladder = SMALL.ladder_bps
    history = run(closes(0.05, *[0.0] * 12))
    down = [ladder.index(factor) for factor in factors(history)]
    assert down[:4] == [10, 10, 9, 8]  # the floor still knows the fall on the second day
    assert down[-1] == 0


def test_an_instrument_may_have_a_reference_of_its_own() -> None:
    own = Settings(least_returns=1, references_bps={"X": 400})
    assert factors(run(closes(-0.03), own)) == [10_000]


def test_a_day_without_a_close_makes_no_estimate_and_one_return() -> None:
    whole = closes(0.01, 0.01, 0.01)
    history = run([whole[0], None, None, whole[3]])
    assert [one.day for one in history.estimates] == [days(4)[3]]
    assert history.returns == 1
    assert history.estimates[0].sigma_now == pytest.approx(0.03, abs=1e-9)


def test_after_its_last_close_an_instrument_keeps_the_estimate_of_that_day() -> None:
    history = run([*closes(0.02), None, None])
    found = history.at(days(4)[3])
    assert found is not None
    assert found.day == days(4)[1]


def test_before_its_first_estimate_there_is_none() -> None:
    assert run(closes(0.02)).at(days(1)[0]) is None


def test_a_short_history_has_no_estimate() -> None:
    settings = Settings(least_returns=3)
    assert not run(closes(0.01, 0.01), settings).estimates
    assert len(run(closes(0.01, 0.01, 0.01), settings).estimates) == 1


def test_an_outlier_counts_in_full_now_bounded_in_the_floor_and_is_reported() -> None:
    history = run(closes(-math.log(2)))
    (only,) = history.estimates
    assert only.sigma_now == pytest.approx(math.log(2), abs=1e-9)
    assert only.sigma_floor == pytest.approx(0.4, abs=1e-9)
    assert [note.text for note in history.notes] == ["-50.0 % in a day: a crash, or a split?"]


def test_a_long_pause_is_reported() -> None:
    prices = [100.0, *[None] * 10, 101.0]
    (note,) = run(prices).notes
    assert note.text == "no close for 11 days; one return over all of them"


def test_prices_that_never_move_have_the_least_factor() -> None:
    assert set(factors(run([7.0] * 5))) == {10_000}


@pytest.mark.parametrize("seed", range(6))
def test_the_naive_model_agrees(seed: int) -> None:
    chance = random.Random(seed)
    settings = Settings(
        decay_bps=chance.choice([9_400, 9_700, 5_000]),
        floor_returns=60,
        least_returns=chance.randint(1, 30),
        hysteresis_bps=chance.choice([0, 500, 2_000]),
        references_bps={"X": chance.randint(80, 400)},
    )
    wild = [chance.choice([0.004, 0.02, 0.06]) for _ in range(8)]
    moves = [chance.gauss(0, wild[day // 20]) for day in range(160)]
    moves[chance.randrange(160)] = 0.7
    history = run(closes(*moves), settings)
    found = [one.ratio_bps for one in history.estimates]
    expected = naive.ratios(closes(*moves), settings, settings.reference_of("X"))
    assert [abs(a - b) <= 0.51 for a, b in zip(found, expected, strict=True)] == [True] * len(found)
    assert factors(history) == naive.factors(found, settings)
