"""How positions of one class hedge each other under the `portfolio` margin model (6.4).

Only accounts of that model ask here.
"""

from __future__ import annotations

from .account import Account
from .commands import MODEL_PORTFOLIO
from .instrument import Instrument, Rates
from .margin.portfolio import NO_LOSSES, Losses, added, losses_of, offset_of
from .policy import Policy
from .position import Position
from .rates import rates_at


def class_losses(
    account: Account,
    without: Position | None,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
    *,
    fills_only: bool = False,
    instead: Position | None = None,
) -> dict[str, Losses]:
    """Return the losses of each class over all positions but one; all have marks.

    `instead` is a position to count in its place.
    """
    found: dict[str, Losses] = {}
    for position in account.active if instead is None else [*account.active, instead]:
        instrument = position.instrument
        name = class_of(instrument, policy)
        if not name or position is without or not instrument.mark:
            continue
        rates = rates_at(instrument, policy, regime_bps, MODEL_PORTFOLIO, now_ns)
        open_buy = 0 if fills_only else position.open_buy
        open_sell = 0 if fills_only else position.open_sell
        price = instrument.slow_mark if fills_only else instrument.high
        mine = losses_in(instrument, position.quantity, open_buy, open_sell, rates, price)
        found[name] = added(found.get(name, NO_LOSSES), mine)
    return found


def class_of(instrument: Instrument, policy: Policy) -> str:
    """Return the class that an instrument hedges in, empty for none."""
    terms = instrument.terms
    if terms.marginable and terms.margin_class in policy.margin_classes:
        return terms.margin_class
    return ""


def losses_in(
    instrument: Instrument, quantity: int, open_buy: int, open_sell: int, rates: Rates, price: int
) -> Losses:
    """Return the losses of a position in an instrument at a price."""
    return losses_of(quantity, open_buy, open_sell, price, instrument.terms.unit, rates[1])


def offsets(losses: dict[str, Losses], policy: Policy) -> int:
    """Return by how much all classes need less than their positions one by one, in e4."""
    total = 0
    for name, sums in losses.items():
        total += offset_of(sums, policy.margin_classes[name])
    return total


def account_offset(
    account: Account,
    policy: Policy,
    regime_bps: int,
    now_ns: int,
    *,
    fills_only: bool = False,
    without: Position | None = None,
    instead: Position | None = None,
) -> int:
    """Return what an account's classes need less; 0 for the other margin models."""
    if account.margin_model != MODEL_PORTFOLIO:
        return 0
    losses = class_losses(
        account, without, policy, regime_bps, now_ns, fills_only=fills_only, instead=instead
    )
    return offsets(losses, policy)
