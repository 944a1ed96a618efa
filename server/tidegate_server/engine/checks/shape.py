"""4.9 LOT_SIZE and TICK_SIZE, 4.10 PRICE_LIMIT."""

from __future__ import annotations

from tidegate_server.engine.question import Question
from tidegate_server.engine.reasons import Rejection, RejectReason, ScopeKind


def lot_size(judged: Question) -> Rejection | None:
    """Refuse an odd quantity, but never an exit that leaves no odd part behind."""
    terms = judged.instrument.terms
    quantity = judged.quantity
    step = terms.quantity_step
    if quantity >= terms.least_quantity and (quantity - terms.least_quantity) % step == 0:
        return None
    if judged.is_exit and (judged.lot_room - quantity) % step == 0:
        return None
    if quantity <= judged.old_room and (judged.old_room - quantity) % step == 0:
        return None  # a replace that keeps what is open, or leaves no odd part of it
    if not quantity:
        return None
    return _instrument(judged, RejectReason.LOT_SIZE, quantity, step)


def tick_size(judged: Question) -> Rejection | None:
    """Refuse a limit price off the tick."""
    tick = judged.instrument.terms.tick_e4
    if judged.is_market or judged.price % tick == 0:
        return None
    return _instrument(judged, RejectReason.TICK_SIZE, judged.price, tick)


def price_limit(judged: Question) -> Rejection | None:
    """Refuse a limit price outside the day's limits."""
    if judged.is_market:
        return None
    terms = judged.instrument.terms
    if 0 <= terms.upper_limit_e4 < judged.price:
        return _instrument(judged, RejectReason.PRICE_LIMIT, judged.price, terms.upper_limit_e4)
    if judged.price < terms.lower_limit_e4:
        return _instrument(judged, RejectReason.PRICE_LIMIT, judged.price, terms.lower_limit_e4)
    return None


def _instrument(judged: Question, reason: RejectReason, measured: int, limit: int) -> Rejection:
    return Rejection(reason, measured, limit, ScopeKind.INSTRUMENT, judged.instrument.instrument_id)
