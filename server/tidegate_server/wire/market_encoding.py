"""Outcomes of what the market says to responses and effects, and back; see encoding.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import (
    journal_pb2,
    market_service_pb2,
)
from tidegate_server.engine.market_outcomes import (
    FactorsOutcome,
    MarksOutcome,
    RegimeOutcome,
    RollOutcome,
)

if TYPE_CHECKING:
    from tidegate_server.engine.commands import Command


def encode_marks(outcome: MarksOutcome, _command: Command) -> bytes:
    """Write an UpdateMarksResponse."""
    return market_service_pb2.UpdateMarksResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        older_count=sum(1 for move in outcome.moves if not move[2]),
    ).SerializeToString()


def marks_effects(outcome: MarksOutcome, _command: Command) -> bytes:
    """Write where marks and slow marks came to be."""
    return journal_pb2.MarkEffects(
        slow_mark_e4=[move[0] for move in outcome.moves],
        slow_mark_time_ns=[move[1] for move in outcome.moves],
        mark_time_ns=[move[2] for move in outcome.moves],
    ).SerializeToString()


def decode_marks(response: bytes, effects: bytes, _command: Command) -> MarksOutcome:
    """Read the moves of marks back."""
    message = market_service_pb2.UpdateMarksResponse.FromString(response)
    moved = journal_pb2.MarkEffects.FromString(effects)
    moves = list(zip(moved.slow_mark_e4, moved.slow_mark_time_ns, moved.mark_time_ns, strict=True))
    return MarksOutcome(message.sequence, message.decided_time_ns, moves)


def encode_factors(outcome: FactorsOutcome, _command: Command) -> bytes:
    """Write an UpdateVolatilityResponse."""
    return market_service_pb2.UpdateVolatilityResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        older_count=sum(1 for time_ns in outcome.times if not time_ns),
    ).SerializeToString()


def factors_effects(outcome: FactorsOutcome, _command: Command) -> bytes:
    """Write the factors' times as taken."""
    return journal_pb2.VolatilityEffects(factor_time_ns=outcome.times).SerializeToString()


def decode_factors(response: bytes, effects: bytes, _command: Command) -> FactorsOutcome:
    """Read the factors' times back."""
    message = market_service_pb2.UpdateVolatilityResponse.FromString(response)
    times = list(journal_pb2.VolatilityEffects.FromString(effects).factor_time_ns)
    return FactorsOutcome(message.sequence, message.decided_time_ns, times)


def encode_regime(outcome: RegimeOutcome, _command: Command) -> bytes:
    """Write a SetRegimeResponse."""
    return market_service_pb2.SetRegimeResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        regime_bps=outcome.regime_bps,
    ).SerializeToString()


def decode_regime(response: bytes, _effects: bytes, _command: Command) -> RegimeOutcome:
    """Read a regime back."""
    message = market_service_pb2.SetRegimeResponse.FromString(response)
    return RegimeOutcome(message.sequence, message.decided_time_ns, message.regime_bps)


def encode_roll(outcome: RollOutcome, _command: Command) -> bytes:
    """Write a RollDayResponse."""
    return market_service_pb2.RollDayResponse(
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
        previous_trading_date=outcome.previous_date,
    ).SerializeToString()


def decode_roll(response: bytes, _effects: bytes, _command: Command) -> RollOutcome:
    """Read a roll back."""
    message = market_service_pb2.RollDayResponse.FromString(response)
    return RollOutcome(message.sequence, message.decided_time_ns, message.previous_trading_date)
