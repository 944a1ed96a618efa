"""Outcomes of the gate's own records, back and forth; see encoding.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import (
    journal_pb2,
)
from tidegate_server.engine.own_outcomes import EpochOutcome, TickOutcome

if TYPE_CHECKING:
    from tidegate_server.engine.commands import Command


def encode_epoch(outcome: EpochOutcome, _command: Command) -> bytes:
    """Write a StartEpochResponse."""
    return journal_pb2.StartEpochResponse(
        sequence=outcome.sequence, acknowledge_by_time_ns=outcome.acknowledge_by_ns
    ).SerializeToString()


def decode_epoch(response: bytes, _effects: bytes, _command: Command) -> EpochOutcome:
    """Read the beginning of an epoch back; the frame has its time."""
    message = journal_pb2.StartEpochResponse.FromString(response)
    return EpochOutcome(message.sequence, 0, message.acknowledge_by_time_ns)


def encode_tick(outcome: TickOutcome, _command: Command) -> bytes:
    """Write a TickResponse."""
    return journal_pb2.TickResponse(
        sequence=outcome.sequence,
        unconfirmed=[
            journal_pb2.OrderKey(account_id=account_id, order_id=order_id)
            for account_id, order_id in outcome.unconfirmed
        ],
        forgotten=[
            journal_pb2.OrderKey(account_id=account_id, order_id=order_id)
            for account_id, order_id in outcome.forgotten
        ],
        forgotten_batches=outcome.forgotten_batches,
        ended_overrides=outcome.ended_overrides,
    ).SerializeToString()


def decode_tick(response: bytes, _effects: bytes, _command: Command) -> TickOutcome:
    """Read what fell due back; the frame has its time."""
    message = journal_pb2.TickResponse.FromString(response)
    outcome = TickOutcome(
        message.sequence,
        0,
        [(key.account_id, key.order_id) for key in message.unconfirmed],
        [(key.account_id, key.order_id) for key in message.forgotten],
        list(message.forgotten_batches),
    )
    outcome.ended_overrides = list(message.ended_overrides)
    return outcome
