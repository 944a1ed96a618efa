"""The study: its page is of today's model, its flow changes with the factors alone."""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING

import pytest
from bench.volatility import __main__ as study
from bench.volatility import chart, crises, flow
from rich.console import Console

from tidegate_server.sample import data
from tidegate_server.volatility.closes import Closes, read_closes
from tidegate_server.volatility.ladder import step_for
from tidegate_server.volatility.model import estimate_all
from tidegate_server.volatility.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tidegate_server.volatility.model import History

SETTINGS = Settings()
CRASH = crises.Window("crash", date(2020, 2, 20), date(2020, 3, 20))


@pytest.fixture(scope="module")
def closes() -> Closes:
    return read_closes(study.CLOSES)


@pytest.fixture(scope="module")
def histories(closes: Closes) -> dict[str, History]:
    return estimate_all(closes, SETTINGS)


@pytest.fixture(scope="module")
def mornings(closes: Closes, histories: dict[str, History]) -> list[flow.Morning]:
    return crises.mornings_of(CRASH, closes, histories)


def test_the_page_is_of_this_model_and_these_closes() -> None:
    text = (study.ROOT / "docs" / "volatility.md").read_text(encoding="utf-8")
    assert f"`{SETTINGS.model_version}`" in text, "run `make volatility`"
    assert f"`{study.digest(study.CLOSES)}`" in text, "run `make volatility`"


def test_the_factors_of_the_sample_are_the_models_on_the_last_day(
    histories: dict[str, History],
) -> None:
    last = {name: history.estimates[-1].ratio_bps for name, history in histories.items()}
    ladder = SETTINGS.ladder_bps
    for close in data.read_closes():
        assert close.factor_bps == ladder[step_for(ladder, last[close.symbol])]


def test_a_morning_knows_nothing_of_its_own_day(
    closes: Closes, mornings: list[flow.Morning]
) -> None:
    first = mornings[0]
    place = closes.dates.index(first.day)
    assert first.evening == closes.dates[place - 1]
    assert first.prices["JPM"] == closes.columns["JPM"][place - 1]


def test_with_the_same_factors_every_morning_has_the_same_verdicts(
    mornings: list[flow.Morning],
) -> None:
    steady = [one._replace(factors=mornings[0].factors) for one in mornings]
    found = list(flow.judge(sorted(mornings[0].prices), steady))
    assert 0 < found[0].rejected < found[0].orders
    assert {(one.rejected, one.shut) for one in found} == {(found[0].rejected, found[0].shut)}


def test_with_every_factor_at_one_nothing_is_rejected(mornings: list[flow.Morning]) -> None:
    calm = mornings[0]._replace(factors=dict.fromkeys(mornings[0].factors, 10_000))
    (only,) = flow.judge(sorted(calm.prices), [calm])
    assert (only.rejected, only.shut, only.reasons) == (0, frozenset(), {})


def test_a_factor_too_old_is_the_stress_factor(mornings: list[flow.Morning]) -> None:
    calm = mornings[0]._replace(
        factors=dict.fromkeys(mornings[0].factors, 10_000), evening=date(2020, 2, 14)
    )
    (only,) = flow.judge(sorted(calm.prices), [calm])
    assert only.stressed
    assert only.reasons.keys() == {"LEVERAGE"}


def test_the_cap_falls_before_the_worst_week_of_2020_and_further_in_it(
    mornings: list[flow.Morning],
) -> None:
    caps = {one.day: crises.broad_cap(one.factors) for one in mornings}
    assert caps[date(2020, 2, 20)] > caps[date(2020, 3, 6)] > caps[date(2020, 3, 16)]


def test_a_small_run_writes_page_and_charts(tmp_path: Path) -> None:
    written = study.run(study.CLOSES, tmp_path, Console(file=io.StringIO()), (CRASH,))
    names = {path.relative_to(tmp_path).as_posix() for path in written}
    assert names == {"volatility.md", "volatility/factors.svg", "volatility/crisis-crash.svg"}
    text = (tmp_path / "volatility.md").read_text(encoding="utf-8")
    assert "With every factor at 1 it rejects none of them" in text


def test_the_largest_fall_is_found(mornings: list[flow.Morning]) -> None:
    fall = crises.largest_fall("x", mornings[:4], [4.0, 2.0, 3.0, 2.0])
    assert (fall.day, fall.before, fall.after, fall.share) == (mornings[1].day, 4.0, 2.0, 0.5)


def test_accounts_pushed_over_are_those_that_were_not_the_day_before() -> None:
    first = flow.Verdicts(date(2020, 1, 2), 9, 1, frozenset("a"), {}, stressed=False)
    second = first._replace(day=date(2020, 1, 3), shut=frozenset("abc"))
    assert crises.pushed_over([first, second, first]) == [
        (date(2020, 1, 3), 2),
        (date(2020, 1, 2), 0),
    ]


def test_a_chart_is_steps_between_its_bounds() -> None:
    days = [date(2020, 1, day) for day in (1, 2, 3)]
    panel = chart.Panel("t", [chart.Line("<one>", [0, 1, 1])], 0, 1)
    drawn = chart.draw(days, [panel], None)
    assert "M58 200H452V30H846" in drawn
    assert "&lt;one&gt;" in drawn
