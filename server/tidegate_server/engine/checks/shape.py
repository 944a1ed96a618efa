"""4.9 LOT_SIZE and TICK_SIZE, 4.10 PRICE_LIMIT."""

from __future__ import annotations

from tidegate_server.engine.question import Question
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def lot_size(asked: Question) -> Rejection | None:
    """Refuse an odd quantity, but never an exit that leaves no odd part behind."""
    terms = asked.instrument.terms
    quantity = asked.quantity
    step = terms.quantity_step
    if quantity >= terms.least_quantity and (quantity - terms.least_quantity) % step == 0:
        return None
    if asked.is_exit and (asked.lot_room - quantity) % step == 0:
        return None
    if quantity <= asked.old_room and (asked.old_room - quantity) % step == 0:
        return None  # a replace that keeps what is open, or leaves no odd part of it
    if not quantity:
        return None
    return _instrument(asked, RejectReason.LOT_SIZE, quantity, step)


def tick_size(asked: Question) -> Rejection | None:
    """Refuse a limit price off the tick."""
    tick = asked.instrument.terms.tick_e4
    if asked.is_market or asked.price % tick == 0:
        return None
    return _instrument(asked, RejectReason.TICK_SIZE, asked.price, tick)


def price_limit(asked: Question) -> Rejection | None:
    """Refuse a limit price outside the day's limits."""
    if asked.is_market:
        return None
    terms = asked.instrument.terms
    if 0 <= terms.upper_limit_e4 < asked.price:
        return _instrument(asked, RejectReason.PRICE_LIMIT, asked.price, terms.upper_limit_e4)
    if asked.price < terms.lower_limit_e4:
        return _instrument(asked, RejectReason.PRICE_LIMIT, asked.price, terms.lower_limit_e4)
    return None


def _instrument(asked: Question, reason: RejectReason, measured: int, limit: int) -> Rejection:
    return Rejection(reason, measured, limit, ScopeKind.INSTRUMENT, asked.instrument.instrument_id)
