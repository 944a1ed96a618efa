"""What was decided on bookings and valuations of accounts; see outcomes.py."""

from __future__ import annotations

from .margin_lines import Valued
from .outcomes import Figures, Outcome
from .reasons import Rejection


class CashOutcome(Outcome):
    """A booking of cash, cash after it, and what the valuation after it changed.

    A withdrawal that is refused has its reasons, and the largest amount that would pass.
    """

    __slots__ = ("cash_e4", "largest_e4", "rejections", "valued")

    def __init__(self, sequence: int, decided_time_ns: int, cash_e4: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.cash_e4 = cash_e4
        self.valued: list[Valued] = []
        self.rejections: list[Rejection] = []
        self.largest_e4 = 0
        self.replayed = False


class PositionsOutcome(Outcome):
    """Positions are set; what the valuation after it changed."""

    __slots__ = ("valued",)

    def __init__(self, sequence: int, decided_time_ns: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.valued: list[Valued] = []
        self.replayed = False


class RevalueOutcome(Outcome):
    """Actual figures an account, None where it cannot be valued; and what that changed."""

    __slots__ = ("valuations", "valued")

    def __init__(
        self, sequence: int, decided_time_ns: int, valuations: list[Figures | None]
    ) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.valuations = valuations
        self.valued: list[Valued] = []
        self.replayed = False
