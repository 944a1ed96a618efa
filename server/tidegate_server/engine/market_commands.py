"""What the market and those who watch it say: marks, instruments, factors, sessions, the day."""

from __future__ import annotations

from .commands import Command
from .instrument_terms import InstrumentTerms


class UpdateMarks(Command):
    """Marks: (instrument id, price e4, time ns or 0 for now)."""

    __slots__ = ("marks",)

    def __init__(self, principal: str, marks: list[tuple[str, int, int]]) -> None:
        self.principal = principal
        self.marks = marks


class UpsertInstruments(Command):
    """Instruments to create or replace."""

    __slots__ = ("instruments",)

    def __init__(self, principal: str, instruments: list[InstrumentTerms]) -> None:
        self.principal = principal
        self.instruments = instruments


class UpdateVolatility(Command):
    """Volatility factors: (instrument id, factor bps, time ns or 0 for now)."""

    __slots__ = ("factors", "model_version")

    def __init__(
        self, principal: str, factors: list[tuple[str, int, int]], model_version: str
    ) -> None:
        self.principal = principal
        self.factors = factors
        self.model_version = model_version


class SetSession(Command):
    """A board's trading sessions: (open ns, close ns), in order."""

    __slots__ = ("board", "sessions")

    def __init__(self, principal: str, board: str, sessions: list[tuple[int, int]]) -> None:
        self.principal = principal
        self.board = board
        self.sessions = sessions


class SetRegime(Command):
    """The market-wide regime."""

    __slots__ = ("reason", "regime")

    def __init__(self, principal: str, regime: int, reason: str) -> None:
        self.principal = principal
        self.regime = regime
        self.reason = reason


class RollDay(Command):
    """A new trading day, as YYYYMMDD."""

    __slots__ = ("trading_date",)

    def __init__(self, principal: str, trading_date: int) -> None:
        self.principal = principal
        self.trading_date = trading_date
