"""One report that is kept (7.1)."""

from __future__ import annotations

from .cn.changes import Change


class EventEntry:
    """One event id that is kept; of a fill also what a bust must undo."""

    __slots__ = ("busted", "cash_change", "change", "fill_quantity", "instrument_id", "trade_date")

    def __init__(self, trade_date: int) -> None:
        self.trade_date = trade_date
        self.instrument_id = ""
        self.fill_quantity = 0
        self.cash_change = 0
        self.change: Change | None = None
        self.busted = False
