"""Stops and repeated orders between the contract and the engine, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.v1 import control_service_pb2, journal_pb2
from tidegate_server.engine.reasons import ScopeKind
from tidegate_server.engine.repeats import Times
from tidegate_server.engine.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidegate_server.engine.account import Account


def stop_message(stop: Stop) -> control_service_pb2.Stop:
    """Return a stop as the contract has it."""
    message = control_service_pb2.Stop(
        stop_id=stop.stop_id,
        kind=stop.kind,  # type: ignore[arg-type] # numbers are the contract's
        scope_kind=int(stop.scope_kind),  # type: ignore[arg-type] # the same
        scope_id=stop.scope_id,
        principal=stop.principal,
        reason=stop.reason,
        set_time_ns=stop.set_time_ns,
        sequence=stop.sequence,
        release_principal=stop.release_principal,
        release_time_ns=stop.release_time_ns,
        release_sequence=stop.release_sequence,
    )
    if stop.latched is not None:
        instrument_id, side, price, quantity = stop.latched
        message.instrument_id = instrument_id
        message.side = side  # type: ignore[assignment] # the same
        message.quantity = quantity
        if price:
            message.price_e4 = price
    return message


def read_stop(message: control_service_pb2.Stop) -> Stop:
    """Read a stop back."""
    latched = None
    if message.instrument_id:
        latched = (message.instrument_id, int(message.side), message.price_e4, message.quantity)
    stop = Stop(
        message.stop_id,
        message.kind,
        ScopeKind(message.scope_kind),
        message.scope_id,
        message.principal,
        message.reason,
        message.set_time_ns,
        message.sequence,
        latched,
    )
    stop.release_principal = message.release_principal
    stop.release_time_ns = message.release_time_ns
    stop.release_sequence = message.release_sequence
    return stop


def repeat_messages(account: Account) -> list[journal_pb2.RestoreRepeat]:
    """Return when an account sent orders alike."""
    return [
        journal_pb2.RestoreRepeat(
            instrument_id=instrument_id,
            side=side,  # type: ignore[arg-type] # numbers are the contract's
            price_e4=price,
            quantity=quantity,
            order_time_ns=times.kept(),
        )
        for (instrument_id, side, price, quantity), times in account.repeats.items()
    ]


def read_repeats(account: Account, messages: Iterable[journal_pb2.RestoreRepeat]) -> None:
    """Read back when an account sent orders alike."""
    for message in messages:
        first, *later = message.order_time_ns
        times = Times(first)
        times.times += later
        key = (message.instrument_id, int(message.side), message.price_e4, message.quantity)
        account.repeats[key] = times
