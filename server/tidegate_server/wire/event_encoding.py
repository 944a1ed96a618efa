"""Outcomes of reports of the venue to responses and effects, and back; see encoding.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import (
    journal_pb2,
    risk_service_pb2,
)
from tidegate_server.engine.cn.contracts import NOT_OPENED
from tidegate_server.engine.outcomes import (
    EventResult,
    EventsOutcome,
)

from .effects import (
    read_valued,
    valuations_of,
)

if TYPE_CHECKING:
    from tidegate_server.engine.commands import Command


def encode_events(outcome: EventsOutcome, _command: Command) -> bytes:
    """Write a RecordOrderEventsResponse."""
    return risk_service_pb2.RecordOrderEventsResponse(
        results=[
            risk_service_pb2.EventResult(
                outcome=result.outcome,  # type: ignore[arg-type] # numbers are the contract's
                flags=result.flags,  # type: ignore[arg-type] # the same
                order_state=result.order_state,  # type: ignore[arg-type] # the same
                reserved_quantity=result.reserved_quantity,
            )
            for result in outcome.results
        ],
        sequence=outcome.sequence,
        decided_time_ns=outcome.decided_time_ns,
    ).SerializeToString()


def events_effects(outcome: EventsOutcome, _command: Command) -> bytes:
    """Write the tombstones' times, if there are any."""
    times = [result.keep_until_ns for result in outcome.results]
    openings = [result.opening for result in outcome.results]
    opens = any(opening != NOT_OPENED for opening in openings)
    if not any(times) and not outcome.valued and not opens:
        return b""
    return journal_pb2.EventEffects(
        keep_until_time_ns=times if any(times) else (),
        valuations=valuations_of(outcome),
        contract_opened_time_ns=[opened for opened, _ in openings] if opens else (),
        contract_ratio_bps=[ratio for _, ratio in openings] if opens else (),
    ).SerializeToString()


def decode_events(response: bytes, effects: bytes, _command: Command) -> EventsOutcome:
    """Read the results of reports back."""
    message = risk_service_pb2.RecordOrderEventsResponse.FromString(response)
    kept = journal_pb2.EventEffects.FromString(effects)
    times = kept.keep_until_time_ns
    results = [
        EventResult(
            result.outcome,
            list(result.flags),
            result.order_state,
            result.reserved_quantity,
            times[index] if times else 0,
        )
        for index, result in enumerate(message.results)
    ]
    openings = zip(kept.contract_opened_time_ns, kept.contract_ratio_bps, strict=True)
    for result, opening in zip(results, openings, strict=False):  # none at all, or one an event
        result.opening = opening
    outcome = EventsOutcome(message.sequence, message.decided_time_ns, results)
    outcome.valued = [read_valued(one) for one in kept.valuations]
    return outcome
