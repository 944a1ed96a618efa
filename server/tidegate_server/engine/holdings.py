"""An account while its liquidation is planned: what can be used, and where that leads (8.6)."""

from __future__ import annotations

from typing import Final

from .amounts import lower_ratio_bps, raw_down, raw_up, scale_up
from .instrument import Instrument

VOLUME_PART: Final = 10  # a stage may be a tenth of a day's volume


class Holding:
    """A position that can be used: what is left of it and how much of that is free, unsigned.

    `band` is the one of its weight in the account's gross as the stage begins, 0 for none (5.4).
    """

    __slots__ = ("band", "factor", "free", "gross_price", "instrument", "price", "quantity", "unit")

    def __init__(
        self, instrument: Instrument, quantity: int, free: int, factor: int, *, credit: bool
    ) -> None:
        self.instrument = instrument
        self.quantity = quantity
        self.free = free
        self.factor = factor
        self.band = 0
        # Actual figures are at the slow mark (3.7), those of contracts as their page says (6.3).
        self.price = self.gross_price = instrument.slow_mark
        if credit:
            self.gross_price = instrument.high
            self.price = instrument.low if quantity > 0 else instrument.high
        self.unit = instrument.terms.unit

    def value(self, quantity: int) -> int:
        """Return what so much is held at or owed at."""
        raw = quantity * self.price
        return raw_down(raw, self.unit) if self.quantity > 0 else raw_up(raw, self.unit)

    def gross(self, quantity: int) -> int:
        """Return the gross of so much of it (3.5)."""
        return raw_up(quantity * self.gross_price, self.unit)

    def largest(self) -> int:
        """Return the most that one stage takes: whole steps, or all if that is no more."""
        step = self.instrument.terms.quantity_step
        volume = self.instrument.terms.average_volume
        most = max(step, volume // VOLUME_PART if volume > 0 else 0)
        return self.free if self.free <= most else most // step * step


class Balance:
    """The account while it is planned for: cash, long and short value, gross and dues, in e4."""

    __slots__ = ("cash", "due", "gross", "held", "owed", "target_bps")

    def __init__(self, cash: int, due: int, target_bps: int) -> None:
        self.cash = cash
        self.due = due
        self.gross = 0
        self.held = 0
        self.owed = 0
        self.target_bps = target_bps

    def debt(self) -> int:
        """Return what is owed."""
        return self.owed + self.due + (-self.cash if self.cash < 0 else 0)

    def shortfall(self) -> int:
        """Return what assets lack of the target; 0 at the target and without debt."""
        debt = self.debt()
        assets = self.held + (self.cash if self.cash > 0 else 0)
        return max(0, scale_up(debt, self.target_bps) - assets) if debt > 0 else 0

    def lacking(self, _holding: Holding) -> int:
        """Return what a trade of a position is to bring down."""
        return self.shortfall()

    def most(self, holding: Holding) -> int:
        """Return the most that a stage can take of a position."""
        return holding.largest()

    def kind_of(self, _holding: Holding) -> int:
        """Return the kind of an order in a position; 0 for none."""
        return 0

    def ratio_bps(self) -> int:
        """Return assets over debt, rounded down; -1 without debt."""
        debt = self.debt()
        assets = self.held + (self.cash if self.cash > 0 else 0)
        return lower_ratio_bps(assets, debt) if debt > 0 else -1

    def add(self, quantity: int, value: int) -> None:
        """Add the value of a position to its side."""
        if quantity > 0:
            self.held += value
        else:
            self.owed += value

    def use(self, _holding: Holding) -> None:
        """Note a position that can be traded."""

    def after(self, holding: Holding, quantity: int) -> Balance:
        """Return where the account stands once so much of a position is gone."""
        then = Balance(self.cash, self.due, self.target_bps)
        then.held = self.held
        then.owed = self.owed
        left = abs(holding.quantity) - quantity
        then.gross = self.gross - holding.gross(left + quantity) + holding.gross(left)
        then.add(holding.quantity, holding.value(left) - holding.value(left + quantity))
        amount = holding.value(quantity)
        then.cash += amount if holding.quantity > 0 else -amount
        return then


def compared(one: Holding, other: Holding) -> int:
    """Order holdings: volatility and weight falling, share of volume rising (unknown last), id."""
    if one.factor != other.factor:
        return other.factor - one.factor
    if one.band != other.band:
        return other.band - one.band
    volume = one.instrument.terms.average_volume
    others = other.instrument.terms.average_volume
    if volume > 0 and others > 0:
        share = abs(one.quantity) * others - abs(other.quantity) * volume
        if share:
            return share
    elif volume > 0 or others > 0:
        return -1 if volume > 0 else 1
    name, other_name = one.instrument.instrument_id, other.instrument.instrument_id
    if name == other_name:  # what is held before what is owed (6.3)
        return other.quantity - one.quantity
    return -1 if name < other_name else 1
