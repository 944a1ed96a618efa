"""The `reg_t` margin model (6.2): Regulation T's initial and FINRA rule 4210's maintenance margin.

Rates are at least 50 % initial, 25 % maintenance long and 30 % short. A short requires at least
5.00 a share where the mark is 5.00 or more, else its whole value and at least 2.50 a share. Who
owes anything needs an equity of 2 000.
"""

from __future__ import annotations

from typing import Final

from ..amounts import raw_up  # noqa: TID252 - one level up is this room
from ..instrument_terms import InstrumentTerms  # noqa: TID252 - the same
from ..lines import Line  # noqa: TID252 - the same
from .leveraged import own_rates, raised

INITIAL_BPS: Final = 5_000
MAINTENANCE_LONG_BPS: Final = 2_500
MAINTENANCE_SHORT_BPS: Final = 3_000
SHARE_E4: Final = 50_000
CHEAP_SHARE_E4: Final = 25_000
LEAST_EQUITY_E4: Final = 20_000_000


def effective_rates(terms: InstrumentTerms, factor: int) -> tuple[int, int, int, int, int]:
    """Return v_eff and the four rates under it, in bps: the instrument's, or the regulation's."""
    initial_long, initial_short, maintenance_long, maintenance_short = own_rates(terms)
    return (
        factor,
        raised(max(INITIAL_BPS, initial_long), factor),
        raised(max(INITIAL_BPS, initial_short), factor),
        raised(max(MAINTENANCE_LONG_BPS, maintenance_long), factor),
        raised(max(MAINTENANCE_SHORT_BPS, maintenance_short), factor),
    )


def with_share_floor(line: Line, shorts: int, mark: int, high: int, unit: int) -> Line:
    """Return a line whose requirements are at least those of so many shares short, in units."""
    initial = line[5]
    maintenance = line[6]
    if shorts > 0:
        if mark >= SHARE_E4:
            floor = raw_up(shorts * SHARE_E4, unit)
        else:
            floor = raw_up(shorts * (high if high > CHEAP_SHARE_E4 else CHEAP_SHARE_E4), unit)
        if floor > maintenance:
            maintenance = floor
    if maintenance > initial:
        initial = maintenance
    return (*line[:5], initial, maintenance, line[7], line[8])
