"""The largest quantity of an order that would pass (4.0.3)."""

from __future__ import annotations

from .amounts import QUANTITY_BOUND
from .checks.permission import forbidden_type
from .judge import sized_reasons
from .judgement import Judgement
from .reasons import Rejection, RejectReason, precedence

# Reasons that no smaller quantity cures (4.0.3).
INCURABLE = frozenset(
    {
        RejectReason.HALTED,
        RejectReason.SESSION_CLOSED,
        RejectReason.TICK_SIZE,
        RejectReason.PRICE_LIMIT,
        RejectReason.PRICE_COLLAR,
        RejectReason.ORDER_RATE,
        RejectReason.ORDER_REPEATED,
        RejectReason.OPEN_ORDER_COUNT,
        RejectReason.SELF_TRADE,
    }
)


def max_acceptable(judged: Judgement, rejections: list[Rejection]) -> int:
    """Return the largest tradable quantity, at most the order's, that would pass (4.0.3)."""
    if not rejections:
        return judged.order.quantity
    if incurable(judged, rejections) is not None:
        return 0
    return search(judged, judged.order.quantity)


def largest(judged: Judgement, rejections: list[Rejection]) -> tuple[int, Rejection | None]:
    """Return the largest quantity of any order alike that would pass, and what stops a larger one.

    That is the search of 4.0.3 for an order as large as an order can be; the answer's own quantity
    counts if it passes. What stops is judged at the next tradable size.
    """
    stopping = incurable(judged, rejections)
    if stopping is not None:
        return 0, stopping
    best = search(judged, QUANTITY_BOUND)
    if not rejections:
        best = max(best, judged.order.quantity)
    terms = judged.instrument.terms
    beyond = terms.least_quantity
    if best >= beyond:
        beyond += ((best - beyond) // terms.quantity_step + 1) * terms.quantity_step
    reasons = reasons_at(judged, beyond) if beyond <= QUANTITY_BOUND else []
    return best, min(reasons, key=precedence) if reasons else None


def incurable(judged: Judgement, rejections: list[Rejection]) -> Rejection | None:
    """Return the first reason that no smaller quantity cures."""
    for rejection in rejections:
        if rejection.reason in INCURABLE:
            return rejection
        if rejection.reason == RejectReason.NOT_PERMITTED and forbidden_type(judged):
            return rejection
    return None


def search(judged: Judgement, asked: int) -> int:
    """Return the largest tradable quantity, at most `asked`, that would pass (4.0.3)."""
    terms = judged.instrument.terms
    least = terms.least_quantity
    step = terms.quantity_step
    low = 0
    high = 1 if asked <= least else -(-(asked - least) // step) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if passes(judged, least + (middle - 1) * step):
            low = middle
        else:
            high = middle
    best = least + (low - 1) * step if low else 0
    exiting = min(judged.exit_room, asked)
    if exiting > best and passes(judged, exiting):
        return exiting
    return best


def passes(judged: Judgement, quantity: int) -> bool:
    """Tell whether another quantity would have no reason that a quantity can cure."""
    return not reasons_at(judged, quantity)


def reasons_at(judged: Judgement, quantity: int) -> list[Rejection]:
    """Return the reasons that a quantity can cure, judged at another one."""
    judged.resize(quantity)
    rejections: list[Rejection] = []
    sized_reasons(judged, rejections)
    return rejections
