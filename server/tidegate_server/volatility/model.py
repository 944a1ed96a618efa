"""The model: from closes to a volatility factor an instrument and day (rulebook 5.1).

With r_t = ln(close_t / close_t-1), every sum over the returns up to today, the newest k = 0:

    sigma_now^2   = sum(L^k r_t-k^2) / sum(L^k)       L = 0.94, mean taken as 0
    sigma_floor^2 = mean of min(|r|, outlier)^2 over the last 2 520 returns, or all if fewer
    ratio         = max(sigma_now, sigma_floor) / sigma_ref
    factor        = the ladder's step for the ratio, at least 1, at most the cap

L = 0.94 for daily data is RiskMetrics' (J.P. Morgan, Technical Document, 1996). Its recursion
s_t = L s_t-1 + (1 - L) r_t^2 is the same sum with a seed; here the weights are summed too, so there
is no seed to choose, and after the 250 returns asked for the two differ by less than 10^-6. The
long-run level as a floor over ten years is option (c) of Article 28(1) of the EU's Regulation
153/2013 on margins of clearing houses, against limits that loosen without bound while it is calm.

What the data may bring:

- Too few returns: no estimate, so nothing is sent, and the gate's stress factor applies (5.1).
- A day without a close: no return and no step that day; the next close makes one return over the
  whole gap, not divided by its length. The factor keeps the date of its last close and ages, and
  past the age that the policy allows the gate's stress factor applies.
- A return beyond the outlier bound may be a crash or a split that nobody adjusted for: Apple lost
  52 % on 2000-09-29, more than a split of 2 for 1. It counts in full in sigma_now, because a real
  crash must tighten at once and a false one fades in weeks; in the floor, where it would hold the
  limits down for ten years, it counts as the bound. It is always reported.

Returns are rounded to 10^-9, so that their squares and the sums of the floor are exact integers:
the floor of a day does not depend on where the file begins, nor does any figure on the order of
instruments. The one irrational step left is the logarithm.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from tidegate_server.volatility.ladder import next_step
from tidegate_server.volatility.settings import ONE, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tidegate_server.volatility.closes import Closes

NANO: Final = 10**9
_NANO_A_BP: Final = NANO // ONE
LONGEST_PAUSE_DAYS: Final = 10
"""More calendar days than this between two closes are reported; no market pauses so long."""


class Estimate(NamedTuple):
    """One instrument's factor from the closes up to one day."""

    day: date
    close: float
    #: How many returns there were so far.
    returns: int
    #: Standard deviation of one day's return, 1.0 being 100 %: the weighted one, the long-run one.
    sigma_now: float
    sigma_floor: float
    #: The greater of them over the reference, before ladder and cap.
    ratio_bps: int
    factor_bps: int


class Note(NamedTuple):
    """Something in the data that a person should look at."""

    day: date
    text: str


class History(NamedTuple):
    """All estimates of one instrument, by rising day."""

    instrument_id: str
    estimates: tuple[Estimate, ...]
    returns: int
    notes: tuple[Note, ...]

    def at(self, day: date) -> Estimate | None:
        """Return the estimate that holds after the close of a day; None if there is none yet."""
        place = bisect_right(self.estimates, day, key=lambda estimate: estimate.day)
        return self.estimates[place - 1] if place else None


def estimate_all(closes: Closes, settings: Settings) -> dict[str, History]:
    """Estimate every instrument of the file; each is on its own."""
    return {
        instrument_id: estimate(instrument_id, closes.dates, prices, settings)
        for instrument_id, prices in closes.columns.items()
    }


def estimate(
    instrument_id: str,
    dates: Sequence[date],
    prices: Sequence[float | None],
    settings: Settings,
) -> History:
    """Estimate one instrument; prices are positive or None, dates rise."""
    found: list[Estimate] = []
    notes: list[Note] = []
    running = _Running(settings, settings.reference_of(instrument_id))
    last: tuple[date, float] | None = None
    for day, close in zip(dates, prices, strict=True):
        if close is None:
            continue
        if last is not None:
            pause = (day - last[0]).days
            if pause > LONGEST_PAUSE_DAYS:
                notes.append(Note(day, f"no close for {pause} days; one return over all of them"))
            move = round(math.log(close / last[1]) * NANO)
            if running.take(move):
                percent = 100 * (close / last[1] - 1)
                notes.append(Note(day, f"{percent:+.1f} % in a day: a crash, or a split?"))
            if running.returns >= settings.least_returns:
                found.append(running.estimate(day, close))
        last = day, close
    return History(instrument_id, tuple(found), running.returns, tuple(notes))


class _Running:
    """The sums of one instrument. Returns are integers in 10^-9."""

    def __init__(self, settings: Settings, reference_bps: int) -> None:
        self.returns = 0
        self._settings = settings
        self._decay = settings.decay_bps / ONE
        self._reference = reference_bps * _NANO_A_BP
        self._outlier = settings.outlier_bps * _NANO_A_BP
        self._weighted = 0.0  # sum of L^k r^2
        self._weight = 0.0  # sum of L^k
        self._window: deque[int] = deque()
        self._total = 0  # of the window, exact
        self._step: int | None = None

    def take(self, move: int) -> bool:
        """Add a return; tell whether it is an outlier."""
        self.returns += 1
        self._weighted = self._decay * self._weighted + move * move
        self._weight = self._decay * self._weight + 1.0
        bounded = min(abs(move), self._outlier)
        self._window.append(bounded * bounded)
        self._total += bounded * bounded
        if len(self._window) > self._settings.floor_returns:
            self._total -= self._window.popleft()
        return abs(move) > self._outlier

    def estimate(self, day: date, close: float) -> Estimate:
        """Move along the ladder; call it once a day."""
        settings = self._settings
        now = math.sqrt(self._weighted / self._weight)
        floor = math.sqrt(self._total / len(self._window))
        # To the nearest: a ratio that is exactly a step must not be pushed over it by a last bit.
        ratio_bps = round(max(now, floor) * ONE / self._reference)
        self._step = next_step(settings.ladder_bps, self._step, ratio_bps, settings.hysteresis_bps)
        factor_bps = settings.ladder_bps[self._step]
        return Estimate(day, close, self.returns, now / NANO, floor / NANO, ratio_bps, factor_bps)
