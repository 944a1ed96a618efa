"""Where an account stands as a command touches it (2.7): its actual figures, lines and references.

A judgement reads this, not the account: what the valuation before it changes is applied with the
order's outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .margin_lines import NEVER
from .valuing import Held, valued

if TYPE_CHECKING:
    from .account import Account
    from .effective import Effective


class Footing:
    """Actual figures in e4 (3.7), zero where they cannot be known, and what follows from them."""

    __slots__ = ("assets", "change", "debt", "equity", "high_water", "lines", "start_of_day")

    def __init__(self, account: Account, limits: Effective, held: Held | None) -> None:
        self.lines = account.lines
        self.high_water = account.high_water
        self.start_of_day = account.start_of_day_equity
        self.change = None
        self.assets = self.debt = self.equity = 0
        if held is None:
            return
        cash = account.cash
        owed = held[1] + account.interest_and_fees
        self.assets = held[0] + (cash if cash > 0 else 0)
        self.debt = owed - (cash if cash < 0 else 0)
        self.equity = self.assets - self.debt
        self.change = change = valued(account, limits, cash, held[0], owed)
        if change is None:
            return
        if change.lines >= 0:
            self.lines = change.lines
        if change.high_water != NEVER:
            self.high_water = change.high_water
        if change.start_of_day is not None:
            self.start_of_day = change.start_of_day
