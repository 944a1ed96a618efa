"""What the factors did around the crises, as figures."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from statistics import fmean, median
from typing import Final, NamedTuple

from bench.volatility.flow import COLLAR_BPS, LEVERAGE_CAP_BPS, Morning, Verdicts, judge

from tidegate_server.engine.amounts import scale_up, unscale_down
from tidegate_server.volatility.closes import Closes
from tidegate_server.volatility.model import History

WEEK: Final = 5
CALM_MORNINGS: Final = 125
"""The level before a crisis is the median of this many mornings at the start of its window."""
TIGHTENED: Final = 0.9


class Window(NamedTuple):
    """A stretch of days with a crisis in it."""

    name: str
    first: date
    last: date


WINDOWS: Final = (
    Window("2000", date(1999, 1, 4), date(2001, 8, 31)),
    Window("2002", date(2001, 9, 4), date(2002, 12, 31)),
    Window("2008", date(2006, 7, 3), date(2009, 6, 30)),
    Window("2020", date(2019, 1, 2), date(2020, 12, 31)),
)


class Fall(NamedTuple):
    """The largest fall of something from one morning to the next."""

    day: date
    name: str
    before: float
    after: float

    @property
    def share(self) -> float:
        """How much of it was lost."""
        return 1 - self.after / self.before


class Level(NamedTuple):
    """Thresholds and verdicts of one morning, or of many."""

    cap: float  # the greatest leverage of an equal-weighted portfolio
    collar_bps: float  # of the median instrument
    rejected: float  # share of the flow


class Crisis(NamedTuple):
    """One window, worked out. Lists have an entry a morning."""

    window: Window
    mornings: list[Morning]
    verdicts: list[Verdicts]
    caps: list[float]
    collars: list[tuple[float, float, float]]  # least, median, greatest, bps
    week: tuple[date, date]
    week_return: float
    calm: Level
    at_week: Level
    tightest: Level
    tightest_day: date
    #: Mornings on end before the week on which the cap was at most 90 % of the calm level.
    ahead: int
    broad_fall: Fall
    smooth_fall: Fall  # of the broad cap, if the ratio itself were the factor
    single_fall: Fall
    pushed: tuple[date, int]  # most accounts shut at once
    pushed_in_week: int
    #: Of a morning's orders, how many are rejected if every factor is 1.
    rejected_unscaled: int


def work_out(window: Window, closes: Closes, histories: Mapping[str, History]) -> Crisis:
    """Judge the flow on every morning of a window and say what happened."""
    mornings = mornings_of(window, closes, histories)
    verdicts = list(judge(sorted(mornings[0].prices), mornings))
    caps = [broad_cap(morning.factors) for morning in mornings]
    collars = [_collars(morning.factors) for morning in mornings]
    start, week_return = worst_week(mornings, closes)
    week = mornings[start].day, mornings[start + WEEK - 1].day
    shares = [one.rejected / one.orders for one in verdicts]
    levels = [Level(c, m, s) for c, (_, m, _), s in zip(caps, collars, shares, strict=True)]
    calm = Level(*(median(figure) for figure in zip(*levels[:CALM_MORNINGS], strict=True)))
    tightest = min(range(len(caps)), key=caps.__getitem__)
    pushed = pushed_over(verdicts)
    return Crisis(
        window,
        mornings,
        verdicts,
        caps,
        collars,
        week,
        week_return,
        calm,
        levels[start],
        levels[tightest],
        mornings[tightest].day,
        _ahead(caps[: start + 1], calm.cap * TIGHTENED),
        largest_fall("broad", mornings, caps),
        largest_fall("broad", mornings, smooth_caps(mornings, histories)),
        _single_fall(mornings),
        max(pushed, key=lambda one: one[1]),
        max((count for day, count in pushed if week[0] <= day <= week[1]), default=0),
        next(judge(sorted(mornings[0].prices), [_unscaled(mornings[0])])).rejected,
    )


def mornings_of(window: Window, closes: Closes, histories: Mapping[str, History]) -> list[Morning]:
    """Return the mornings of a window with the closes and factors of the evening before."""
    found = []
    for place, day in enumerate(closes.dates):
        if place and window.first <= day <= window.last:
            evening = closes.dates[place - 1]
            prices = {name: column[place - 1] for name, column in closes.columns.items()}
            factors = {name: history.at(evening) for name, history in histories.items()}
            found.append(
                Morning(
                    day,
                    evening,
                    {name: price for name, price in prices.items() if price is not None},
                    {name: one.factor_bps for name, one in factors.items() if one is not None},
                )
            )
    return found


def broad_cap(factors: Mapping[str, int]) -> float:
    """Return the leverage that the cap leaves an equal-weighted portfolio of all instruments."""
    return LEVERAGE_CAP_BPS / fmean(factors.values())


def smooth_caps(mornings: Sequence[Morning], histories: Mapping[str, History]) -> list[float]:
    """Return the same for every morning, with neither ladder nor hysteresis."""
    greatest = max(one.factor_bps for history in histories.values() for one in history.estimates)
    found = []
    for morning in mornings:
        ratios = [histories[name].at(morning.evening) for name in morning.factors]
        clipped = [min(max(one.ratio_bps, 10_000), greatest) for one in ratios if one is not None]
        found.append(LEVERAGE_CAP_BPS / fmean(clipped))
    return found


def cap_of(factor_bps: int) -> int:
    """Return the leverage cap of a portfolio of one instrument, in bps, as the engine scales it."""
    return unscale_down(LEVERAGE_CAP_BPS, factor_bps)


def largest_fall(name: str, mornings: Sequence[Morning], values: Sequence[float]) -> Fall:
    """Return the greatest relative fall between two mornings that follow each other."""
    falls = (
        Fall(morning.day, name, before, after)
        for morning, before, after in zip(mornings[1:], values, values[1:], strict=False)
    )
    return max(falls, key=lambda fall: fall.share)


def pushed_over(verdicts: Sequence[Verdicts]) -> list[tuple[date, int]]:
    """Count accounts of which an order is rejected today and none was yesterday."""
    return [
        (after.day, len(after.shut - before.shut)) for before, after in itertools.pairwise(verdicts)
    ]


def worst_week(mornings: Sequence[Morning], closes: Closes) -> tuple[int, float]:
    """Return where the five days with the lowest equal-weighted return begin, and the return."""
    place_of = {day: place for place, day in enumerate(closes.dates)}
    growth = []
    for morning in mornings:
        place = place_of[morning.day]
        moves = [
            column[place] / column[place - 1]  # type: ignore[operator]  # the study has no gaps
            for column in closes.columns.values()
        ]
        growth.append(fmean(moves))
    found = []
    for start in range(len(growth) - WEEK + 1):
        product = 1.0
        for day in growth[start : start + WEEK]:
            product *= day
        found.append((product - 1, start))
    least, start = min(found)
    return start, least


def _unscaled(morning: Morning) -> Morning:
    return morning._replace(factors=dict.fromkeys(morning.factors, 10_000))


def _single_fall(mornings: Sequence[Morning]) -> Fall:
    return max(
        (
            largest_fall(name, mornings, [cap_of(one.factors[name]) / 10_000 for one in mornings])
            for name in sorted(mornings[0].factors)
        ),
        key=lambda fall: fall.share,
    )


def _collars(factors: Mapping[str, int]) -> tuple[float, float, float]:
    scaled = [scale_up(COLLAR_BPS, factor) for factor in factors.values()]
    return min(scaled), median(scaled), max(scaled)


def _ahead(caps: Sequence[float], level: float) -> int:
    """Count the mornings on end up to the last one with a cap of at most a level."""
    count = 0
    for cap in reversed(caps):
        if cap > level:
            break
        count += 1
    return count


class Whole(NamedTuple):
    """What the factors did in all the years."""

    first: date
    last: date
    estimates: int
    floor_share: float  # of the estimates: the floor was above what it was now
    cap_share: float  # the ratio was beyond the last step
    changes: float  # an instrument and year
    changes_without: float  # the same without hysteresis
    rises: dict[int, int]  # steps at once, and how often


def overview(
    histories: Mapping[str, History], without: Mapping[str, History], ladder: Sequence[int]
) -> Whole:
    """Count over all instruments and days."""
    every = [one for history in histories.values() for one in history.estimates]
    rises: dict[int, int] = {}
    for history in histories.values():
        for before, after in zip(history.estimates, history.estimates[1:], strict=False):
            rise = ladder.index(after.factor_bps) - ladder.index(before.factor_bps)
            if rise > 0:
                rises[rise] = rises.get(rise, 0) + 1
    return Whole(
        min(one.day for one in every),
        max(one.day for one in every),
        len(every),
        sum(one.sigma_floor > one.sigma_now for one in every) / len(every),
        sum(one.ratio_bps > ladder[-1] for one in every) / len(every),
        _changes(histories) * 252 / len(every),
        _changes(without) * 252 / len(every),
        dict(sorted(rises.items())),
    )


def _changes(histories: Mapping[str, History]) -> int:
    return sum(
        before.factor_bps != after.factor_bps
        for history in histories.values()
        for before, after in zip(history.estimates, history.estimates[1:], strict=False)
    )
