"""Dates as YYYYMMDD: a call must name one that is in the calendar.

The day moves forward only, so a date that no calendar has could never be taken back. Records are
read without asking: an older program took such a date, and its journal must still start.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from .validation import Problems

if TYPE_CHECKING:
    from tidegate_server.engine.commands import RecordOrderEvents
    from tidegate_server.engine.market_commands import RollDay


def need_date(problems: Problems, field: str, value: int) -> None:
    """Note a number that is no date."""
    try:
        date(value // 10_000, value // 100 % 100, value % 100)
    except ValueError:
        problems.add(field, "must be a date of the calendar as YYYYMMDD")


def vet_roll(command: RollDay) -> None:
    """Raise MalformedError unless the day that begins exists."""
    problems = Problems()
    need_date(problems, "trading_date", command.trading_date)
    problems.refuse()


def vet_events(command: RecordOrderEvents) -> None:
    """Raise MalformedError unless every trade date exists; 0 is the gate's own."""
    problems = Problems()
    for index, event in enumerate(command.events):
        if event.trade_date:
            need_date(problems, f"events[{index}].trade_date", event.trade_date)
    problems.refuse()
