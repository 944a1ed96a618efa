"""What was decided on what the market says; see outcomes.py."""

from __future__ import annotations

from .outcomes import Outcome


class MarksOutcome(Outcome):
    """Per mark: slow mark, its time, the mark's time; all 0 where it was not applied."""

    __slots__ = ("moves",)

    def __init__(
        self, sequence: int, decided_time_ns: int, moves: list[tuple[int, int, int]]
    ) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.moves = moves
        self.replayed = False


class FactorsOutcome(Outcome):
    """Per factor: its time as taken; 0 where it was not applied."""

    __slots__ = ("times",)

    def __init__(self, sequence: int, decided_time_ns: int, times: list[int]) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.times = times
        self.replayed = False


class RegimeOutcome(Outcome):
    """The regime stands, with its multiplier."""

    __slots__ = ("regime_bps",)

    def __init__(self, sequence: int, decided_time_ns: int, regime_bps: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.regime_bps = regime_bps
        self.replayed = False


class RollOutcome(Outcome):
    """The day has begun; the date that ended, 0 for none."""

    __slots__ = ("previous_date",)

    def __init__(self, sequence: int, decided_time_ns: int, previous_date: int) -> None:
        self.sequence = sequence
        self.decided_time_ns = decided_time_ns
        self.previous_date = previous_date
        self.replayed = False
