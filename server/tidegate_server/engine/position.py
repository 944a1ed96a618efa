"""What an account holds and has open of one instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cn.contracts import Holding
from .instrument import Instrument
from .ladders import Ladder
from .lines import NO_LINE, Line
from .order import Order

if TYPE_CHECKING:
    from .add_on_memos import AddOnMemo


class Position:
    """What an account holds and has open of one instrument.

    Notionals and `day_traded` are raw: sums of price x quantity, not yet divided. Memos: `line`
    (its projected figures) and the instrument's revision that it was worked out at, one more if
    with the stressed factor; a changed position has the line revision -1, a flat one no line; what
    add-ons require of it, which says itself while what it holds (add_on_memos.py); and the ladders
    of its own resting orders, while 4.17 asks for them and for no group's.
    `bought_today`: the fills that the account keeps, busted ones not counted (4.19).
    """

    __slots__ = (
        "add_on_memo",
        "bought_today",
        "buy_ladder",
        "buy_notional",
        "day_traded",
        "holding",
        "instrument",
        "line",
        "line_revision",
        "open_buy",
        "open_sell",
        "quantity",
        "sell_ladder",
        "sell_notional",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.quantity = 0
        self.open_buy = 0
        self.open_sell = 0
        self.buy_notional = 0
        self.sell_notional = 0
        self.day_traded = 0
        self.bought_today = 0
        self.holding: Holding | None = None
        self.line: Line = NO_LINE
        self.line_revision = -1
        self.add_on_memo: AddOnMemo | None = None
        self.buy_ladder: Ladder[Order] | None = None
        self.sell_ladder: Ladder[Order] | None = None

    def is_flat(self) -> bool:
        """Tell whether nothing is held or open."""
        if self.quantity or self.open_buy or self.open_sell:
            return False
        return self.holding is None or not self.holding.contracts

    def holds(self) -> bool:
        """Tell whether anything is held or owed, open orders left out."""
        if self.quantity:
            return True
        return self.holding is not None and bool(self.holding.contracts)

    def short(self) -> int:
        """Return what would be short with every open sale filled and no open buy (4.19)."""
        if self.holding is not None:
            return self.holding.owed + self.holding.open_short
        short = self.open_sell - self.quantity
        return short if short > 0 else 0

    def reach(self) -> int:
        """Return how much is long or short once the open orders of one side are filled (4.18)."""
        bought = self.quantity + self.open_buy
        sold = self.open_sell - self.quantity
        holding = self.holding
        if holding is not None:  # what is held and what is owed never net (6.3)
            bought = self.quantity + holding.open_long
            sold = holding.owed + holding.open_short
        return bought if bought > sold else sold

    def turnover(self) -> int:
        """Return today's fills and what is open, at their prices, in e4 (4.16)."""
        raw = self.day_traded + self.buy_notional + self.sell_notional
        unit = self.instrument.terms.unit
        return raw if unit == 1 else (raw + unit - 1) // unit
