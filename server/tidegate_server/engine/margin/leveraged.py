"""The `leveraged` margin model (6.1): the instrument's own rates, raised by volatility (5.2)."""

from __future__ import annotations

from ..amounts import ONE, scale_up  # noqa: TID252 - one level up is this room
from ..commands import InstrumentTerms  # noqa: TID252 - the same


def effective_rates(terms: InstrumentTerms, factor: int) -> tuple[int, int, int, int, int]:
    """Return v_eff and the initial long, short, maintenance long, short rates under it, in bps.

    An absent rate counts as 100 % of what is held; an order that needs it is refused elsewhere. An
    absent maintenance rate counts as the initial one.
    """
    if not terms.marginable:
        initial_long = initial_short = maintenance_long = maintenance_short = ONE
    else:
        initial_long = ONE if terms.initial_long_bps < 0 else terms.initial_long_bps
        initial_short = ONE if terms.initial_short_bps < 0 else terms.initial_short_bps
        maintenance_long = terms.maintenance_long_bps
        maintenance_short = terms.maintenance_short_bps
        if maintenance_long < 0:
            maintenance_long = initial_long
        if maintenance_short < 0:
            maintenance_short = initial_short
    return (
        factor,
        raised(initial_long, factor),
        raised(initial_short, factor),
        raised(maintenance_long, factor),
        raised(maintenance_short, factor),
    )


def raised(rate: int, factor: int) -> int:
    """Return a rate scaled by v_eff, at most 100 % or the rate itself if that is higher (5.2)."""
    return min(max(ONE, rate), scale_up(rate, factor))
