"""The effects of a decided order: what its caller is not told and the book needs."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from tidegate.v1 import journal_pb2

if TYPE_CHECKING:
    from tidegate_server.engine.commands import Command
    from tidegate_server.engine.outcomes import CheckOutcome

_CheckEffects = journal_pb2.CheckEffects
# Each field of CheckEffects: its tag, then eight bytes.
_EFFECTS = Struct("<BqBqBq")
_EFFECTS_OF_COUNTED = Struct("<BqBqBqHq")
_FIRST_FIXED64 = 1 << 3 | 1
_SECOND_FIXED64 = 2 << 3 | 1
_THIRD_FIXED64 = 3 << 3 | 1
_REPEATS_FIXED64 = 0x01F1  # field 30: its tag takes two bytes


def check_effects(outcome: CheckOutcome, _command: Command) -> bytes:
    """Write a CheckEffects; an order that is not stored has none.

    Its fields have fixed widths: packing them takes 0.3 us, the protobuf class 1.2 us.
    """
    if not outcome.keep_until_ns:
        return b""
    if outcome.repeats_floor_ns:
        return _EFFECTS_OF_COUNTED.pack(
            _FIRST_FIXED64,
            outcome.account_next_ns,
            _SECOND_FIXED64,
            outcome.principal_next_ns,
            _THIRD_FIXED64,
            outcome.keep_until_ns,
            _REPEATS_FIXED64,
            outcome.repeats_floor_ns,
        )
    return _EFFECTS.pack(
        _FIRST_FIXED64,
        outcome.account_next_ns,
        _SECOND_FIXED64,
        outcome.principal_next_ns,
        _THIRD_FIXED64,
        outcome.keep_until_ns,
    )


def effects_message(outcome: CheckOutcome) -> journal_pb2.CheckEffects:
    """Return the effects of one order."""
    return _CheckEffects(
        account_next_time_ns=outcome.account_next_ns,
        principal_next_time_ns=outcome.principal_next_ns,
        keep_until_time_ns=outcome.keep_until_ns,
        repeats_after_time_ns=outcome.repeats_floor_ns,
    )


def read_effects(outcome: CheckOutcome, effects: journal_pb2.CheckEffects) -> None:
    """Read the effects of one order back."""
    outcome.account_next_ns = effects.account_next_time_ns
    outcome.principal_next_ns = effects.principal_next_time_ns
    outcome.keep_until_ns = effects.keep_until_time_ns
    outcome.repeats_floor_ns = effects.repeats_after_time_ns
