"""What volatility and regime make of an instrument's margin rates, by margin model (5.2)."""

from __future__ import annotations

from .amounts import ONE, RATIO_BOUND, scale_up
from .cn.rules import effective_haircut
from .commands import (
    MODEL_CN_MARGIN,
    MODEL_LEVERAGED,
    REGIME_ELEVATED,
    REGIME_HALTED,
    REGIME_STRESSED,
)
from .instrument import Instrument, Rates
from .margin.models import effective_rates
from .policy import Policy
from .state import Book


def rates_of(
    instrument: Instrument, policy: Policy, regime_bps: int, model: int, *, stressed: bool
) -> Rates:
    """Return v_eff and the effective margin rates (a memo); stressed: the factor is stale (5.1)."""
    if model != MODEL_LEVERAGED:
        return rates_in_model(instrument, policy, regime_bps, model, stressed=stressed)
    if stressed:
        if instrument.stressed_rates is None:
            instrument.stressed_rates = rates_now(instrument, policy, regime_bps, model, stressed)
        return instrument.stressed_rates
    if instrument.rates is None:
        instrument.rates = rates_now(instrument, policy, regime_bps, model, stressed)
    return instrument.rates


def known_rates(instrument: Instrument, model: int) -> Rates | None:
    """Return as `rates_of` of a factor that is not stale, None where it was not worked out yet."""
    if model == MODEL_LEVERAGED:
        return instrument.rates
    return instrument.rates_by_model.get((model, False))


def rates_at(
    instrument: Instrument, policy: Policy, regime_bps: int, model: int, now_ns: int
) -> Rates:
    """Return as `rates_of` at a time: too old a factor is a stressed one."""
    stressed = now_ns > instrument.factor_time_ns + policy.max_volatility_age_ns
    return rates_of(instrument, policy, regime_bps, model, stressed=stressed)


def rates_in_model(
    instrument: Instrument, policy: Policy, regime_bps: int, model: int, *, stressed: bool
) -> Rates:
    """Return as `rates_of` for an account of another model than the common one."""
    key = (model, stressed)
    rates = instrument.rates_by_model.get(key)
    if rates is None:
        rates = rates_now(instrument, policy, regime_bps, model, stressed)
        instrument.rates_by_model[key] = rates
    return rates


def rates_now(
    instrument: Instrument,
    policy: Policy,
    regime_bps: int,
    model: int,
    stressed: bool,  # noqa: FBT001 - passed on by the two that keep the result
) -> Rates:
    """Work out v_eff and the effective margin rates of a model."""
    factor = max(instrument.factor_bps, ONE, policy.stress_factor_bps if stressed else ONE)
    factor = scaled_factor(factor, regime_bps)
    if model == MODEL_CN_MARGIN:  # in the place of the rates stands the haircut
        dealing = instrument.terms.dealing
        credit = policy.credit
        haircut = effective_haircut(credit, dealing, factor) if instrument.terms.marginable else 0
        return factor, haircut, 0, 0, 0
    return effective_rates(model, instrument.terms, factor)


def scaled_factor(factor_bps: int, regime_bps: int) -> int:
    """Return v_eff: the factor times the regime, from 10 000 up to the bound of ratios (5.2)."""
    return min(max(ONE, scale_up(factor_bps, regime_bps)), RATIO_BOUND)


def forget_rates(book: Book) -> None:
    """Drop every memo that follows from policy or regime."""
    for instrument in book.instruments.values():
        instrument.changed(book)


def regime_multiplier(book: Book, policy: Policy) -> int:
    """Return what the regime multiplies factors by, in bps (5.2)."""
    if book.regime == REGIME_ELEVATED:
        return policy.elevated_regime_bps
    if book.regime in (REGIME_STRESSED, REGIME_HALTED):
        return policy.stressed_regime_bps
    return ONE
