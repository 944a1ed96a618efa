"""The `leveraged` margin model (6.1): the instrument's own rates, raised by volatility (5.2)."""

from __future__ import annotations

from ..amounts import ONE, scale_up  # noqa: TID252 - one level up is this room
from ..instrument_terms import InstrumentTerms  # noqa: TID252 - the same


def own_rates(terms: InstrumentTerms) -> tuple[int, int, int, int]:
    """Return the instrument's initial long, short, maintenance long, short rates, in bps.

    An absent rate counts as 100 % of what is held; an order that needs it is refused elsewhere. An
    absent maintenance rate counts as the initial one.
    """
    if not terms.marginable:
        return ONE, ONE, ONE, ONE
    initial_long = ONE if terms.initial_long_bps < 0 else terms.initial_long_bps
    initial_short = ONE if terms.initial_short_bps < 0 else terms.initial_short_bps
    maintenance_long = terms.maintenance_long_bps
    maintenance_short = terms.maintenance_short_bps
    return (
        initial_long,
        initial_short,
        initial_long if maintenance_long < 0 else maintenance_long,
        initial_short if maintenance_short < 0 else maintenance_short,
    )


def effective_rates(terms: InstrumentTerms, factor: int) -> tuple[int, int, int, int, int]:
    """Return v_eff and the four rates under it, in bps."""
    initial_long, initial_short, maintenance_long, maintenance_short = own_rates(terms)
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
